"""A backup holds the whole home and gives it back; a damaged, cut or hostile one gives nothing at all."""

import io
import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import tarfile
from contextlib import closing
from types import SimpleNamespace

import pytest

from db.backup import HASHES, HEADER, write_backup
from db.check import check_database
from db.errors import UserError
from db.home import Home
from db.locks import hold
from db.restoration import restore_backup
from db.schema import Dataset, Evaluation, Image, Project, Run
from db.session import open_database
from db.store import Store
from tests.support.cli import ROOT


def quiet(done, total, what):
    pass


def nothing(home, old, new):
    pass


def restored(file, folder):
    return restore_backup(file, Home(folder), quiet, nothing)


def files(home):
    """Every file but those a backup leaves out, with its content; the database as SQL."""
    found = {}
    for path in sorted(home.path.rglob("*")):
        name = path.relative_to(home.path).as_posix()
        kept = not name.startswith(("backups/", "cache/", "locks/", "packs/", "workbench.db", "server.key"))
        if path.is_file() and kept and path.name != "lock":
            found[name] = path.read_bytes()
    with closing(sqlite3.connect(home.database)) as connection:
        found["sql"] = "\n".join(connection.iterdump()).encode()
    return found


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path / "home")
    database = open_database(home)
    store = Store(home.store)
    with database.write() as session:
        session.add(Project(id=1, name="campus"))
        session.flush()
        session.add(Dataset(id=1, project_id=1, name="day", format="labelme", source=f"{home.path}/demo", options={}))
        session.flush()
        for number in range(5):
            sha = store.put_bytes(bytes([number]) * 30_000)
            image = {"path": f"{number}.png", "sha256": sha, "width": 1, "height": 1, "byte_size": 30_000}
            session.add(Image(dataset_id=1, source=f"{home.path}/demo", **image))
        row = {"project_id": 1, "revision_digest": "0" * 64, "summary": {}}
        session.add(Run(id=1, name="r", architecture="unet", directory="runs/1", state="stopped", **row))
        named = {"model": "1:best", "model_sha256": "0" * 64, "dataset": "day", "on": "val"}
        session.add(Evaluation(id=1, directory="evaluations/e", **named, **row))
    for name in ("runs/1/events.jsonl", "runs/1/lock", "evaluations/e/counts.npz", "models/m.safetensors", "cache/x"):
        (home.path / name).parent.mkdir(parents=True, exist_ok=True)
        (home.path / name).write_bytes(name.encode() * 50)
    (home.path / "server.key").write_bytes(b"secret")
    return home


@pytest.fixture
def file(home, tmp_path):
    return write_backup(home, tmp_path / "backup.tar", quiet).path


def test_what_is_restored_is_what_was_there(home, file, tmp_path):
    assert file.stat().st_mode & 0o077 == 0
    told = []
    with closing(tarfile.open(file)) as tar:
        assert (tar.getnames()[0], tar.getnames()[-1]) == (HEADER, HASHES)
    report = restore_backup(file, Home(tmp_path / "new"), lambda *progress: told.append(progress), nothing)
    there, back = files(home), files(Home(tmp_path / "new"))
    sql = there.pop("sql").replace(str(home.path).encode(), str(tmp_path / "new").encode())
    assert back.pop("sql") == sql
    assert back == there
    assert (report.of, report.files) == (str(home.path), len(there) + 1)
    assert told[-1][2] == "MB"
    assert check_database(Home(tmp_path / "new")) == []
    assert not (tmp_path / "new" / "server.key").exists()
    assert Store(Home(tmp_path / "new").store).put_bytes(b"more")


def test_without_runs_labels_and_models_are_kept(home, tmp_path):
    write_backup(home, tmp_path / "b.tar", quiet, with_runs=False)
    restored(tmp_path / "b.tar", tmp_path / "new")
    names = set(files(Home(tmp_path / "new")))
    assert {"models/m.safetensors"} == {name for name in names if not name.startswith(("store/", "sql"))}
    with open_database(Home(tmp_path / "new")).read() as session:
        assert [session.get(table, 1) is None for table in (Run, Evaluation, Project)] == [True, True, False]


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.6, 0.95, 0.999])
def test_a_cut_backup_gives_nothing(file, tmp_path, share):
    data = file.read_bytes()
    end = len(data) - 10_240  # of which the last is the tar's padding
    file.write_bytes(data[: int(share * end)])
    with pytest.raises(UserError, match="no whole backup"):
        restored(file, tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup.tar", "home"]


def test_a_flipped_byte_anywhere_is_found_or_harmless(home, file, tmp_path):
    whole = file.read_bytes()
    expected = files(home)
    for number, place in enumerate(range(0, len(whole), len(whole) // 40)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x20]) + whole[place + 1 :])
        new = Home(tmp_path / f"new{number}")
        try:
            restored(file, new.path)
        except UserError:
            assert not new.path.exists()
        else:  # a time, a mode or padding
            found = files(new)
            assert {name: found[name] for name in found if name != "sql"} == {
                name: expected[name] for name in expected if name != "sql"
            }


def rewrite(path, change):
    """Write the members of a backup anew, for each the pairs (TarInfo or name, data) of `change(name, data)`."""
    with closing(tarfile.open(path)) as tar:
        members = [(info.name, file.read()) for info in tar if (file := tar.extractfile(info)) is not None]
    with closing(tarfile.open(path, "w")) as tar:
        for name, data in members:
            for info, content in change(name, data):
                made = info if isinstance(info, tarfile.TarInfo) else tarfile.TarInfo(info)
                made.size = len(content)
                tar.addfile(made, io.BytesIO(content))


def of_header(**values):
    return lambda name, data: [(name, json.dumps(json.loads(data) | values).encode() if name == HEADER else data)]


def before_hashes(info):
    return lambda name, data: [*([(info, b"x")] if name == HASHES else []), (name, data)]


def link(name, target, kind):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (of_header(revision="9999"), "newer"),
        (of_header(format=2), "newer"),
        (of_header(surprise=1), "no whole backup"),
        (lambda name, data: [] if name == HEADER else [(name, data)], "begins with"),
        (lambda name, data: [] if name == HASHES else [(name, data)], "too early"),
        (lambda name, data: [] if name == "models/m.safetensors" else [(name, data)], "models/m.safetensors"),
        (before_hashes("../escaped"), r"\.\./escaped"),
        (before_hashes("/tmp/escaped"), "escaped"),
        (before_hashes("models/m.safetensors"), "models/m.safetensors"),
        (before_hashes("locks/restore.lock"), "locks"),
        (before_hashes("store/unheard-of"), "unheard-of"),
        (before_hashes(link("models/l", "/etc/passwd", tarfile.SYMTYPE)), "no plain file"),
        (before_hashes(link("models/l", "models/m.safetensors", tarfile.LNKTYPE)), "no plain file"),
        (before_hashes(link("models/d", "", tarfile.CHRTYPE)), "no plain file"),
    ],
)
def test_what_we_did_not_write_is_refused(file, tmp_path, change, said):
    rewrite(file, change)
    with pytest.raises(UserError, match=said):
        restored(file, tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup.tar", "home"]


def test_an_older_backup_is_brought_up_to_date_when_it_is_opened(home, file, tmp_path):
    rewrite(file, of_header(revision="0001"))
    restored(file, tmp_path / "new")
    open_database(Home(tmp_path / "new"))


def test_a_full_disk_leaves_the_old_backup(home, file, tmp_path, monkeypatch):
    before = file.read_bytes()
    monkeypatch.setattr("db.backup.shutil.disk_usage", lambda _: SimpleNamespace(free=9))
    with pytest.raises(UserError, match="without-runs"):
        write_backup(home, file, quiet, overwrite=True)
    monkeypatch.undo()
    was = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, hard))
        with pytest.raises(UserError, match=r"size limit|disk"):
            write_backup(home, file, quiet, overwrite=True)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
        with pytest.raises(UserError, match="size limit"):
            restored(file, tmp_path / "new")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, was)
    assert file.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup.tar", "home"]
    assert list(home.backups.iterdir()) == []


def test_mistakes_are_told(home, file, tmp_path):
    for target, said in ((file, "--overwrite"), (tmp_path, "is a folder"), (home.store / "b.tar", "elsewhere")):
        with pytest.raises(UserError, match=said):
            write_backup(home, target, quiet)
    with pytest.raises(UserError, match="no workbench"):
        write_backup(Home(tmp_path / "none"), tmp_path / "b.tar", quiet)
    with pytest.raises(UserError, match="not empty"):
        restored(file, home.path)
    with hold(home.care_lock, wait=False), pytest.raises(UserError, match="Another backup"):
        write_backup(home, tmp_path / "b.tar", quiet)


KILLED = """
import os, sys
from pathlib import Path
from db.backup import write_backup
from db.home import Home
from db.restoration import restore_backup
calls = int(sys.argv[4])
def die(*_):
    global calls
    calls -= 1
    if calls < 0:
        os.kill(os.getpid(), 9)
if sys.argv[1] == "backup":
    write_backup(Home(Path(sys.argv[2])), Path(sys.argv[3]), die, overwrite=True)
else:
    restore_backup(Path(sys.argv[2]), Home(Path(sys.argv[3])), die, lambda *_: die())
"""


def killed(*arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-c", KILLED, *map(str, arguments)], env=environment).returncode == -9


def test_a_killed_backup_leaves_the_old_one_and_the_next_sweeps(home, file, tmp_path):
    before = file.read_bytes()
    assert killed("backup", home.path, file, 4)
    assert file.read_bytes() == before
    write_backup(home, file, quiet, overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup.tar", "home"]


@pytest.mark.parametrize("calls", [0, 5])
def test_a_killed_restore_leaves_no_home_and_is_simply_run_again(home, file, tmp_path, calls):
    new = tmp_path / "new"
    assert killed("restore", file, new, calls)
    assert not new.exists()
    restored(file, new)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup.tar", "home", "new"]
    assert check_database(Home(new)) == []


def test_a_backup_beside_writers_is_of_one_moment(home, tmp_path):
    """Rows are written while files are copied; whatever the copy's rows name is in the copy."""
    database, store = open_database(home), Store(home.store)
    number = 0

    def write(*_):
        nonlocal number
        number += 1
        sha = store.put_bytes(number.to_bytes(3) * 100)
        with database.write() as session:
            image = {"path": f"new-{number}", "sha256": sha, "width": 1, "height": 1, "byte_size": 300}
            session.add(Image(dataset_id=1, **image))

    write_backup(home, tmp_path / "b.tar", write)
    restored(tmp_path / "b.tar", tmp_path / "new")
    copy = Home(tmp_path / "new")
    with open_database(copy).read() as session:
        assert all(Store(copy.store).verify(image.sha256) for image in session.query(Image))
    assert number > 5
