"""From a photo to its class map: sized, run through the network whole or in windows, upsampled, then argmax.

Logits are resized to the photo's own size before the argmax, in strips of rows, so that neither a large photo nor many
classes need (classes, height, width) floats at once.
"""

from __future__ import annotations

import math
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Literal, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from db.errors import UserError
from training.architectures.contract import Architecture
from training.crf.parameters import REPORTED
from training.crf.strips import refine_strips
from training.data.resample import resize_photo
from training.models.loaded import LoadedModel
from training.numerics import Numerics, has_bf16_instructions, pick_device
from training.numerics import Precision as ConcretePrecision
from training.prediction.embedding import Embedder
from training.prediction.predicted import SCORE_BINS, Prediction, Scores, Settled
from training.prediction.refinement import NONE, Refinement, View
from training.prediction.size import OWN_SIZE, Size
from training.prediction.tiling import Window, blended_rows, choose_window
from training.prediction.upsampling import Rows, combine_strips, upsample_strips

Item = TypeVar("Item")
Precision = ConcretePrecision | Literal["auto"]
_Map = Callable[[int, tuple[int, int]], Iterator[Rows]]  # of a photo's number and a size: its logits
Strips = Callable[[tuple[int, int]], Iterable[Rows]]
"""Gives a photo's logits at a (height, width)."""
SCORE_VALUES = 1 << 20  # probabilities sampled per photo at most: bounds memory and time where there are many classes


class Predictor:
    """A model on a device, ready for photos. Its module is moved there, in channels_last, in place.

    Attributes:
        model: what predicts.
        device: where it runs.
        refinement: what is done besides running the network once.
    """

    def __init__(
        self, model: LoadedModel, device: torch.device, precision: Precision = "auto", refinement: Refinement = NONE
    ) -> None:
        self.model = model
        self.device = device
        self.refinement = refinement
        self._asked = precision
        self._module = model.module.eval().to(device).to(memory_format=torch.channels_last)
        self._preprocessing = model.spec.preprocessing
        self._excluded = self._find_excluded()

    @property
    def precision(self) -> str:
        """What the network computes in; `auto` until the first photo decided."""
        return self._asked if self._asked != "auto" else _decided.get(self._module, {}).get(self.device, "auto")

    @torch.inference_mode()
    def predict(
        self,
        photos: Sequence[NDArray[np.uint8]],
        sizes: Sequence[tuple[int, int]],
        *,
        scores: Scores | None = None,
        originals: Sequence[NDArray[np.uint8]] = (),
        over_time: Callable[[Strips, NDArray[np.uint8]], Strips] | None = None,
    ) -> list[Prediction]:
        """Predict photos that are already resized to one common size.

        Args:
            photos: each uint8 (h, w, 3) RGB, all of one size.
            sizes: the (height, width) that each prediction gets.
            scores: sample probabilities too, binned or as they are.
            originals: the photos at `sizes`, which a CRF and `over_time` need.
            over_time: puts other logits in the place of each photo's, given the photo; called in their order.
        """
        maps = self._maps(self._styled(photos))
        crf = self.refinement.crf
        found = []
        for number, size in enumerate(sizes):
            strips: Strips = partial(self._strips, maps, number)
            if over_time is not None:
                strips = over_time(strips, originals[number])
            if crf is None:
                found.append(self._finish(strips(size), size, scores))
            else:
                photo, classes = originals[number], self._module.num_classes
                (refined,) = refine_strips(strips, photo, classes, crf, [crf.iterations])
                found.append(self._finish(refined, size, scores))
        return found

    @torch.inference_mode()
    def predict_steps(
        self,
        small: NDArray[np.uint8],
        photo: NDArray[np.uint8],
        iterations: Sequence[int],
        scores: Scores | None = None,
    ) -> list[Prediction]:
        """Predict one photo after several numbers of iterations of the CRF.

        Args:
            small: the photo at the network's size, uint8 (h, w, 3) RGB.
            photo: at its own.
            iterations: ascending; 0 is without a CRF.
            scores: as `predict` has it.
        """
        size = (photo.shape[0], photo.shape[1])
        strips = partial(self._strips, self._maps(self._styled([small])), 0)
        crf = self.refinement.crf or REPORTED
        wanted = [number for number in iterations if number]
        refined = refine_strips(strips, photo, self._module.num_classes, crf, wanted) if wanted else ()
        plain = [strips(size)] if len(wanted) < len(iterations) else []
        return [self._finish(each, size, scores) for each in (*plain, *refined)]

    def refined(self, refinement: Refinement) -> Predictor:
        """Return the same model on the same device, with something else done besides running the network once."""
        return Predictor(self.model, self.device, self._asked, refinement)

    def _find_excluded(self) -> Tensor | None:
        """Return which classes no pixel gets, bool (K,); None where any may be got.

        Raises:
            UserError: the classes to choose from are not the model's.
        """
        only, classes = self.refinement.only, self.model.spec.classes
        if only is None:
            return None
        if strangers := sorted(set(only) - set(classes)):
            raise UserError(f"The model has no class {strangers[0]!r} to choose. Its classes: {', '.join(classes)}.")
        return torch.tensor([name not in only for name in classes], device=self.device)

    @torch.inference_mode()
    def settle(self, photo: NDArray[np.uint8]) -> Settled:
        """Decide what photos as this one, at the network's size, uint8 (h, w, 3), shall share."""
        height, width = photo.shape[:2]
        largest = max(view.size(height, width) for view in self.refinement.views)
        window = self._window(largest)
        side = max(largest) if window is None else max(window.height, window.width)
        return Settled(precision=self._decide(self.pixels([photo])), batch=self._batch_size(height, width), window=side)

    @torch.inference_mode()
    def mirrored_look(self, photos: Sequence[NDArray[np.uint8]]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Look once at the mirror images of photos of one size, whole, whatever else the refinement does.

        Args:
            photos: each uint8 (h, w, 3) RGB.

        Returns:
            Class indices, mirrored back, uint8 (N, h, w), and each photo as a vector (`training.prediction.embedding`),
            float32 (N, channels).
        """
        pixels = self.pixels(photos)
        numerics = self._numerics(self._decide(pixels[:1]))
        embedder = Embedder(self._module)
        with embedder.watching():
            logits = self._full_logits(pixels.flip(-1), numerics).float()
        if self._excluded is not None:
            logits = logits.masked_fill(self._excluded[:, None, None], _NEVER)
        index = logits.argmax(dim=1).to(torch.uint8).flip(-1).cpu().numpy()
        return index, embedder.means().numpy()

    def gather(self, items: Iterable[Item], pixels: Callable[[Item], NDArray[np.uint8]]) -> Iterator[list[Item]]:
        """Put neighbours together that `predict` can take at once, in order.

        Args:
            items: photos with whatever belongs to them.
            pixels: an item's photo at the network's size, uint8 (h, w, 3).
        """
        batch: list[Item] = []
        for item in items:
            shape = pixels(item).shape
            if batch and (shape != pixels(batch[0]).shape or len(batch) >= self._batch_size(shape[0], shape[1])):
                yield batch
                batch = []
            batch.append(item)
        if batch:
            yield batch

    def _batch_size(self, height: int, width: int) -> int:
        """Return how many photos of this network size to give at once."""
        most = _GPU_BATCH if self.device.type == "cuda" else _CPU_BATCH
        largest = max(view.size(height, width) for view in self.refinement.views)
        looks = len(self.refinement.views)
        while most > 1 and choose_window(self._module, largest, self.device, images=most * looks) is not None:
            most //= 2
        return most

    def _maps(self, photos: Sequence[NDArray[np.uint8]]) -> list[_Map]:
        """Look at the photos in every way; each gives a map of the logits."""
        numerics = self._numerics(self._decide(self.pixels(photos[:1])))
        return [self._look(photos, view, numerics) for view in self.refinement.views]

    def _look(self, photos: Sequence[NDArray[np.uint8]], view: View, numerics: Numerics) -> _Map:
        shape = view.size(*photos[0].shape[:2])
        pixels = self.pixels([resize_photo(photo, shape) for photo in photos])
        if view.mirrored:
            pixels = pixels.flip(-1)
        window = self._window(shape)
        if window is None:
            whole = self._logits(pixels, numerics).float()
            whole = whole.flip(-1) if view.mirrored else whole
            source = (whole.shape[2], whole.shape[3])
            align = self._module.align_corners
            return lambda number, size: upsample_strips([Rows(0, whole[number])], source, size, align)
        network = partial(self._full_logits, numerics=numerics)

        def slide(number: int, size: tuple[int, int]) -> Iterator[Rows]:
            rows = blended_rows(network, pixels[number : number + 1], window)
            if view.mirrored:
                rows = (Rows(each.top, each.logits.flip(-1)) for each in rows)
            return upsample_strips(rows, shape, size, align_corners=False)

        return slide

    def _window(self, shape: tuple[int, int]) -> Window | None:
        """Return the windows that a photo of this size is seen through; None where it is seen whole."""
        side = self.refinement.window
        if side is None:
            return choose_window(self._module, shape, self.device, images=len(self.refinement.views))
        return Window(min(side, shape[0]), min(side, shape[1])) if side < max(shape) else None

    def _strips(self, maps: Sequence[_Map], number: int, size: tuple[int, int]) -> Iterator[Rows]:
        combined = combine_strips([one(number, size) for one in maps], self.refinement.combine)
        if self._excluded is None:
            return combined
        excluded = self._excluded[:, None, None]
        return (Rows(strip.top, strip.logits.masked_fill(excluded, _NEVER)) for strip in combined)

    def _styled(self, photos: Sequence[NDArray[np.uint8]]) -> Sequence[NDArray[np.uint8]]:
        style = self.refinement.style
        return photos if style is None else [style.apply(photo) for photo in photos]

    def pixels(self, photos: Sequence[NDArray[np.uint8]]) -> Tensor:
        """Return photos of one size on the device, uint8 (N, 3, h, w)."""
        return torch.from_numpy(np.stack(photos)).to(self.device).permute(0, 3, 1, 2)

    def _numerics(self, precision: ConcretePrecision) -> Numerics:
        return Numerics(self.device, self._preprocessing, precision=precision, channels_last=True)

    def _logits(self, pixels: Tensor, numerics: Numerics) -> Tensor:
        with numerics.autocast():
            return self._module.logits(numerics.input(pixels)).out

    def _full_logits(self, pixels: Tensor, numerics: Numerics) -> Tensor:
        with numerics.autocast():
            return self._module(numerics.input(pixels))

    def _finish(self, strips: Iterable[Rows], size: tuple[int, int], scores: Scores | None) -> Prediction:
        index = torch.empty(size, dtype=torch.uint8, device=self.device)
        confidence = torch.empty_like(index)
        values = self._module.num_classes * size[0] * size[1]
        stride = math.ceil(math.sqrt(max(1.0, values / SCORE_VALUES)))
        sampled: list[Tensor] = []
        entropy = torch.zeros((), dtype=torch.float64, device=self.device)
        for strip in strips:
            rows = slice(strip.top, strip.top + strip.logits.shape[1])
            best, winner = strip.logits.max(dim=0)
            index[rows] = winner
            confidence[rows] = (strip.logits - best).exp_().sum(dim=0).reciprocal_().mul_(255).round_()
            if scores:
                kept = strip.logits[:, -strip.top % stride :: stride, ::stride].softmax(dim=0)
                entropy += torch.special.entr(kept).sum(dtype=torch.float64)
                if scores == "bins":
                    kept = kept.mul_(SCORE_BINS).clamp_(max=SCORE_BINS - 1).to(torch.uint8)
                sampled.append(kept)
        if not scores:
            return Prediction(index.cpu().numpy(), confidence.cpu().numpy())
        found = torch.cat(sampled, dim=1).cpu().numpy()
        classes, pixels = found.shape[0], found[0].size
        mean = entropy.item() / (pixels * math.log(classes)) if classes > 1 else 0.0
        return Prediction(index.cpu().numpy(), confidence.cpu().numpy(), found, stride, min(mean, 1.0))

    def _decide(self, pixels: Tensor) -> ConcretePrecision:
        if self._asked != "auto":
            return self._asked
        decided = _decided.setdefault(self._module, {})
        if self.device not in decided:
            decided[self.device] = self._measure(pixels[..., :_PROBE_SIDE, :_PROBE_SIDE])
        return decided[self.device]

    def _measure(self, pixels: Tensor) -> ConcretePrecision:
        """Half precision on a GPU; on a CPU with bf16 instructions whichever is faster on this very photo."""
        if self.device.type == "cuda":
            return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
        if not has_bf16_instructions():
            return "fp32"
        seconds: dict[ConcretePrecision, float] = {}
        for precision in _CPU_PRECISIONS * 2:  # the second round counts: the first one lays out the weights
            start = time.perf_counter()
            self._logits(pixels, self._numerics(precision))
            seconds[precision] = time.perf_counter() - start
        return "bf16" if seconds["bf16"] < _CLEARLY * seconds["fp32"] else "fp32"


_GPU_BATCH, _CPU_BATCH = 16, 4  # beyond, nothing is won
_PROBE_SIDE = 512
_NEVER = -1e4  # of a logit: a probability of 0, yet no infinity, which a CRF's sums would turn into NaN
_CPU_PRECISIONS: list[ConcretePrecision] = ["fp32", "bf16"]
_CLEARLY = 0.8  # a smaller gain is not worth the digits
_decided: weakref.WeakKeyDictionary[Architecture, dict[torch.device, ConcretePrecision]] = weakref.WeakKeyDictionary()


def predict_pixels(
    model: LoadedModel,
    pixels: NDArray[np.uint8],
    *,
    size: Size = OWN_SIZE,
    device: torch.device | None = None,
    precision: Precision = "auto",
    refinement: Refinement = NONE,
) -> Prediction:
    """Predict one photo.

    Args:
        model: moved to the device, and kept ready there for the next call.
        pixels: uint8 (H, W, 3) RGB.
        size: what the network sees; the prediction has the photo's size in any case.
        device: a GPU where there is one unless given.
        precision: what the network computes in.
        refinement: what is done besides running the network once.
    """
    predictor = Predictor(model, device or pick_device("auto"), precision, refinement)
    height, width = pixels.shape[:2]
    small = resize_photo(pixels, size.target(height, width))
    return predictor.predict([small], [(height, width)], originals=[pixels])[0]
