import subprocess
import sys
from pathlib import Path

import pytest

from db.errors import UserError
from db.home import Home


def test_explicit_wins_over_environment_wins_over_default(monkeypatch, tmp_path):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "named"))
    assert Home.resolve(tmp_path / "explicit").path == tmp_path / "explicit"
    assert Home.resolve().path == tmp_path / "named"
    monkeypatch.setenv("WORKBENCH_HOME", "")
    assert Home.resolve().path == Path.home() / ".workbench"


def test_paths_become_absolute_and_a_tilde_is_expanded(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert Home.resolve(Path("here")).path == tmp_path / "here"
    assert Home.resolve(Path("~/there")).path == Path.home() / "there"


def test_ensure_makes_every_folder_and_may_be_repeated(tmp_path):
    home = Home(tmp_path / "zu Hause" / "Öl & 写真 %20")
    home.ensure()
    home.ensure()
    folders = (home.store, home.runs, home.evaluations, home.models, home.packs, home.locks, home.trash, home.backups)
    assert all(folder.is_dir() for folder in folders)
    assert not home.database.exists()


def test_a_file_in_the_way_is_the_users_error(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(UserError, match="a file stands where a folder is needed"):
        Home(tmp_path / "file").ensure()


def test_a_place_where_no_folder_can_be_made_is_the_users_error():
    with pytest.raises(UserError, match="use another --home"):
        Home(Path("/proc/workbench")).ensure()


def test_home_and_errors_load_no_sqlalchemy():
    code = "import sys, db.home, db.errors, db.store; sys.exit('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
