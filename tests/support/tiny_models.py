"""Networks of a few weights behind the architecture contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from training.architectures.contract import Architecture, Logits, Preprocessing
from training.models.loaded import LoadedModel
from training.models.spec import ModelSpec


class LocalNet(Architecture):
    """A 1x1 convolution: what it says of a pixel depends on that pixel alone."""

    name: ClassVar[str] = "local"

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.layer = nn.Conv2d(3, num_classes, 1)

    def logits(self, x: Tensor) -> Logits:
        return Logits(self.layer(x))

    def encoder(self) -> nn.Module:
        return self.layer

    def parameter_groups(self) -> Mapping[str, list[nn.Parameter]]:
        return {"encoder": [], "head": [*self.layer.parameters()]}


class GlobalNet(LocalNet):
    """Predicts at stride 4 and adds what the whole image looks like."""

    def __init__(self, num_classes: int) -> None:
        super().__init__(num_classes)
        self.layer = nn.Conv2d(3, num_classes, 5, stride=4, padding=2)

    def logits(self, x: Tensor) -> Logits:
        out = self.layer(x)
        return Logits(out + out.mean(dim=(2, 3), keepdim=True))


class ColorNet(LocalNet):
    """Names the class whose colour is nearest to the pixel's: a network whose output a test can paint."""

    def __init__(self, colors: Sequence[tuple[int, int, int]]) -> None:
        super().__init__(len(colors))
        centres = torch.tensor(colors, dtype=torch.float32)
        # -|x - c|^2 up to the part all classes share: 2 x.c - |c|^2
        self.layer.weight.data = 2 * centres[:, :, None, None]
        self.layer.bias = nn.Parameter(-centres.square().sum(dim=1))


PLAIN = Preprocessing(mean=(0, 0, 0), std=(1, 1, 1))


def loaded(
    module: Architecture,
    classes: Sequence[str] | None = None,
    *,
    preprocessing: Preprocessing = Preprocessing(),  # noqa: B008 - frozen
    **spec: object,
) -> LoadedModel:
    """Return a module as a loaded model."""
    names = tuple(classes or (f"class {index}" for index in range(module.num_classes)))
    fields = {"architecture": module.name, "classes": names, "preprocessing": preprocessing, **spec}
    return LoadedModel(module.eval(), ModelSpec.model_validate(fields), "0" * 64, module.name)
