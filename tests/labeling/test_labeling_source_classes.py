"""By which names a source's labels can be mapped."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from db.errors import NotFoundError, UserError
from labeling.importing.request import ImportRequest
from labeling.importing.source_classes import source_classes
from tests.support.labelme_folder import make_folder, write_photo


def test_labelme_has_those_of_its_label_file_then_those_seen(tmp_path: Path) -> None:
    make_folder(tmp_path, ["a"])
    (tmp_path / "labels.txt").write_text("__ignore__\n_background_\ncar\nroad\n")
    request = ImportRequest(format="labelme", source=tmp_path)
    assert source_classes(request, ["road", "kerb", "ignore", "(no label)"]) == ("car", "road", "kerb")
    assert source_classes(request, ["_background_"]) == ("_background_", "car", "road")


def test_masks_have_the_names_that_an_import_gives_their_values(tmp_path: Path) -> None:
    write_photo(tmp_path / "images" / "a.png", 0, (4, 4))
    (tmp_path / "masks").mkdir()
    Image.fromarray(np.array([[0, 7], [7, 255]], np.uint8).repeat(2, 0).repeat(2, 1)).save(tmp_path / "masks" / "a.png")
    request = ImportRequest(format="masks", source=tmp_path)
    assert source_classes(request, ["0", "7", "255"]) == ("class_0", "class_7")
    assert source_classes(ImportRequest(format="masks", source=tmp_path, ignore_index=7)) == ("class_0",)


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no format"):
        source_classes(ImportRequest(format="paper", source=tmp_path))
    with pytest.raises(NotFoundError, match="nothing to import"):
        source_classes(ImportRequest(format="masks", source=tmp_path / "nothing"))
