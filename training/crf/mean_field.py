"""Mean field inference in a fully connected CRF with Gaussian edges.

Kraehenbuehl and Koltun, Efficient Inference in Fully Connected CRFs with Gaussian Edge Potentials, NIPS 2011: two
kernels between all pairs of pixels (eq. 3), one of their distance and one of their distance and their colours', Potts
compatibility, and the updates of Algorithm 1, whose message passing is a Gaussian filter each (section 3.2).

Deviations: kernels are normalised symmetrically, as the authors' published code and pydensecrf do by default; a pixel
sends its message to itself, too, as there; unary energies are minus the logarithm of probabilities clipped at 1e-5.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import torch
from torch import Tensor

from training.crf.lattice import Lattice
from training.crf.parameters import REPORTED, CrfParameters

_LEAST = 1e-5  # of a probability; below, the network's word would be final


def refine(probabilities: Tensor, photos: Tensor, parameters: CrfParameters = REPORTED) -> Tensor:
    """Refine class probabilities by the photos they belong to.

    Args:
        probabilities: float32 (N, K, H, W), softmax over K.
        photos: uint8 (N, 3, H, W), RGB, on the same device.
        parameters: of the kernels.

    Returns:
        float32 (N, K, H, W), summing to one over K.

    Raises:
        ValueError: shapes do not fit each other.
    """
    return next(islice(iterate(probabilities, photos, parameters), parameters.iterations, None))


@torch.inference_mode()
def iterate(probabilities: Tensor, photos: Tensor, parameters: CrfParameters = REPORTED) -> Iterator[Tensor]:
    """Yield what `refine` returns after 0, 1, 2 ... iterations; takes what it takes, and never ends on its own."""
    if photos.shape != (probabilities.shape[0], 3, *probabilities.shape[2:]):
        raise ValueError(f"photos of {tuple(photos.shape)} do not fit probabilities of {tuple(probabilities.shape)}")
    yield probabilities
    shape = probabilities.permute(0, 2, 3, 1).shape
    unary = probabilities.permute(0, 2, 3, 1).reshape(-1, shape[-1]).clamp(min=_LEAST).log()
    kernels = list(_kernels(photos, parameters))
    belief = unary.softmax(dim=1)
    while True:
        logits = unary.clone()
        for weight, lattice in kernels:
            logits.add_(lattice.filter(belief), alpha=weight)
        belief = torch.softmax(logits, dim=1, out=belief)
        yield belief.view(shape).permute(0, 3, 1, 2).clone(memory_format=torch.contiguous_format)


def _kernels(photos: Tensor, parameters: CrfParameters) -> Iterator[tuple[float, Lattice]]:
    count, _, height, width = photos.shape
    rows, columns = (torch.arange(length, dtype=torch.float32, device=photos.device) for length in (height, width))
    place = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=-1).reshape(-1, 2).repeat(count, 1)
    color = photos.permute(0, 2, 3, 1).reshape(-1, 3).float()
    images = torch.arange(count, device=photos.device).repeat_interleave(height * width)
    if parameters.smoothness:
        yield parameters.smoothness, Lattice(place / parameters.smoothness_xy, images)
    if parameters.appearance:
        bilateral = torch.cat([place / parameters.appearance_xy, color / parameters.appearance_rgb], dim=1)
        yield parameters.appearance, Lattice(bilateral, images)
