"""A kept listing is the one that would be made anew, for as long as that is so."""

import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from db.errors import UserError
from labeling.formats.base import Listing, ReadRequest
from labeling.formats.codecs import CODECS
from labeling.importing import source_listing
from labeling.importing.preview import preview_import
from labeling.importing.request import ImportRequest
from labeling.importing.source_classes import source_classes
from labeling.importing.source_listing import KEPT_SECONDS, KeptListing, Reading, list_source
from labeling.options import DatasetOptions
from tests.support.codec_sources import BUILDERS, PHOTOS
from tests.support.labelme_folder import make_folder

DRAWN = DatasetOptions(
    mapping={"car": "vehicle", "räum <b>": None},
    unlabelled="vehicle",
    background="ground",
    overlap="area",
    crowd="class",
    raster="center",
    line_width=3,
    point_radius=2,
)


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ReadRequest]]:
    """What was listed anew."""
    asked: list[tuple[str, ReadRequest]] = []

    def note(format: str, request: ReadRequest):
        asked.append((format, request))
        return list_source(format, request)

    monkeypatch.setattr(source_listing, "list_source", note)
    return asked


@pytest.mark.parametrize("format", sorted(CODECS))
def test_options_of_drawing_change_no_listing(tmp_path: Path, listed, format: str) -> None:
    request = BUILDERS[format](tmp_path / "source", PHOTOS)
    keep = KeptListing()
    first = keep(format, request)
    drawn = replace(request, options=DRAWN)
    assert keep(format, drawn) is first
    anew = list_source(format, drawn)
    assert replace(anew, items=list(anew.items)) == replace(first, items=list(first.items))
    assert len(listed) == 1


def test_what_may_change_a_listing_makes_it_anew(tmp_path: Path, listed, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_folder(tmp_path / "a", ["1", "2"])
    request = ReadRequest(folder)
    names = tmp_path / "names.txt"
    names.write_text("car\nroad\n")
    keep = KeptListing()
    assert keep("labelme", request).classes == ()
    assert keep("labelme", replace(request, classes_file=names)).classes == ("car", "road")
    assert keep("labelme", request).classes == ()
    keep("labelme", replace(request, options=DatasetOptions(ignore_index=3)))
    keep("labelme", replace(request, source=make_folder(tmp_path / "b", ["1"])))
    assert len(listed) == 5
    make_folder(tmp_path / "b", ["3"])
    other = replace(request, source=tmp_path / "b")
    keep.forget(folder)
    assert len(keep("labelme", other).items) == 1
    keep.forget(tmp_path / "b")
    assert len(keep("labelme", other).items) == 2
    now = time.monotonic()
    monkeypatch.setattr("labeling.importing.source_listing.time.monotonic", lambda: now + KEPT_SECONDS + 60)
    keep("labelme", other)
    assert len(listed) == 7


def test_classes_and_previews_of_one_form_list_once(tmp_path: Path, listed) -> None:
    request = ImportRequest("labelme", make_folder(tmp_path / "campus", ["a", "b"]))
    keep = KeptListing()
    assert source_classes(request, ["road", "car"], keep) == ("road", "car")
    for target in ("vehicle", "ignore", None):
        changed = replace(request, mapping={"car": target}, unlabelled="ignore")
        assert preview_import(changed, 2, keep) == preview_import(changed, 2)
    assert len(listed) == 1


def test_how_far_a_listing_is_can_be_asked_and_it_can_be_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep, asked = KeptListing(), ReadRequest(tmp_path / "large")
    told: list[Reading | None] = []

    def list_slowly(format: str, request: ReadRequest) -> Listing:
        told.append(keep.reading(tmp_path / "large"))
        request.progress(3, 9, "MB of labels listed")
        told.append(replace(found) if (found := keep.reading(tmp_path / "large")) else None)
        keep.stop(tmp_path / "another")
        request.progress(4, 9, "MB of labels listed")
        keep.stop(tmp_path / "large")
        with suppress(UserError):  # as a codec does that takes it for one bad file of several
            request.progress(5, 9, "MB of labels listed")
        raise AssertionError("it went on")

    monkeypatch.setattr(source_listing, "list_source", list_slowly)
    with pytest.raises(UserError, match="The reading of large was stopped"):
        keep("coco", asked)
    assert told[0] is None, "nothing was told yet"
    assert told[1] is not None
    assert (told[1].done, told[1].total, told[1].what) == (3, 9, "MB of labels listed")
    assert keep.reading(tmp_path / "large") is None
