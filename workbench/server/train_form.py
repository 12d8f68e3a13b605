"""What the training form holds, and the command that does it: what is shown, estimated and started is one command."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from db.errors import UserError
from training.models.names import model_names
from training.recipe import names as recipe_names
from training.runs.creation import TrainRequest
from workbench.server.services import Services

_OPTIONS = ("steps", "epochs", "minutes", "batch", "crop", "seed", "init", "precision")
"""Settings that `train` takes by an option of their own; the others come by `--set`."""
_INIT_WORDS = ("auto", "scratch", "imagenet")
_RUN = re.compile(r"\d{1,18}(:(best|last))?")


def _comes_with_us(name: str) -> str:
    if name not in recipe_names():  # a path would be a file of the server's
        raise ValueError(f"there is no recipe {name!r}; there are {', '.join(recipe_names())}")
    return name


OurRecipe = Annotated[str, AfterValidator(_comes_with_us)]
"""The name of a recipe that comes with the workbench."""


class TrainForm(BaseModel):
    """The form.

    Attributes:
        architecture: its name.
        recipe: one of those that come with the workbench.
        revision: digest or its beginning; None freezes the data at the start.
        datasets: names; empty for all.
        on: role or subset to train on.
        settings: what differs from the recipe, as JSON values by dotted key.
        device: as `train --device` takes it.
        name: of the run; "" lets the workbench choose.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: str
    recipe: OurRecipe = "default"
    revision: str | None = None
    datasets: tuple[str, ...] = ()
    on: str = "train"
    settings: dict[str, Any] = Field(default_factory=dict)
    device: str = "auto"
    name: str = Field(default="", max_length=200)

    def texts(self) -> Mapping[str, str]:
        """Return the settings as `--set` takes them."""
        return {key: setting_text(key, value) for key, value in self.settings.items()}

    def argv(self, project: str) -> list[str]:
        """Return the command, what stands after `workbench`, that trains in a project."""
        words = ["train", f"--project={project}", f"--arch={self.architecture}"]
        words += [f"--dataset={name}" for name in self.datasets]
        if self.revision is not None:
            words.append(f"--revision={self.revision}")
        plain = {"on": ("train", self.on), "recipe": ("default", self.recipe), "device": ("auto", self.device)}
        words += [f"--{name}={value}" for name, (usual, value) in plain.items() if value != usual]
        words += [f"--{k}={text}" if k in _OPTIONS else f"--set={k}={text}" for k, text in self.texts().items()]
        return words + ([f"--name={self.name.strip()}"] if self.name.strip() else [])

    def request(self, project: str) -> TrainRequest:
        """Return what the command asks for."""
        return TrainRequest(
            architecture=self.architecture,
            project=project,
            datasets=self.datasets,
            revision=self.revision,
            on=self.on,
            recipe=self.recipe,
            settings=self.texts(),
            device=self.device,
            name=self.name.strip() or None,
        )


def setting_text(key: str, value: Any) -> str:
    """Return a JSON value as the text that `--set` reads as that value: text that YAML takes for another is quoted."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        read = _read(value)
        return value if isinstance(read, str | int) and str(read) == value else _quoted(value)
    if key == "crop" and isinstance(value, list):
        return "x".join(map(str, value))
    return _quoted(value) if isinstance(value, list | dict) else repr(value)


def _quoted(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=10**6, allow_unicode=True, sort_keys=False).strip()


def _read(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def _lies_below(root: Path, text: str) -> bool:
    try:
        return Path(text).expanduser().resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError, ValueError):  # too long, a loop of links, no such user, a zero byte
        return False


def check_init(services: Services, project: str, form: TrainForm) -> None:
    """Refuse a weights file of the server's that a visitor may not name.

    Raises:
        UserError: `init` is no word, run or imported model, and no file below the import root.
    """
    init = str(form.settings.get("init", "auto"))
    if init in _INIT_WORDS or _RUN.fullmatch(init):
        return
    if any(model.reference == init for model in model_names(services.home, services.database, project)):
        return
    root = services.import_root
    if root is None or not _lies_below(root, init):
        allowed = "" if root is None else f", or the path of a weights file below {root}"
        raise UserError(f"init: expected auto, scratch, imagenet, a run or an imported model{allowed}; found {init!r}.")
