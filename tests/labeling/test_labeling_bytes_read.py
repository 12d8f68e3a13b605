"""Large files say how far their listing is, and whoever is told may end it."""

import json
from pathlib import Path

import pytest

from labeling.formats import bytes_read
from labeling.formats.base import ReadRequest
from labeling.formats.codecs import CODECS

LONG = "x" * 1000
COUNT = 3000


def coco() -> str:
    entry = {"image_id": 1, "category_id": 1, "segmentation": [[0, 0, 9, 0, 9, 9.5]], "note": LONG}
    document = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 40, "height": 30}],
        "annotations": [{"id": number, **entry} for number in range(COUNT)],
        "categories": [{"id": 1, "name": "road"}],
    }
    return json.dumps(document)


def labelstudio() -> str:
    return json.dumps([{"id": n, "data": {"image": "a.jpg", "note": LONG}, "annotations": []} for n in range(COUNT)])


def cvat() -> str:
    labels = "<meta><task><labels><label><name>road</name></label></labels></task></meta>"
    box = f'<box label="road" xtl="0" ytl="0" xbr="9" ybr="9"><attribute name="note">{LONG}</attribute></box>'
    image = f'<image id="0" name="a.jpg" width="40" height="30">{box * COUNT}</image>'
    return f"<annotations><version>1.1</version>{labels}{image}</annotations>"


@pytest.fixture(params=[coco, labelstudio, cvat], ids=lambda make: make.__name__)
def large(request, tmp_path, monkeypatch) -> tuple[str, Path]:
    """A format and a file of 3 MB, which is large here."""
    monkeypatch.setattr(bytes_read, "TOLD_BYTES", 1_000_000)
    (tmp_path / "a.jpg").touch()
    file = tmp_path / ("labels.xml" if request.param is cvat else "labels.json")
    file.write_text(request.param())
    return request.param.__name__, file


def test_listing_a_large_file_says_how_far_it_is(large):
    format_name, file = large
    told = []
    CODECS[format_name].list_source(ReadRequest(file, progress=lambda *report: told.append(report)))
    whole = file.stat().st_size // 10**6
    assert {report[1:] for report in told} == {(whole, "MB of labels listed")}
    done = [report[0] for report in told]
    assert (done == sorted(done), done[0], done[-1]) == (True, 0, whole)
    assert set(done) == set(range(whole + 1))


def test_who_is_told_may_end_the_listing(large):
    format_name, file = large

    def stop(done, total, what):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        CODECS[format_name].list_source(ReadRequest(file, progress=stop))


def test_a_small_file_is_not_worth_a_word(large, monkeypatch):
    monkeypatch.undo()
    format_name, file = large
    CODECS[format_name].list_source(ReadRequest(file, progress=lambda *_: pytest.fail("told")))
