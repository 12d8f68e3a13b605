import pytest

from db.home import Home
from db.schema import Evaluation, Project, Run, utc_now
from tests.support.server import serve, visitor
from workbench.server.routes import static as static_module


@pytest.fixture
def client(tmp_path):
    services = serve(Home(tmp_path / "home"))
    cached = {"revision_digest": "0" * 64, "directory": "runs/1", "summary": {}}
    tested = cached | {"model": "1:best", "model_sha256": "0" * 64, "dataset": "day", "on": "val"}
    run = cached | {"name": "", "architecture": "unet", "state": "finished"}
    with services.database.write() as session:
        session.add_all([Project(id=3, name="<b>Campus"), Project(id=4, name="other")])
        session.add(Project(id=5, name="gone", deleted_at=utc_now()))
        session.flush()
        session.add_all([Run(id=7, project_id=3, **run), Run(id=8, project_id=3, deleted_at=utc_now(), **run)])
        session.add(Evaluation(id=5, project_id=3, **tested))
    return visitor(services)


@pytest.mark.parametrize(
    ("link", "page"),
    [
        ("/project/3", "/data?project=3"),
        ("/project/3/data", "/data?project=3"),
        ("/project/3/data?tab=classes&project=9", "/data?project=3&tab=classes"),
        ("/project/3/runs", "/runs?project=3"),
        ("/project/3/run/7", "/runs?project=3&run=7"),
        ("/project/3/evaluation/5", "/evaluate?project=3&evaluation=5"),
    ],
)
def test_a_link_leads_to_the_page_that_shows_it(client, link, page):
    answer = client.get(link)
    assert (answer.status_code, answer.headers["location"]) == (303, page)


@pytest.mark.parametrize(
    ("link", "told"),
    [
        ("/project/9", "There is no project 9"),
        ("/project/5/data", "There is no project 5, or it is in the trash"),
        ("/project/x/data", "There is no project x"),
        ("/project/99999999999999999999/data", "There is no project"),
        ("/project/3/run/9", "The project &lt;b&gt;Campus has no run 9"),
        ("/project/3/run/8", "has no run 8, or it is in the trash"),
        ("/project/4/run/7", "The project other has no run 7"),
        ("/project/3/evaluation/7", "has no evaluation 7"),
        ("/project/3/<script>", "There is no page &#x27;&lt;script&gt;"),
        ("/project/3/settings", "The pages are data, evaluate, runs, train, use"),
    ],
)
def test_a_link_to_what_is_not_there_says_so(client, link, told):
    answer = client.get(link)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert told in answer.text
    assert "<script" not in answer.text
    assert "<b>" not in answer.text


@pytest.fixture
def scripts(tmp_path, monkeypatch):
    folder = tmp_path / "static"
    (folder / "widgets").mkdir(parents=True)
    (folder / "a.js").write_text("export const a = 'ö'\n")
    (folder / "widgets" / "b.css").write_text("b {}")
    (folder / "c.html").write_text("<script>alert(1)</script>")
    (tmp_path / "secret.js").write_text("secret")
    monkeypatch.setattr(static_module, "FOLDER", folder)
    return visitor(serve(Home(tmp_path / "home")))


def test_our_scripts_come_with_fixed_types(scripts):
    answer = scripts.get("/static-wb/a.js")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert answer.text == "export const a = 'ö'\n"
    assert scripts.get("/static-wb/widgets/b.css").headers["content-type"] == "text/css; charset=utf-8"


def test_an_unchanged_script_is_not_sent_again(scripts):
    etag = scripts.get("/static-wb/a.js").headers["etag"]
    again = scripts.get("/static-wb/a.js", headers={"if-none-match": etag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    (static_module.FOLDER / "a.js").write_text("changed")
    assert scripts.get("/static-wb/a.js", headers={"if-none-match": etag}).text == "changed"


def test_a_script_that_came_with_an_update_is_served_by_a_server_from_before(scripts):
    assert scripts.get("/static-wb/fresh.js").status_code == 404
    (static_module.FOLDER / "fresh.js").write_text("fresh")
    assert scripts.get("/static-wb/fresh.js").text == "fresh"


@pytest.mark.parametrize(
    "path", ["", "widgets", "widgets/", "c.html", "nothing.js", "../secret.js", "%2e%2e/secret.js", "..%2fsecret.js"]
)
def test_nothing_else_is_served_and_no_folder_is_listed(scripts, path):
    answer = scripts.get(f"/static-wb/{path}")
    assert answer.status_code == 404
    assert "secret" not in answer.text.replace("secret.js", "")
