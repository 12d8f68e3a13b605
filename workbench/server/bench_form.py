"""What the form of a bench holds, and the command that does it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from training.bench.opening import BenchRequest, read_seeds
from workbench.server.train_form import OurRecipe


class BenchForm(BaseModel):
    """The form.

    Attributes:
        architectures: their names.
        seeds: as `bench --seeds` takes them.
        recipe: one of those that come with the workbench.
        length: what `amount` counts; "" for the recipe's own length.
        amount: of each training.
        settings: what differs from the recipe, as text by dotted key; `unet:batch` is for one architecture only.
        datasets: names; empty for all.
        on: subset or role to test on.
        device: as `train --device` takes it.
        name: of the bench; "" lets the workbench choose.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    architectures: tuple[str, ...] = ()
    seeds: str = "3"
    recipe: OurRecipe = "default"
    length: Literal["", "steps", "epochs", "minutes"] = ""
    amount: float = Field(default=1, gt=0)
    settings: dict[str, str] = Field(default_factory=dict)
    datasets: tuple[str, ...] = ()
    on: str = "val"
    device: str = "auto"
    name: str = Field(default="", max_length=80)

    @field_validator("settings")
    @classmethod
    def _no_files(cls, settings: dict[str, str]) -> dict[str, str]:
        for key, value in settings.items():
            if key.rpartition(":")[2] == "init" and value not in ("auto", "scratch", "imagenet"):
                raise ValueError(f"a bench starts from auto, scratch or imagenet, found {value!r}")
        return settings

    @property
    def _length(self) -> dict[str, str]:
        amount = f"{self.amount:g}" if self.length != "steps" else str(round(self.amount))
        return {self.length: amount} if self.length else {}

    def argv(self, project: str) -> list[str]:
        """Return the command, what stands after `workbench`."""
        words = ["bench", f"--project={project}", f"--archs={','.join(self.architectures)}", f"--seeds={self.seeds}"]
        words += [f"--dataset={name}" for name in self.datasets]
        plain = {"on": ("val", self.on), "recipe": ("default", self.recipe), "device": ("auto", self.device)}
        words += [f"--{name}={value}" for name, (usual, value) in plain.items() if value != usual]
        words += [f"--{key}={text}" for key, text in self._length.items()]
        words += [f"--set={key}={text}" for key, text in self.settings.items()]
        return words + ([f"--name={self.name.strip()}"] if self.name.strip() else [])

    def request(self, project: str) -> BenchRequest:
        """Return what the command asks for.

        Raises:
            UserError: the seeds cannot be read.
        """
        return BenchRequest(
            project=project,
            name=self.name.strip() or None,
            architectures=self.architectures,
            seeds=read_seeds(self.seeds),
            datasets=self.datasets,
            on=self.on,
            recipe=self.recipe,
            settings=self.settings | self._length,
            device=self.device,
        )
