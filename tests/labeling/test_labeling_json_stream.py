"""JSON streamed in pieces: how deep it nests is seen wherever the pieces end."""

import io
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.errors import UserError
from labeling.formats import json_stream
from labeling.formats.base import ReadRequest
from labeling.formats.coco import codec as coco
from labeling.formats.json_depth import MAX_DEPTH, ShallowJson
from labeling.formats.json_stream import stream_objects


def read_in_pieces(data: bytes, size: int) -> bytes:
    file = ShallowJson(io.BytesIO(data))
    pieces = []
    while piece := file.read(size):
        pieces.append(piece)
    return b"".join(pieces)


texts = st.text(alphabet=st.sampled_from('[]{}"\\ab\n\0ü'), max_size=12)
documents = st.recursive(
    st.none() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(documents, st.integers(1, 9), st.booleans())
def test_brackets_in_texts_open_nothing(document, size, escaped):
    data = json.dumps([document, "[" * (MAX_DEPTH + 9), '\\"[' * MAX_DEPTH], ensure_ascii=escaped).encode()
    assert read_in_pieces(data, size) == data


@given(documents, st.integers(1, 9), st.sampled_from(["[", '{"a":']))
def test_what_nests_too_deeply_is_refused(document, size, opening):
    start = f"[{json.dumps(document)}, "
    shallow, deep = (start + opening * count for count in (MAX_DEPTH - 1, MAX_DEPTH))
    assert read_in_pieces(shallow.encode(), size) == shallow.encode()
    with pytest.raises(ValueError, match="200 levels"):
        read_in_pieces(deep.encode(), size)


@pytest.mark.parametrize("piece", ["[", '{"a":', '[{"images":'])
def test_a_file_of_brackets_is_refused_at_once(tmp_path, piece):
    path = tmp_path / "deep.json"
    path.write_text(piece * 1_000_000)
    start = time.perf_counter()
    with pytest.raises(UserError, match="levels deep"):
        list(stream_objects(path, "item", "a list"))
    assert time.perf_counter() - start < 5


def test_a_text_of_quotes_takes_no_longer_than_another(tmp_path):
    path = tmp_path / "quotes.json"
    path.write_text(json.dumps([{"a": '"' * 2_000_000}]))
    start = time.perf_counter()
    ((entry),) = stream_objects(path, "item", "a list")
    assert len(entry["a"]) == 2_000_000
    assert time.perf_counter() - start < 5


@pytest.fixture
def large_coco(tmp_path, monkeypatch):
    """A COCO file of 3 MB, which is large here."""
    monkeypatch.setattr(json_stream, "TOLD_BYTES", 1_000_000)
    (tmp_path / "a.jpg").touch()
    outline = [[0, 0, 9, 0, 9, 9.5]]
    entry = {"image_id": 1, "category_id": 1, "segmentation": outline, "note": "x" * 900}
    document = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 40, "height": 30}],
        "annotations": [{"id": number, **entry} for number in range(3000)],
        "categories": [{"id": 1, "name": "road"}],
    }
    file = tmp_path / "instances.json"
    file.write_text(json.dumps(document))
    return file


def test_listing_a_large_file_says_how_far_it_is(large_coco):
    told = []
    coco.list_source(ReadRequest(large_coco, progress=lambda *report: told.append(report)))
    whole = large_coco.stat().st_size // 10**6
    assert {report[1:] for report in told} == {(whole, "MB of labels listed")}
    done = [report[0] for report in told]
    assert (done == sorted(done), done[0], done[-1]) == (True, 0, whole)
    assert set(done) == set(range(whole + 1))


def test_who_is_told_may_end_the_listing(large_coco):
    def stop(done, total, what):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        coco.list_source(ReadRequest(large_coco, progress=stop))


def test_a_small_file_is_not_worth_a_word(large_coco, monkeypatch):
    monkeypatch.undo()
    coco.list_source(ReadRequest(large_coco, progress=lambda *_: pytest.fail("told")))
