import re
from functools import partial

import pytest

from db.errors import NotFoundError, UserError
from db.home import Home
from tests.support.server import serve, visitor
from workbench.server import login
from workbench.server import users as users_module
from workbench.server.attempts import FREE, Attempts
from workbench.server.login import local_path
from workbench.server.security import CODE_SECONDS, OneTimeCode, Security
from workbench.server.sessions import Sessions
from workbench.server.users import (
    check_password,
    hash_password,
    list_users,
    matches,
    remove_user,
    set_user,
    stored_password,
)

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def quick_scrypt(monkeypatch):
    """The real parameters take a third of a second each time, on purpose."""
    monkeypatch.setattr(users_module, "_N", 2**4)


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch):
    """However long a test takes, no wait passes."""
    monkeypatch.setattr(login, "Attempts", partial(Attempts, clock=lambda: 0.0))


@pytest.fixture
def services(tmp_path):
    return serve(Home(tmp_path / "home"))


@pytest.fixture
def token(monkeypatch):
    monkeypatch.setattr("workbench.server.security.secrets.token_urlsafe", lambda size: "t0k-en_")
    return "t0k-en_"


@pytest.fixture
def anna(services):
    set_user(services.database, "Anna", PASSWORD)
    return {"name": "Anna", "password": PASSWORD}


def for_others(services):
    return visitor(services, "lab.example", logged_in=False)


def is_in(client):
    return client.get("/api/nothing").status_code == 404


def test_the_token_becomes_a_cookie_and_leaves_the_address(services, token):
    client = visitor(services, logged_in=False)
    answer = client.get(f"/runs?project=3&token={token}&class=a%26b&class=%C3%B6")
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs?project=3&class=a%26b&class=%C3%B6")
    assert answer.headers["cache-control"] == "no-store"
    said = answer.headers["set-cookie"]
    assert re.search("httponly", said, re.I)
    assert re.search("samesite=strict", said, re.I)
    assert re.search("max-age=2592000", said, re.I)
    assert "secure" not in said.lower()
    assert token not in said
    assert is_in(client)


def test_over_https_the_cookie_stays_on_https(services, token):
    client = visitor(services, logged_in=False)
    assert "secure" in client.get(f"https://localhost/?token={token}").headers["set-cookie"].lower()


@pytest.mark.parametrize("wrong", ["", "t0k-en", "t0k-en_x", "ö", "\x00"])
def test_a_wrong_token_opens_nothing(services, token, wrong):
    client = visitor(services, logged_in=False)
    answer = client.get("/data", params={"project": "3", "token": wrong})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert "not valid, or no longer" in answer.text
    assert 'name="next" value="/data?project=3"' in answer.text
    assert not is_in(client)


def test_the_address_of_the_opened_browser_lets_in_once(services):
    security = Security.for_host("127.0.0.1", services.home)
    code = security.code.make()
    assert len(code) >= 40
    assert code not in f"{security.token} {security}"
    address = f"/data?project=3&token={code}"
    assert visitor(services, logged_in=False, security=security).head(address).status_code == 401  # looks only
    browser, reader = (visitor(services, logged_in=False, security=security) for _ in range(2))
    answer = browser.get(address)
    assert (answer.status_code, answer.headers["location"]) == (303, "/data?project=3")
    assert is_in(browser)
    late = reader.get(address)
    assert (late.status_code, "lets in once" in late.text) == (401, True)
    assert reader.post("/login", data={"token": code}).status_code == 401
    assert not is_in(reader)
    assert browser.get(address).headers["location"] == "/data?project=3"  # reloaded: known by the cookie
    reader.get(f"/?token={security.token}")  # the printed address goes on to work
    assert is_in(reader)


def test_who_is_in_already_uses_the_code_up(services):
    security = Security.for_host("127.0.0.1", services.home)
    code = security.code.make()
    assert visitor(services, security=security).get(f"/?token={code}").status_code == 303
    assert visitor(services, logged_in=False, security=security).get(f"/?token={code}").status_code == 401


def test_a_code_nobody_used_is_void_in_the_end():
    now = [0.0]
    code = OneTimeCode(clock=lambda: now[0])
    assert not code.take("")
    first, second = code.make(), code.make()
    assert not code.take(first)
    assert not code.take(second + "x")
    now[0] = CODE_SECONDS - 1
    assert code.take(second)
    assert not code.take(second)
    late = code.make()
    now[0] += CODE_SECONDS
    assert not code.take(late)


def test_a_server_for_others_has_no_code(services):
    security = Security.for_host("lab.example", services.home)
    client = visitor(services, logged_in=False, security=security)
    assert client.get("http://lab.example/?token=").status_code == 401
    assert client.get("http://lab.example/?token=None").status_code == 401


def test_an_old_token_in_a_bookmark_does_no_harm_to_who_is_in(services):
    answer = visitor(services).get("/data?project=3&token=of-yesterday")
    assert (answer.status_code, answer.headers["location"]) == (303, "/data?project=3")


def test_the_token_redirect_stays_on_this_server(services, token):
    for path in ("//evil.example/x", "/%5C/evil.example", "/%09/evil.example"):
        location = (
            visitor(services, logged_in=False).get(f"http://127.0.0.1:7860{path}?token={token}").headers["location"]
        )
        assert re.match(r"/[^/\\]", location)
        assert "\t" not in location


def test_the_token_can_be_typed(services, token):
    client = visitor(services, logged_in=False)
    answer = client.post("/login", data={"token": f" {token} ", "next": "/data?project=3"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/data?project=3")
    assert is_in(client)


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "", "/\t/evil", "/a b", "\\x"],
)
def test_a_login_leads_to_a_page_of_ours_only(services, token, target):
    answer = visitor(services, logged_in=False).post("/login", data={"token": token, "next": target})
    assert answer.headers["location"] == local_path(target) == "/"


def test_what_a_visitor_sends_is_text_in_the_page(services, token):
    client = visitor(services, logged_in=False)
    hostile = '/"><script>alert(1)</script>'
    asked = [client.get("/x", params={"q": hostile}), client.get(hostile)]
    asked.append(client.post("/login", data={"token": "no", "next": hostile}))
    for answer in asked:
        assert "<script" not in answer.text


def test_who_follows_a_link_from_elsewhere_can_go_on(services):
    client = visitor(services, logged_in=False)
    followed = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert '<a href="/runs?run=7">Continue</a>' in client.get("/runs?run=7", headers=followed).text
    assert "Continue" not in client.get("/runs?run=7").text


def test_logging_out_forgets_the_cookie(services, token):
    client = visitor(services, logged_in=False)
    client.get(f"/?token={token}")
    assert is_in(client)
    assert client.post("/logout").status_code == 303
    assert not is_in(client)


def test_after_five_wrong_tokens_there_is_a_wait(services, token):
    client = visitor(services, logged_in=False)
    codes = [client.post("/login", data={"token": f"guess {number}"}).status_code for number in range(FREE + 1)]
    assert codes == [401] * FREE + [429]
    answer = client.post("/login", data={"token": token})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert not is_in(client)


def test_a_server_for_others_knows_no_token(services, token):
    client = for_others(services)
    page = client.get(f"http://lab.example/?token={token}")
    assert page.status_code == 401
    assert 'name="password"' in page.text
    assert client.post("http://lab.example/login", data={"token": token}).status_code == 401
    assert visitor(services, "lab.example").get("http://lab.example/api/nothing").status_code == 401  # its sessions too


def test_users_log_in_and_stay_in_after_a_restart(services, anna):
    client = for_others(services)
    assert client.post("/login", data=anna | {"next": "/use"}).headers["location"] == "/use"
    assert is_in(client)
    again = for_others(services)
    again.cookies = client.cookies
    assert is_in(again)


def test_a_session_of_a_user_whose_number_is_none_opens_nothing(services, anna):
    client = for_others(services)
    name = Sessions(Security.for_host("lab.example", services.home), services.database).cookie
    client.cookies.set(name, f"{10**24}.{10**11}.00000000.{'0' * 64}")
    assert client.get("/api/nothing").status_code == 401


def test_a_users_session_opens_nothing_where_the_token_is_asked_for(services, anna):
    client = for_others(services)
    client.post("/login", data=anna)
    local = visitor(services, logged_in=False)
    local.cookies = client.cookies
    assert not is_in(local)


@pytest.mark.parametrize("end", ["change", "remove", "remove and add"])
def test_a_changed_or_removed_user_has_no_session_left(services, anna, end):
    client = for_others(services)
    client.post("/login", data=anna)
    assert is_in(client)
    if end == "change":
        assert not set_user(services.database, "Anna", "another good password")
    else:
        remove_user(services.database, "Anna")
    if end == "remove and add":
        assert set_user(services.database, "Anna", PASSWORD)
    assert not is_in(client)


def test_a_wrong_name_and_a_wrong_password_get_the_same_answer_by_the_same_work(services, anna, monkeypatch):
    worked = []
    real = users_module._scrypt

    def work(*arguments):
        worked.append(arguments[2:])
        return real(*arguments)

    monkeypatch.setattr(users_module, "_scrypt", work)
    asked = [
        for_others(services).post("/login", data=data)
        for data in ({"name": "Anna", "password": "wrong"}, {"name": "Bob", "password": "wrong"}, {})
    ]
    assert {(answer.status_code, answer.text) for answer in asked} == {(401, asked[0].text)}
    assert len(worked) == 3
    assert len(set(worked)) == 1


def test_attempts_on_one_name_slow_down_that_name(services, anna):
    door = for_others(services)
    for _ in range(FREE):
        door.post("/login", data={"name": "Anna", "password": "wrong"})
    answer = door.post("/login", data=anna)
    assert answer.status_code == 429
    assert not is_in(door)


def test_a_success_forgets_the_failures(services, anna):
    door = for_others(services)
    for _ in range(3):
        for _ in range(FREE - 1):
            assert door.post("/login", data=anna | {"password": "wrong"}).status_code == 401
        assert door.post("/login", data=anna).status_code == 303


def test_a_login_of_many_kilobytes_is_refused(services, token):
    assert visitor(services, logged_in=False).post("/login", data={"token": "x" * 20_000}).status_code == 413


def test_waits_double_up_to_five_minutes_and_are_forgotten():
    now = [1000.0]
    attempts = Attempts(clock=lambda: now[0])
    waits = []
    for _ in range(16):
        while wait := attempts.begin(["a"]):
            waits.append(wait)
            now[0] += wait
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert attempts.begin(["b"]) == 0
    now[0] += 3601
    assert [attempts.begin(["a"]) for _ in range(FREE + 1)] == [0] * FREE + [1]


def test_one_of_two_keys_is_enough_to_wait():
    attempts = Attempts(clock=lambda: 0.0)
    for number in range(FREE):
        assert attempts.begin(["address", f"name {number}"]) == 0
    assert attempts.begin(["address", "name 9"]) == 1
    assert attempts.begin(["other address", "name 9"]) == 0


def test_many_names_take_bounded_memory():
    attempts = Attempts(clock=lambda: 0.0)
    for number in range(20_000):
        attempts.begin([f"name {number}"])
    assert len(attempts._counts) == 10_000


def test_passwords_are_stored_as_scrypt_with_their_parameters(services, anna, monkeypatch):
    stored = stored_password(services.database, 1)
    assert stored is not None
    assert re.fullmatch(r"scrypt\$16\$8\$3\$[\w+/]{43}=\$[\w+/]{43}=", stored)
    assert hash_password(PASSWORD) != hash_password(PASSWORD)
    monkeypatch.setattr(users_module, "_N", 2**5)  # a later version asks for more
    assert matches(PASSWORD, stored)
    assert not matches(PASSWORD + "x", stored)


def test_names_and_passwords_may_be_typed_composed_or_not(services):
    set_user(services.database, "Jo\u0308rg", "Ko\u0308nigsweg 12")
    assert [user.name for user in list_users(services.database)] == ["Jörg"]
    assert check_password(services.database, "Jörg", "Königsweg 12") is not None


@pytest.mark.parametrize(
    ("name", "password", "match"),
    [
        ("anna", "short", "10 to 1000 characters, this one has 5"),
        ("anna", "x" * 1001, "10 to 1000"),
        ("", PASSWORD, "named by 1 to 200"),
        ("a\nb", PASSWORD, "named by 1 to 200"),
    ],
)
def test_what_is_no_user_is_refused(services, name, password, match):
    with pytest.raises(UserError, match=match):
        set_user(services.database, name, password)
    assert list_users(services.database) == []


def test_removing_nobody_is_said(services, anna):
    with pytest.raises(NotFoundError, match=r"no user 'Bob'\. Users: Anna"):
        remove_user(services.database, "Bob")


def test_the_token_is_long_and_each_start_has_its_own(tmp_path):
    home = Home(tmp_path)
    home.ensure()
    rules = [Security.for_host("localhost", home) for _ in range(3)]
    tokens = [each.token or "" for each in rules]
    assert len(set(tokens)) == 3
    for each, token in zip(rules, tokens, strict=True):
        assert len(token) >= 40
        assert token not in repr(each)


def test_real_parameters_are_what_they_should_be(monkeypatch):
    monkeypatch.undo()
    assert (users_module._N, users_module._R, users_module._P) == (2**15, 8, 3)
    assert matches("a good password", hash_password("a good password"))
