"""JSON streamed in pieces: how deep it nests is seen wherever the pieces end."""

import io
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.errors import UserError
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
