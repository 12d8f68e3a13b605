"""Mean field inference in a fully connected CRF with Gaussian edges.

Kraehenbuehl and Koltun, Efficient Inference in Fully Connected CRFs with Gaussian Edge Potentials, NIPS 2011: two
kernels between all pairs of pixels (eq. 3), one of their distance and one of their distance and their colours', Potts
compatibility, and the updates of Algorithm 1, whose message passing is a Gaussian filter each (section 3.2): the first
kernel's is exact, the second's in the permutohedral lattice.

Deviations: kernels are normalised symmetrically, as the authors' published code and pydensecrf do by default; a pixel
sends its message to itself, too, as there; unary energies are minus the logarithm of probabilities clipped at 1e-5.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from training.crf.gaussian import along, smooth
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
    return next(iterate(probabilities, photos, parameters, [parameters.iterations]))


@torch.inference_mode()
def iterate(
    probabilities: Tensor, photos: Tensor, parameters: CrfParameters, iterations: Sequence[int]
) -> Iterator[Tensor]:
    """Yield what `refine` returns after each of these numbers of iterations, ascending, whatever the parameters say."""
    if photos.shape != (probabilities.shape[0], 3, *probabilities.shape[2:]):
        raise ValueError(f"photos of {tuple(photos.shape)} do not fit probabilities of {tuple(probabilities.shape)}")
    if 0 in iterations:
        yield probabilities
    if not any(iterations):
        return
    unary = probabilities.permute(0, 2, 3, 1).clamp(min=_LEAST).log()
    # The one choice between the two: compiled loops are several times faster, but there are none for a GPU.
    beliefs = in_compiled_loops if probabilities.device.type == "cpu" else in_torch
    for done, belief in enumerate(beliefs(unary, _features(photos, parameters), parameters)):
        if done and done in iterations:
            yield torch.stack([one.view(unary.shape[1:]).permute(2, 0, 1) for one in belief])
        if done == max(iterations):
            return


def in_torch(unary: Tensor, features: Tensor, parameters: CrfParameters) -> Iterator[Tensor]:
    """Yield the beliefs after 0, 1, 2 ... iterations, without an end, by operations that every device has.

    Args:
        unary: float32 (N, H, W, K), logits.
        features: float32 (N, H, W, 5) of the bilateral kernel.
        parameters: of the kernels.

    Yields:
        float32 (N, H, W, K), overwritten by the next iteration.
    """
    count, height, width, classes = unary.shape
    xy = parameters.smoothness_xy
    columns, rows = (along(xy, length).to(unary.device) for length in (height, width))
    lattice = None
    if parameters.appearance:
        images = torch.arange(count, device=unary.device).repeat_interleave(height * width)
        lattice = Lattice(features.flatten(0, 2), images)
    belief = unary.softmax(dim=-1)
    while True:
        yield belief
        logits = unary.clone()
        if parameters.smoothness:
            logits.add_(smooth(belief, columns, rows), alpha=parameters.smoothness)
        if lattice is not None:
            message = lattice.filter(belief.view(-1, classes))
            logits.add_(message.view(unary.shape), alpha=parameters.appearance)
        belief = torch.softmax(logits, dim=-1, out=belief)


def in_compiled_loops(unary: Tensor, features: Tensor, parameters: CrfParameters) -> Iterator[tuple[Tensor, ...]]:
    """Yield what `in_torch` does, on the CPU, image by image: each float32 (H W, K)."""
    from training.crf.on_cpu import beliefs  # loads numba

    images = zip(unary, features, strict=True)
    width = unary.shape[2]
    return zip(*(beliefs(one.flatten(0, 1), its.flatten(0, 1), width, parameters) for one, its in images), strict=True)


def _features(photos: Tensor, parameters: CrfParameters) -> Tensor:
    """Return what the bilateral kernel is of, float32 (N, H, W, 5): x, y, red, green, blue in standard deviations."""
    count, _, height, width = photos.shape
    rows, columns = (torch.arange(length, dtype=torch.float32, device=photos.device) for length in (height, width))
    place = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=-1).expand(count, height, width, 2)
    color = photos.permute(0, 2, 3, 1).float()
    return torch.cat([place / parameters.appearance_xy, color / parameters.appearance_rgb], dim=-1)
