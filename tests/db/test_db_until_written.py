"""Answers kept until somebody writes."""

from db.home import Home
from db.schema import Setting
from db.session import open_database
from db.until_written import MOST, UntilWritten


def test_an_answer_is_found_once_until_somebody_writes(tmp_path):
    database, other = (open_database(Home(tmp_path)) for _ in range(2))
    found: list[int] = []

    def find():
        found.append(len(found))
        return found[-1]

    assert [database.kept.get("key", find) for _ in range(3)] == [0, 0, 0]
    assert database.kept.get("another", find) == 1
    with other.write() as session:
        session.add(Setting(key="a", value="b"))
    assert [database.kept.get("key", find) for _ in range(2)] == [2, 2]


def test_none_is_no_answer_to_keep():
    kept = UntilWritten(lambda: b"never written")
    answers = iter([None, "found", "again"])
    assert [kept.get("key", lambda: next(answers)) for _ in range(3)] == [None, "found", "found"]


def test_what_was_asked_longest_ago_is_forgotten():
    kept = UntilWritten(lambda: b"never written")
    for key in [*range(MOST), 0, MOST]:
        kept.get(key, lambda: "first")
    assert [kept.get(key, lambda: "second") for key in (0, 1)] == ["first", "second"]


def test_what_is_written_while_an_answer_is_found_makes_it_out_of_date():
    stamps = [b"before"]
    kept = UntilWritten(lambda: stamps[-1])

    def find():
        stamps.append(b"after")
        return "old"

    assert kept.get("key", find) == "old"
    assert kept.get("key", lambda: "new") == "new"
