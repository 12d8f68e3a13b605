"""The loops of the mean field on the CPU, over a part of the pixels or corners each, so that threads may share them.

Arrays are C-contiguous. P pixels of an image of H x W, K classes, M corners of the lattice, six around every pixel: it
has five dimensions (Adams, Baek and Davis 2010, section 3.1). See `training.crf.on_cpu` for what belongs together.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from training.compiled import compiled

CORNERS = 6
"""Around a pixel."""


@compiled
def enclose(features: Any, basis: Any, multipliers: Any, hashes: Any, weights: Any, start: int, stop: int) -> None:
    """Find the corners around pixels, for `hashes` uint64 (P, 6), and barycentric `weights` float32 (P, 6).

    Args:
        features: float32 (P, 5).
        basis: float32 (6, 5), into the plane of the lattice.
        multipliers: uint64 (5,), of the hash.
        hashes: is written.
        weights: is written.
        start: of the pixels.
        stop: of the pixels.
    """
    elevated = np.empty(CORNERS, np.float32)
    nearest = np.empty(CORNERS, np.int64)
    rank = np.empty(CORNERS, np.int64)
    above = np.empty(CORNERS, np.float32)
    by_rank = np.empty(CORNERS, np.uint64)
    every = np.uint64(0)
    for axis in range(CORNERS - 1):
        every += multipliers[axis]
    for pixel in range(start, stop):
        remainder = 0
        for axis in range(CORNERS):
            sum_ = np.float32(0)
            for dimension in range(CORNERS - 1):
                sum_ += basis[axis, dimension] * features[pixel, dimension]
            whole = int(np.floor(sum_ / CORNERS + np.float32(0.5)))
            remainder += whole
            nearest[axis] = whole * CORNERS
            elevated[axis] = sum_ - nearest[axis]
            rank[axis] = 0
        for axis in range(CORNERS):
            for other in range(axis + 1, CORNERS):
                if elevated[axis] < elevated[other]:
                    rank[axis] += 1
                else:
                    rank[other] += 1
        first = np.uint64(0)
        for axis in range(CORNERS):
            place, offset = rank[axis] + remainder, 0
            if place < 0:
                offset = CORNERS
            elif place >= CORNERS:
                offset = -CORNERS
            place += offset
            above[place] = (elevated[axis] - offset) / CORNERS
            # The last coordinate follows from the others and is left out of the hash.
            by_rank[place] = multipliers[axis] if axis < CORNERS - 1 else np.uint64(0)
            if axis < CORNERS - 1:
                first += np.uint64(nearest[axis] + offset) * multipliers[axis]
        hashes[pixel, 0] = first
        weights[pixel, 0] = 1 + above[CORNERS - 1] - above[0]
        for corner in range(1, CORNERS):
            # One more in every coordinate than the corner before, but six less in that of the next lower rank.
            first += every - np.uint64(CORNERS) * by_rank[CORNERS - corner]
            hashes[pixel, corner] = first
            weights[pixel, corner] = above[CORNERS - 1 - corner] - above[CORNERS - corner]


@compiled
def number(hashes: Any, numbers: Any, known: Any, table: Any, bits: int) -> int:
    """Number corners as they appear, so that those of neighbouring pixels lie close together in memory.

    Args:
        hashes: uint64 (P, 6).
        numbers: int32 (P, 6), is written: a corner each.
        known: uint64, is written: the corners' hashes.
        table: int32 (2^bits,), all -1, more than `known` may hold; is written: a corner's number stands at the first
            bits of its hash or, where others were there before, in the next slots.
        bits: see `table`.

    Returns:
        M, or -1 where `known` is too small.
    """
    count = 0
    shift, last = np.uint64(64 - bits), table.size - 1
    for pixel in range(hashes.shape[0]):
        for corner in range(CORNERS):
            wanted = hashes[pixel, corner]
            slot = np.int64(wanted >> shift)
            while table[slot] >= 0 and known[table[slot]] != wanted:
                slot = (slot + 1) & last
            if table[slot] < 0:
                if count == known.size:
                    return -1
                table[slot] = count
                known[count] = wanted
                count += 1
            numbers[pixel, corner] = table[slot]
    return count


@compiled
def neighbours(known: Any, table: Any, bits: int, steps: Any, after: Any, before: Any, start: int, stop: int) -> None:
    """Find the corners after and before corners on each axis of the lattice; M where there is none.

    Args:
        known: uint64 (M,).
        table: see `number`.
        bits: likewise.
        steps: uint64 (6,), what a hash grows by from one corner to the next on an axis.
        after: int32 (6, M), is written.
        before: int32 (6, M), holds M; what is not M is written.
        start: of the corners.
        stop: of the corners.
    """
    shift, last = np.uint64(64 - bits), table.size - 1
    for axis in range(CORNERS):
        for corner in range(start, stop):
            wanted = known[corner] + steps[axis]
            slot = np.int64(wanted >> shift)
            while table[slot] >= 0 and known[table[slot]] != wanted:
                slot = (slot + 1) & last
            found = table[slot]
            if found < 0:
                after[axis, corner] = known.size
            else:
                after[axis, corner] = found
                before[axis, found] = corner


@compiled
def by_corner(numbers: Any, weights: Any, starts: Any, pixels: Any, shares: Any) -> None:
    """Sort what lies around corners by the corners.

    Args:
        numbers: int32 (P, 6), a corner each.
        weights: float32 (P, 6).
        starts: int32 (M + 2,), all zero; entries m and m + 1 then say where the pixels of corner m are.
        pixels: int32 (6 P,), is written.
        shares: float32 (6 P,), is written: the pixels' weights.
    """
    for pixel in range(numbers.shape[0]):
        for corner in range(CORNERS):
            starts[numbers[pixel, corner] + 2] += 1
    for corner in range(2, starts.size):
        starts[corner] += starts[corner - 1]
    for pixel in range(numbers.shape[0]):
        for corner in range(CORNERS):
            at = starts[numbers[pixel, corner] + 1]
            pixels[at] = pixel
            shares[at] = weights[pixel, corner]
            starts[numbers[pixel, corner] + 1] = at + 1


@compiled
def splat(values: Any, starts: Any, pixels: Any, shares: Any, out: Any, start: int, stop: int) -> None:
    """Add up the pixels' values at corners.

    Args:
        values: float32 (P, K).
        starts: see `by_corner`.
        pixels: see `by_corner`.
        shares: see `by_corner`.
        out: float32 (M + 1, K), is written.
        start: of the corners.
        stop: of the corners.
    """
    classes = values.shape[1]
    for corner in range(start, stop):
        i, last = starts[corner], starts[corner + 1]
        for k in range(classes):
            out[corner, k] = 0
        while i + 3 < last:  # four at once: sums are read and written less often
            p, q, r, s = pixels[i], pixels[i + 1], pixels[i + 2], pixels[i + 3]
            of_p, of_q, of_r, of_s = shares[i], shares[i + 1], shares[i + 2], shares[i + 3]
            for k in range(classes):
                out[corner, k] += of_p * values[p, k] + of_q * values[q, k] + of_r * values[r, k] + of_s * values[s, k]
            i += 4
        while i < last:
            p, of_p = pixels[i], shares[i]
            for k in range(classes):
                out[corner, k] += of_p * values[p, k]
            i += 1


@compiled
def blur(values: Any, after: Any, before: Any, out: Any, start: int, stop: int) -> None:
    """Mix corners with their neighbours on an axis: the half of each.

    Args:
        values: float32 (M + 1, K), the last row zero.
        after: int32 (M,).
        before: int32 (M,).
        out: like `values`; the last row is left.
        start: of the corners.
        stop: of the corners.
    """
    half = np.float32(0.5)
    for corner in range(start, stop):
        one, other = after[corner], before[corner]
        for k in range(values.shape[1]):
            out[corner, k] = values[corner, k] + half * (values[one, k] + values[other, k])


@compiled
def slice_(values: Any, numbers: Any, weights: Any, out: Any, start: int, stop: int) -> None:
    """Read pixels' values from the corners around them.

    Args:
        values: float32 (M + 1, K).
        numbers: int32 (P, 6), the corners.
        weights: float32 (P, 6).
        out: float32 (P, K), is written.
        start: of the pixels.
        stop: of the pixels.
    """
    for pixel in range(start, stop):
        a, b, c, d, e, f = numbers[pixel]
        of_a, of_b, of_c, of_d, of_e, of_f = weights[pixel]
        for k in range(values.shape[1]):
            first = of_a * values[a, k] + of_b * values[b, k] + of_c * values[c, k]
            out[pixel, k] = first + of_d * values[d, k] + of_e * values[e, k] + of_f * values[f, k]


@compiled
def smooth(
    values: Any, taps: Any, rows: Any, columns: Any, classes: int, weight: float, out: Any, start: int, stop: int
) -> None:
    """Add a weight times the Gaussian mean around each pixel to rows of an image.

    Args:
        values: float32 (H, W K).
        taps: float32 (R + 1,), the Gaussian at distance 0 ... R.
        rows: float32 (H,), the normalisation of each.
        columns: float32 (W K,), likewise.
        classes: K.
        weight: of it.
        out: float32 (H, W K), is added to.
        start: of the rows.
        stop: of the rows.
    """
    height, length = values.shape
    radius = taps.size - 1
    margin = radius * classes
    line = np.zeros(length + 2 * margin, np.float32)  # a row, filtered across rows, between zeros
    middle = line[margin:]
    for row in range(start, stop):
        for i in range(length):
            middle[i] = 0
        for other in range(max(0, row - radius), min(height, row + radius + 1)):
            factor = rows[row] * taps[abs(row - other)] * rows[other]
            for i in range(length):
                middle[i] += factor * values[other, i]
        for i in range(length):
            middle[i] *= columns[i]
        for far in range(radius + 1):
            factor = np.float32(weight) * taps[far] * (np.float32(0.5) if far == 0 else np.float32(1))
            left, right = line[margin - far * classes :], line[margin + far * classes :]
            for i in range(length):
                out[row, i] += factor * columns[i] * (left[i] + right[i])


@compiled
def scale_and_add(values: Any, weight: float, others: Any, start: int, stop: int) -> None:
    """Turn rows `start` to `stop` of `values` into `weight * values + others`, both float32 (P, K)."""
    factor = np.float32(weight)
    for pixel in range(start, stop):
        for k in range(values.shape[1]):
            values[pixel, k] = factor * values[pixel, k] + others[pixel, k]


@compiled
def softmax(logits: Any, start: int, stop: int) -> None:
    """Turn rows of logits, float32 (P, K), into probabilities, in place.

    The exponential is 2^n times a polynomial of at most 1/2 (relative error below 2e-7), which the compiler turns into
    vector instructions, as it does not do with the library's.
    """
    size = logits.shape[1]
    powers = np.empty(size, np.int32)
    as_float = powers.view(np.float32)
    for pixel in range(start, stop):
        row = logits[pixel]
        largest = row[0]
        for k in range(1, size):
            largest = max(largest, row[k])
        sum_ = np.float32(0)
        for k in range(size):
            exponent = max(row[k] - largest, np.float32(-87)) * np.float32(1.44269504)
            whole = np.floor(exponent + np.float32(0.5))
            x = exponent - whole
            powers[k] = (np.int32(whole) + np.int32(127)) << np.int32(23)
            high = np.float32(0.0555041087) + x * (
                np.float32(0.00961812911) + x * (np.float32(0.00133335581) + x * np.float32(0.000154035304))
            )
            row[k] = 1 + x * (np.float32(0.693147181) + x * (np.float32(0.240226507) + x * high))
        for k in range(size):
            row[k] *= as_float[k]
            sum_ += row[k]
        sum_ = 1 / sum_
        for k in range(size):
            row[k] *= sum_
