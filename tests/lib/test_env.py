"""Settings from the environment: a wrong one is a sentence that says what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from chatadmin.lib import env

VAR = Path("/nowhere/var")


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "DATABASE_POOL", "EMAIL_URL", "EMAIL_FROM", "SECRET_KEY", "THING"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def thing(monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda value, name="THING": monkeypatch.setenv(name, value)


def complaint(read: Any) -> str:
    with pytest.raises(ImproperlyConfigured) as caught:
        read()
    # One line, and no other exception's story behind it.
    assert "\n" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return str(caught.value)


def test_text(thing: Any):
    assert (env.text("THING"), env.text("THING", "x")) == ("", "x")
    thing("  a b ")
    assert env.text("THING", "x") == "a b"
    thing("   ")
    assert env.text("THING", "x") == "x"


def test_words(thing: Any):
    assert env.words("THING") == []
    thing(" a, b ,,c,")
    assert env.words("THING") == ["a", "b", "c"]


def test_whole(thing: Any):
    assert env.whole("THING", 7) == 7
    for value, expected in (("0", 0), (" 42 ", 42), ("65535", 65_535), ("007", 7)):
        thing(value)
        assert env.whole("THING", 7) == expected


@pytest.mark.parametrize(
    "value", ["x", "-1", "1.5", "65536", "1e3", "٣", "²", "+1", "0x10", "1_000", "9" * 5_000]
)
def test_what_is_no_whole_number(thing: Any, value: str):
    thing(value)
    assert complaint(lambda: env.whole("THING", 7)).endswith("give a whole number from 0 to 65535.")
    assert complaint(lambda: env.whole("THING", 7, least=1, most=9)).endswith("from 1 to 9.")


def test_choice(thing: Any):
    assert env.choice("THING", "a", ("a", "b")) == "a"
    thing("b")
    assert env.choice("THING", "a", ("a", "b")) == "b"
    thing("A")
    assert complaint(lambda: env.choice("THING", "a", ("a", "b"))) == "THING='A': give one of a, b."


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", False),
        ("0", False),
        ("no", False),
        ("OFF", False),
        ("false", False),
        ("1", True),
        ("Yes", True),
        (" on ", True),
    ],
)
def test_flag(thing: Any, value: str, expected: bool):
    thing(value)
    assert env.flag("THING") is expected


@pytest.mark.parametrize("value", ["2", "y", "maybe", "tru"])
def test_what_is_neither_yes_nor_no(thing: Any, value: str):
    thing(value)
    assert complaint(lambda: env.flag("THING")) == f"THING={value!r}: give 1 or 0."


def test_a_secret_from_the_environment_or_the_file(thing: Any, tmp_path: Path):
    said = complaint(lambda: env.secret_key(tmp_path))
    assert "SECRET_KEY" in said and "make run" in said and str(tmp_path) in said
    for nothing in (b"", b" \n", b"\xff\xfe"):
        (tmp_path / "secret_key").write_bytes(nothing)
        assert complaint(lambda: env.secret_key(tmp_path)) == said
    (tmp_path / "secret_key").write_text("kept\n")
    assert env.secret_key(tmp_path) == "kept"
    thing("given", "SECRET_KEY")
    assert env.secret_key(tmp_path) == "given"


def test_the_default_database_is_a_file_in_var():
    found = env.database(VAR)
    assert (found["ENGINE"], found["NAME"]) == (
        "chatadmin.lib.sqlite",
        "/nowhere/var/chatadmin.sqlite3",
    )
    assert found["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        assert f"PRAGMA {pragma};" in found["OPTIONS"]["init_command"]


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///chat.sqlite3", "chat.sqlite3"),
        ("sqlite:///var/my%20chat.sqlite3", "var/my chat.sqlite3"),
        ("sqlite:////srv/chat.sqlite3", "/srv/chat.sqlite3"),
    ],
)
def test_sqlite_elsewhere(thing: Any, url: str, path: str):
    thing(url, "DATABASE_URL")
    assert env.database(VAR)["NAME"] == path


def test_postgresql(thing: Any):
    thing(
        "postgres://us%40er:p%3Ass%2F@db.example:5433/chat?sslmode=require&application_name=a%20b",
        "DATABASE_URL",
    )
    found = env.database(VAR)
    assert found["ENGINE"] == "chatadmin.lib.postgresql"
    assert (found["USER"], found["PASSWORD"]) == ("us@er", "p:ss/")
    assert (found["HOST"], found["PORT"], found["NAME"], found["CONN_MAX_AGE"]) == (
        "db.example",
        5433,
        "chat",
        0,
    )
    assert found["OPTIONS"] == {
        "options": "-c jit=off",
        "sslmode": "require",
        "application_name": "a b",
        "pool": {"min_size": 1, "max_size": 16},
    }
    thing("postgresql://127.0.0.1/chat", "DATABASE_URL")
    thing("3", "DATABASE_POOL")
    found = env.database(VAR)
    assert (found["PORT"], found["USER"], found["OPTIONS"]["pool"]["max_size"]) == (5_432, "", 3)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://db/chat", "mysql scheme; give sqlite:// or postgres://"),
        ("chat.sqlite3", "no scheme; give sqlite:// or postgres://"),
        ("/srv/chat.sqlite3", "no scheme"),
        ("sqlite://chat.sqlite3", "sqlite:///relative/file"),
        ("sqlite://var/chat.sqlite3", "sqlite:///relative/file"),
        ("sqlite:///", "sqlite:///relative/file"),
        ("postgres://db.example", "postgres://user:password@host:port/NAME"),
        ("postgres://db.example/", "postgres://user:password@host:port/NAME"),
        ("postgres://db.example:five/chat", "is the port a number"),
        ("postgres://db.example:99999/chat", "is the port a number"),
        ("postgres://user:pa/ss@db.example/chat", "is the port a number"),
        ("postgres://[::1/chat", "%5B"),
        ("postgres://user:se[cret@db/chat", "%5B"),
    ],
)
def test_addresses_that_name_no_database(thing: Any, url: str, says: str):
    thing(url, "DATABASE_URL")
    said = complaint(lambda: env.database(VAR))
    assert said.startswith("DATABASE_URL") and says in said
    # It may hold a password.
    assert "cret" not in said and "pa/ss" not in said


def test_mail_is_off_unless_it_is_named(thing: Any):
    assert env.email("chat@localhost") == {
        "EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend",
        "DEFAULT_FROM_EMAIL": "chat@localhost",
    }
    thing("console://", "EMAIL_URL")
    thing("Chat <chat@shop.example>", "EMAIL_FROM")
    found = env.email("chat@localhost")
    assert found["EMAIL_BACKEND"].endswith("console.EmailBackend")
    assert found["DEFAULT_FROM_EMAIL"] == "Chat <chat@shop.example>"


@pytest.mark.parametrize(
    ("url", "port", "ssl", "tls"),
    [
        ("smtp://us%40er:p%3A@mail.example", 587, False, True),
        ("smtp://mail.example:25", 25, False, False),
        ("smtps://us%40er:p%3A@mail.example", 465, True, False),
        ("smtps://us%40er:p%3A@mail.example:4465", 4_465, True, False),
    ],
)
def test_mail(thing: Any, url: str, port: int, ssl: bool, tls: bool):
    thing(url, "EMAIL_URL")
    found = env.email("chat@localhost")
    assert (found["EMAIL_HOST"], found["EMAIL_PORT"]) == ("mail.example", port)
    assert (found["EMAIL_USE_SSL"], found["EMAIL_USE_TLS"]) == (ssl, tls)
    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == (
        ("us@er", "p:") if "@" in url else ("", "")
    )


@pytest.mark.parametrize(
    "url",
    [
        "mail.example",
        "http://mail.example",
        "smtp://",
        "smtp://mail.example:five",
        "smtp://[::1",
        "smtp://a:b/c@d",
    ],
)
def test_addresses_that_name_no_mail_server(thing: Any, url: str):
    thing(url, "EMAIL_URL")
    assert complaint(lambda: env.email("chat@localhost")).startswith("EMAIL_URL")


@pytest.mark.parametrize(
    "url", ["garbage", "redis://", "http://127.0.0.1", "redis://h:port", "redis://h:99999"]
)
def test_a_redis_address_that_can_not_work(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    with pytest.raises(ImproperlyConfigured, match="REDIS_URL: give redis://"):
        env.redis_url()


@pytest.mark.parametrize("url", ["redis://127.0.0.1:6379/0", "rediss://u:p@h/1", "unix:///run/redis.sock"])
def test_a_redis_address_that_can_work(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    assert env.redis_url() == url


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("", ""),
        ("https://chat.example", "https://chat.example"),
        ("https://Chat.Example/", "https://chat.example"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
    ],
)
def test_where_people_reach_the_product(thing: Any, url: str, found: str):
    thing(url)
    assert env.origin("THING") == found


@pytest.mark.parametrize(
    "url",
    [
        *("chat.example", "//chat.example", "ftp://chat.example", "https://", "https://*.example"),
        *("https://chat.example/chat", "https://chat.example?x", "https://chat.example#x"),
        *("https://me@chat.example", "https://chat.example:x", "https://[::1", "https://chat .example"),
    ],
)
def test_addresses_that_links_can_not_begin_with(thing: Any, url: str):
    thing(url)
    assert complaint(lambda: env.origin("THING")).startswith("THING=")
