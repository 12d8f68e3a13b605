"""The wheel holds all it needs, and runs in a folder whose `db.py` and `training.py` are not ours."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("workbench", "training", "labeling", "db")
pytestmark = pytest.mark.xdist_group("wheel")  # one build for all of them

HOSTILE = "print('HOSTILE', __name__)\nraise SystemExit(66)\n"


def run(*command, cwd, **environment):
    """Run a command as a user would, with no path or home of ours in the way."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "WORKBENCH", "PIP_"))}
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=kept | {name: str(value) for name, value in environment.items()},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel built from a copy of the packages, so that the tree gets no build folder."""
    copy, out = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("dist")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    built = run(sys.executable, "-P", "-m", "build", "--wheel", "--no-isolation", "--outdir", out, copy, cwd=copy)
    assert built.returncode == 0, built.stdout + built.stderr
    [wheel] = out.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The wheel alone in a folder of its own; what it depends on is this interpreter's."""
    target = tmp_path_factory.mktemp("installed")
    pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-index", "--target")
    result = run(sys.executable, "-P", *pip, target, wheel, cwd=target)
    assert result.returncode == 0, result.stdout + result.stderr
    return target


@pytest.fixture
def hostile(tmp_path):
    """A user's folder with modules named like ours."""
    folder = tmp_path / "my photos"
    folder.mkdir()
    for name in PACKAGES:
        (folder / f"{name}.py").write_text(HOSTILE)
    return folder


def test_every_file_of_the_packages_is_in_the_wheel(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    expected = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert expected - names == set()
    assert {"db/migrations/env.py", "db/migrations/script.py.mako", "db/migrations/versions/0001_initial.py"} <= names
    assert any(name.startswith("training/recipes/") and name.endswith(".yaml") for name in names)
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == set(PACKAGES)


def test_the_trap_is_armed(installed, hostile):
    """Without -P the hostile module is what a child would import: the other tests would notice."""
    result = run(sys.executable, "-c", "import db", cwd=hostile, PYTHONPATH=installed)
    assert (result.returncode, result.stdout.strip()) == (66, "HOSTILE db")


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_the_command_runs_in_a_hostile_folder(installed, hostile, argument):
    result = run(installed / "bin" / "workbench", argument, cwd=hostile, PYTHONPATH=installed)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "HOSTILE" not in result.stdout + result.stderr
    assert result.stdout.strip()


def test_the_way_children_are_started_runs_in_a_hostile_folder(installed, hostile):
    result = run(sys.executable, "-P", "-m", "workbench.cli", "--help", cwd=hostile, PYTHONPATH=installed)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "HOSTILE" not in result.stdout + result.stderr


def test_the_installed_files_are_enough_to_make_a_home_and_read_a_recipe(installed, hostile):
    code = (
        "import db, labeling, training, workbench; from pathlib import Path; from db.home import Home;"
        "from db.session import open_database; from training.recipe import load_recipe;"
        "open_database(Home(Path('home').absolute())); load_recipe('default', {});"
        "print(*(Path(module.__file__).parent for module in (db, labeling, training, workbench)), sep='\\n')"
    )
    result = run(sys.executable, "-P", "-c", code, cwd=hostile, PYTHONPATH=installed)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.split() == [str(installed / name) for name in ("db", "labeling", "training", "workbench")]
    assert (hostile / "home" / "workbench.db").is_file()
