"""Which pixels of an image lie in one cell of the confusion matrix, as a picture."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from db.errors import UserError
from db.home import Home
from db.session import Database
from labeling.maps import MapError, read_map_png, write_map_png
from labeling.photos import fit_size
from labeling.thumbnails import PNG, Picture, Size, pictures, stored_map_png
from training.evaluation.gallery import Cell, check_cell
from training.evaluation.opened import OpenEvaluation
from training.evaluation.pictures import evaluated_image, predicted_map


def lit_picture(
    home: Home, database: Database, evaluation: OpenEvaluation, number: int, cell: Cell, size: Size
) -> Picture:
    """Return an index PNG, 1 in the cell and 0 elsewhere, of the size of the image's other pictures.

    Args:
        home: holds maps and the model.
        database: its database.
        evaluation: with the mapping it is read under.
        number: of the image in the evaluation, from 0.
        cell: truth class and column, as `gallery.evaluation_page` has it.
        size: longer side in pixels, 0 for the full size.

    Raises:
        NotFoundError: the evaluation has no such image, or its class map is gone.
        UserError: there is no such cell, a file is damaged, or what was not stored cannot be predicted.
    """
    check_cell(evaluation, cell)
    evaluated_image(evaluation, number)
    name = f"{cell[0]}-{cell[1]}-{evaluation.version}-{size}"
    folder = evaluation.directory.name
    made = pictures(home).get(
        f"evaluations/{folder}/{number}-lit-{name}.png",
        partial(_encode, home, database, evaluation, number, cell, size),
    )
    return Picture(made, PNG, f'"{folder}-{number}-lit-{name}"')


def _encode(home: Home, database: Database, evaluation: OpenEvaluation, number: int, cell: Cell, size: Size) -> bytes:
    image = evaluated_image(evaluation, number)
    stored = stored_map_png(home, image.map_sha256, (image.width, image.height), 0).path
    try:
        truth = read_map_png(stored)
    except MapError as error:
        raise UserError(f"The class map {stored} is broken ({error}). Delete it, it is made again.") from error
    lit = (truth == cell[0]) & (predicted_map(home, database, evaluation, number) == cell[1])
    return write_map_png(reduce_lit(lit, size).astype(np.uint8))


def reduce_lit(lit: NDArray[np.bool_], size: Size) -> NDArray[np.bool_]:
    """Return a mask (H, W) in the size that pictures have, lit where any of its pixels is: none gets lost."""
    height, width = lit.shape
    if size == 0 or max(height, width) <= size:
        return lit
    columns, rows = fit_size(width, height, size)
    within = np.bitwise_or.reduceat(lit, np.arange(rows) * height // rows, axis=0)
    return np.asarray(np.bitwise_or.reduceat(within, np.arange(columns) * width // columns, axis=1), np.bool_)
