"""What the command line prints of the files of an import."""

import pytest

from labeling.importing.report import FileReport
from labeling.importing.report_kinds import kinds_of
from workbench.cli.commands_import import _show_files


def test_of_many_files_the_kinds_of_trouble_are_printed(capsys):
    size = "it was labelled on a photo of {0} x 9 pixels, but DSC {0}.jpg has 4 x 5; put the photo back"
    files = [FileReport(f"sub dir/DSC {n}.json", "skipped", size.format(n)) for n in range(40)]
    _show_files([*files, FileReport("x.json", "repaired", "imagePath says 'a', b was found")])
    printed = capsys.readouterr().out
    assert printed.startswith("41 files to look at, by kind of trouble")
    assert "   40  skipped   sub dir/DSC 0.json" in printed
    assert len(printed.splitlines()) == 4


def test_of_many_different_troubles_the_first_files_are_printed(capsys):
    _show_files(
        [FileReport(f"{letter}.json", "skipped", f"trouble {letter * 3}") for letter in "abcdefghijklmnopqrstuvw"]
    )
    printed = capsys.readouterr().out
    assert "a.json" in printed
    assert "... and 3 more; --json lists them all" in printed


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("imagePath says 'C:\\\\a.jpg', in/1.jpg was found", "imagePath says 'b.jpg', in/2.jpg was found"),
        ("shapes[1] left out: found 2", "shapes[14] left out: found 1"),
        ("the label file is not valid JSON: Expecting value: line 1", "the label file is not valid JSON: Extra data"),
    ],
)
def test_names_numbers_and_a_parsers_words_make_no_kind(first, second):
    [kind] = kinds_of([FileReport("in/1.json", "skipped", first), FileReport("in/2.json", "skipped", second)])
    assert (kind.count, kind.file, kind.reason) == (2, "in/1.json", first)


def test_what_happened_and_why_make_a_kind():
    files = [
        FileReport("a", "skipped", "the label file is empty"),
        FileReport("a", "skipped", "the label file is not valid JSON: x"),
        FileReport("a", "repaired", "the label file is empty"),
    ]
    assert len(kinds_of(files)) == 3
