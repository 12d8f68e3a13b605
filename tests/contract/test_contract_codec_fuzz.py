"""Whatever bytes a label file holds, a codec reads the source or says what is wrong: no other error, no hang."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labeling.formats.codecs import CODECS
from tests.support.codec_fuzz import FuzzTarget

TOKENS = [b"", b"\0", b"\xff", b"-1", b"0", b"1e999", b"NaN", b"null", b"[]", b"{}", b'""', b"true", b"<", b"&a;"]
TOKENS += [b"9" * 30, b"../../x", b"[" * 2000, b"\xef\xbb\xbf", b",", b":", b"  ", b"_", b"1 1 1", b"ignore", b"\n"]

edits = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 12), st.one_of(st.sampled_from(TOKENS), st.binary(max_size=6))),
    min_size=1,
    max_size=4,
)


@pytest.fixture(scope="module", params=sorted(CODECS))
def target(request, tmp_path_factory):
    return FuzzTarget(request.param, tmp_path_factory.mktemp(request.param))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_edited_bytes_are_read_or_refused_in_a_sentence(target, data):
    place = data.draw(st.integers(0, len(target.files) - 1))
    content = target.contents[place]
    for where, length, token in data.draw(edits):
        start = round(where * len(content))
        content = content[:start] + token + content[start + length :]
    target.attempt(place, content)


def test_the_source_is_whole_as_it_stands(target):
    assert target.files
    assert target.attempt(0, target.contents[0]) == ""
