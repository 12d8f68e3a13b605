import asyncio
import io
import os
import shutil
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from db.home import Home
from db.locks import hold
from tests.support.loops import run_apart
from tests.support.server import serve, visitor
from training.tasks.files import TaskCommand, TaskDirectory, TaskResult
from workbench.server import discarding, upload_store
from workbench.server.discarding import discard_when_done
from workbench.server.upload_store import UploadStore

KIB = 1024


@pytest.fixture
def services(tmp_path):
    return serve(Home(tmp_path / "home"), upload_limit_bytes=200 * KIB, upload_limit_files=5)


@pytest.fixture
def client(services):
    return visitor(services)


@pytest.fixture
def upload(client):
    answer = client.post("/api/uploads")
    assert answer.status_code == 201
    return answer.json()["upload"]


def put(client, upload, path, content=b"x"):
    return client.put(f"/api/uploads/{upload}/files", params={"path": path}, content=content)


def zipped(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def everything(services):
    return sorted(str(path.relative_to(services.home.path)) for path in services.home.path.rglob("*") if path.is_file())


def test_a_dropped_folder_keeps_its_paths(services, client, upload):
    assert put(client, upload, "fotos/o\u0308/a.jpg", b"photo").json() == {"path": "fotos/ö/a.jpg", "bytes": 5}
    assert put(client, upload, "fotos/b.json", iter([b"la", b"bel"])).json() == {"path": "fotos/b.json", "bytes": 5}
    status = client.get(f"/api/uploads/{upload}").json()
    expected = {"upload": upload, "state": "receiving", "files": 2, "bytes": 10, "done": 0, "total": None}
    assert status == expected
    listed = client.get(f"/api/uploads/{upload}/files", params={"limit": 1, "offset": 1}).json()
    assert listed == {"total": 2, "files": [{"path": "fotos/ö/a.jpg", "bytes": 5}]}
    ended = client.post(f"/api/uploads/{upload}/finish").json()
    assert ended == {"upload": upload, "files": 2, "bytes": 10, "name": "fotos", "clutter": 0, "skipped": []}
    assert client.get(f"/api/uploads/{upload}").json()["state"] == "finished"
    folder = services.uploads.content(upload)
    assert folder.name == "fotos"
    assert (folder / "ö" / "a.jpg").read_bytes() == b"photo"


def test_a_finished_upload_outlives_a_restart_and_finishes_once(services, client, upload):
    put(client, upload, "a.jpg")
    first = client.post(f"/api/uploads/{upload}/finish").json()
    again = visitor(serve(services.home))
    assert again.post(f"/api/uploads/{upload}/finish").json() == first
    assert again.get(f"/api/uploads/{upload}").json()["state"] == "finished"
    assert put(client, upload, "b.jpg").status_code == 400


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("../x.jpg", "leaves its folder"),
        ("a/../../../x.jpg", "leaves its folder"),
        ("/etc/x.jpg", "absolute"),
        ("C:/x.jpg", "absolute"),
        ("\\\\srv\\x.jpg", "absolute"),
        ("a\\..\\x.jpg", "backslash"),
        ("a//x.jpg", "empty step"),
        ("a/./x.jpg", "empty step"),
        ("a/", "empty step"),
        ("", "empty step"),
        (".", "empty step"),
        ("..", "leaves its folder"),
        ("a\x00.jpg", "control character"),
        ("a\r\nb.jpg", "control character"),
        ("CON", "device"),
        ("lpt9.jpg", "device"),
        ("x" * 256, "longer than 255"),
        ("写" * 86, "longer than 255"),
        ("/".join("a" * 33), "32 folders"),
        ("/".join(["a" * 250] * 5), "longer than 1024"),
    ],
)
def test_a_path_that_leads_elsewhere_is_refused_and_nothing_is_written(services, client, upload, path, why):
    before = everything(services)
    answer = put(client, upload, path)
    assert (answer.status_code, why in answer.json()["error"]) == (400, True)
    assert everything(services) == before


def test_names_that_clash_are_refused_and_the_first_stays(services, client, upload):
    assert put(client, upload, "a.jpg", b"first").status_code == 200
    for clashing in ("A.jpg", "a.jpg/b.jpg"):
        answer = put(client, upload, clashing)
        assert (answer.status_code, "clashes with 'a.jpg'" in answer.json()["error"]) == (400, True)
    client.post(f"/api/uploads/{upload}/finish")
    assert (services.uploads.content(upload) / "a.jpg").read_bytes() == b"first"


def test_a_file_sent_again_replaces_itself(services, client, upload):
    put(client, upload, "a.jpg", bytes(150 * KIB))
    assert put(client, upload, "a.jpg", b"second").status_code == 200
    assert put(client, upload, "b.jpg", bytes(190 * KIB)).status_code == 200  # the first's bytes count no more
    assert client.get(f"/api/uploads/{upload}").json()["bytes"] == 6 + 190 * KIB


def test_an_upload_is_bounded_in_bytes_also_over_several_files(services, client, upload):
    assert put(client, upload, "a.jpg", bytes(150 * KIB)).status_code == 200
    for content in (bytes(60 * KIB), iter([bytes(30 * KIB)] * 2)):
        assert put(client, upload, "b.jpg", content).status_code == 400
    assert put(client, upload, "c.jpg", bytes(201 * KIB)).status_code == 413  # the guard, before a byte is read
    assert client.get(f"/api/uploads/{upload}").json()["files"] == 1
    assert put(client, upload, "b.jpg", bytes(50 * KIB)).status_code == 200
    assert not [name for name in everything(services) if name.endswith(".tmp")]


def test_an_upload_is_bounded_in_files(client, upload):
    codes = [put(client, upload, f"{number}.jpg").status_code for number in range(6)]
    assert codes == [200] * 5 + [400]
    assert put(client, upload, "0.jpg").status_code == 200


def test_a_broken_off_file_leaves_nothing_and_can_be_sent_again(services, upload):
    def break_off():
        with services.uploads.receive(upload, "a.jpg") as incoming:
            incoming.write(bytes(150 * KIB))
            raise ConnectionError

    with pytest.raises(ConnectionError):
        break_off()
    assert services.uploads.status(upload).files == 0
    assert not [name for name in everything(services) if "uploads" in name]
    with services.uploads.receive(upload, "a.jpg") as incoming:
        incoming.write(bytes(150 * KIB))
    assert services.uploads.status(upload).bytes == 150 * KIB


def test_an_upload_is_not_finished_while_files_are_on_their_way(services, client, upload):
    with services.uploads.receive(upload, "a.jpg"):
        answer = client.post(f"/api/uploads/{upload}/finish")
        assert (answer.status_code, "1 files are still on their way" in answer.json()["error"]) == (400, True)
        assert put(client, upload, "a.jpg").status_code == 400
    assert client.post(f"/api/uploads/{upload}/finish").status_code == 200


def test_an_empty_upload_is_not_finished(client, upload):
    answer = client.post(f"/api/uploads/{upload}/finish")
    assert (answer.status_code, "Nothing was uploaded" in answer.json()["error"]) == (400, True)


def test_one_zip_is_unpacked(services, client, upload):
    members = {"photos/a.jpg": b"photo", "../x.jpg": b"x", "__MACOSX/a": b"x", "photos/b/c.png": b"map"}
    put(client, upload, "photos.zip", zipped(members))
    ended = client.post(f"/api/uploads/{upload}/finish").json()
    assert ended["files"] == 2
    assert ended["bytes"] == 8
    assert ended["clutter"] == 1
    assert ended["skipped"] == [{"path": "../x.jpg", "why": "the path leaves its folder (..)"}]
    listed = client.get(f"/api/uploads/{upload}/files").json()["files"]
    assert [each["path"] for each in listed] == ["photos/a.jpg", "photos/b/c.png"]
    assert services.uploads.content(upload).name == "photos"


def test_of_two_who_finish_at_once_one_does(services, client, upload, monkeypatch):
    put(client, upload, "photos.zip", zipped({"a.jpg": b"photo"}))
    found, both = services.uploads._receiving(upload), threading.Barrier(2)

    def receiving(_):
        both.wait()
        return found

    monkeypatch.setattr(services.uploads, "_receiving", receiving)
    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda _: client.post(f"/api/uploads/{upload}/finish"), range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 400]
    assert [path.name for path in services.uploads.content(upload).iterdir()] == ["a.jpg"]


def test_a_refused_zip_can_be_sent_again(services, client, upload):
    good = zipped({"a.jpg": b"photo"})
    for bad in (good[:-10], b"no zip", zipped({f"{number}.jpg": b"" for number in range(6)})):
        put(client, upload, "photos.zip", bad)
        answer = client.post(f"/api/uploads/{upload}/finish")
        assert (answer.status_code, answer.json()["error"].startswith("photos.zip ")) == (400, True)
    put(client, upload, "photos.zip", good)
    assert client.post(f"/api/uploads/{upload}/finish").json()["files"] == 1


def test_a_zip_beside_other_files_is_a_file(client, upload):
    put(client, upload, "photos.zip", zipped({"a.jpg": b"photo"}))
    put(client, upload, "b.jpg")
    assert client.post(f"/api/uploads/{upload}/finish").json()["files"] == 2


@pytest.mark.parametrize("number", ["0" * 32, "..", "%2e%2e", "x", "A" * 32, "0" * 31 + "%00"])
def test_an_upload_that_is_none_is_not_found(client, number):
    asked = [client.get(f"/api/uploads/{number}"), client.get(f"/api/uploads/{number}/files")]
    asked += [put(client, number, "a.jpg"), client.delete(f"/api/uploads/{number}")]
    asked.append(client.post(f"/api/uploads/{number}/finish"))
    assert {answer.status_code for answer in asked} <= {404, 405}
    assert 404 in {answer.status_code for answer in asked}


def test_deleting_an_upload_leaves_nothing(services, client, upload):
    put(client, upload, "a.jpg")
    assert client.delete(f"/api/uploads/{upload}").status_code == 204
    assert list(services.uploads.root.iterdir()) == []
    assert put(client, upload, "b.jpg").status_code == 404


def test_uploads_of_long_ago_are_swept_and_those_in_use_are_not(services, client, upload):
    put(client, upload, "a.jpg")
    client.post(f"/api/uploads/{upload}/finish")
    used = client.post("/api/uploads").json()["upload"]
    other = services.uploads.root / "not an upload"
    other.mkdir()
    put(client, used, "a.jpg")
    client.post(f"/api/uploads/{used}/finish")
    age(services, 60)
    assert services.uploads.sweep() == 0  # half answered on a Friday
    age(services, 73)
    services.uploads.content(used)
    assert UploadStore(services.home, 1, 1).sweep() == 1
    assert sorted(path.name for path in services.uploads.root.iterdir()) == sorted([used, "not an upload"])


def age(services, hours):
    then = time.time() - hours * 3600
    for folder in services.uploads.root.iterdir():
        os.utime(folder, (then, then))


def test_an_upload_that_a_task_reads_for_days_is_swept_after_it(services, client, upload):
    put(client, upload, "a.jpg")
    client.post(f"/api/uploads/{upload}/finish")
    task = make_task(services, 1, services.uploads.content(upload))
    age(services, 100)
    with hold(task.lock, wait=False):
        assert services.uploads.is_taken(upload)
        assert services.uploads.sweep() == 0
    assert services.uploads.sweep() == 1


def make_task(services, number, source):
    task = TaskDirectory(services.home.path / "tasks" / str(number))
    task.path.mkdir(parents=True)
    command = TaskCommand(
        argv=("predict", str(source)), title="Predict", home=services.home.path, started_at=time.time()
    )
    task.command_file.write_text(command.model_dump_json())
    return task


def test_an_upload_that_two_tasks_take_stays_until_the_second_has_ended(services, client, upload, monkeypatch):
    monkeypatch.setattr(discarding, "POLL_SECONDS", 0.01)
    put(client, upload, "a.jpg")
    client.post(f"/api/uploads/{upload}/finish")
    source = services.uploads.content(upload)
    tasks = [make_task(services, number, source) for number in (1, 2)]
    with hold(tasks[1].lock, wait=False):
        tasks[0].finish(TaskResult(state="finished", exit_code=0, ended_at=time.time()))
        waiting = discard_when_done(services, upload, 1)
        waiting.join(0.3)
        assert source.exists()
    waiting.join(60)
    assert not source.exists()


def test_two_may_sweep_at_once(services, upload, monkeypatch):
    class RemovedMeanwhile:
        def fullmatch(self, name):
            shutil.rmtree(services.uploads.root / name)
            return True

    monkeypatch.setattr(upload_store, "_ID", RemovedMeanwhile())
    assert services.uploads.sweep() == 0


def test_photos_are_written_to_disk_as_they_come(services):
    """What has arrived of a large file is on disk before the rest is sent."""
    store = UploadStore(services.home, 100 * 1024 * KIB, 5)
    upload = store.create()
    with store.receive(upload, "a.jpg") as incoming:
        for _ in range(8):
            incoming.write(bytes(1024 * KIB))
        [half] = (store.root / upload).glob(".*.tmp")
        assert half.stat().st_size >= 7 * 1024 * KIB


def test_several_files_come_at_once(services, client, upload):
    async def send_all():
        await asyncio.gather(*(asyncio.to_thread(put, client, upload, f"{number}.jpg") for number in range(5)))

    run_apart(send_all())
    assert client.post(f"/api/uploads/{upload}/finish").json()["files"] == 5
