"""bench/replay.py: plays a file through the public doors, and sees what is lost, doubled, changed or out of order."""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.replay import Played, Replay, arguments, differences, percentile, read, target
from bench.staff_client import ReplyFailed, SignInFailed, StaffClient
from conversations.models import Message
from staff.models import Account, Widget
from tests.factories import PASSWORD
from tests.server import ROOT, Server
from widget.client import Place

LINES = [("visitor", "one"), ("staff", "two"), ("visitor", "three"), ("visitor", "one")]
TALKS: list[list[tuple[str, str]]] = [
    [
        ("visitor", "Hi & <b>bye</b> ? = + % \u2028 é 🎉"),
        ("staff", "  Grüße; a=b&c=d\n\n\tשלום "),
        ("visitor", "ok"),
    ],
    [
        ("staff", "We write first."),
        ("visitor", "So you do."),
        ("staff", "And again."),
        ("staff", "And again."),
    ],
    [("visitor", "only me")],
]


def write(path: Path, talks: list[list[tuple[str, str]]]) -> Path:
    rows = [
        {"id": str(number), "messages": [{"from": side, "text": text} for side, text in talk]}
        for number, talk in enumerate(talks)
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


@pytest.mark.parametrize("name", ["talks.jsonl", "talks.jsonl.gz"])
def test_a_file_is_read(tmp_path: Path, name: str) -> None:
    talks = [[("user", "a"), ("assistant", "b"), ("customer", " "), ("agent", "c")], [("visitor", "d")]]
    path = write(tmp_path / name, talks)
    assert list(read(path)) == [
        [("visitor", "a"), ("staff", "b"), ("staff", "c")],
        [("visitor", "d")],
    ]
    assert len(list(read(path, limit=1))) == 1


def test_an_unknown_side_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", [[("visitor", "a")], [("narrator", "b")]])
    with pytest.raises(ValueError, match=r"x\.jsonl:2: from narrator"):
        list(read(path))


@pytest.mark.parametrize(
    ("found", "wrong"),
    [
        (LINES, []),
        (LINES[:3], ["lost: visitor"]),
        ([*LINES, LINES[1]], ["doubled or changed: staff"]),
        ([LINES[1], LINES[0], *LINES[2:]], ["out of order"]),
        ([*LINES[:3], ("visitor", "One")], ["lost: visitor", "doubled or changed: visitor"]),
        ([*LINES[:3], ("staff", "one")], ["lost: visitor", "doubled or changed: staff"]),
        ([], ["lost: visitor", "lost: staff", "lost: visitor"]),
    ],
)
def test_what_is_wrong_is_seen(found: list[tuple[str, str]], wrong: list[str]) -> None:
    assert sorted(differences(LINES, found)) == sorted(wrong)


def test_percentiles_are_milliseconds() -> None:
    values = [0.001 * number for number in range(1, 101)]
    assert percentile(values, 0.5) == pytest.approx(51)
    assert percentile(values, 1) == pytest.approx(100)
    assert percentile([], 0.5) == 0


def test_the_target_comes_from_the_demo_or_from_the_command_line(tmp_path: Path) -> None:
    demo = tmp_path / "demo.json"
    known: dict[str, Any] = {
        "url": "http://127.0.0.1:1/",
        "admin": {"email": "a@x.example", "password": "p"},
        "widget_key": "k",
    }
    demo.write_text(json.dumps(known))
    place, email, password = target(arguments(["f", "--demo", str(demo)]))
    assert (place, email, password) == (Place("http://127.0.0.1:1", "k"), "a@x.example", "p")
    words = ["f", "--demo", "/nowhere", "--url", "http://h", "--key", "K", "--email", "e", "--password", "q"]
    assert target(arguments(words)) == (Place("http://h", "K"), "e", "q")
    with pytest.raises(SystemExit, match="Give --demo"):
        target(arguments(["f", "--demo", str(tmp_path / "none")]))


def run(server: Server, widget: Widget, path: Path, *words: str, password: str = PASSWORD) -> Any:
    command = [
        sys.executable,
        "-W",
        "error",
        "bench/replay.py",
        str(path),
        "--url",
        server.url,
        "--key",
        widget.key,
    ]
    command += ["--email", "dana@team.example", "--password", password, *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_conversations_are_played_and_proved(
    server: Server, widget: Widget, admin: Account, tmp_path: Path
) -> None:
    path = write(tmp_path / "talks.jsonl", TALKS)
    played = run(server, widget, path, "--out", str(tmp_path / "out.json"), "--speed", "1000")
    assert played.returncode == 0, played.stdout + played.stderr
    assert "3 conversations, 8 messages" in played.stdout
    assert "Every message is there once, in order, as it was said." in played.stdout
    said: dict[int, list[tuple[str, str]]] = {}
    for owner, side, body in Message.objects.order_by("pk").values_list("chat_user", "sender", "body"):
        said.setdefault(owner, []).append((side, body))
    assert sorted(said.values()) == sorted(TALKS)
    assert set(Message.objects.filter(sender="staff").values_list("author", flat=True)) == {admin.pk}
    result = json.loads((tmp_path / "out.json").read_text())
    assert (result["messages"], result["wrong"], result["undelivered"]) == (8, 0, 0)
    assert (result["visitor"]["count"], result["staff"]["count"], result["delivered"]["count"]) == (4, 4, 4)


def test_a_lost_message_is_found(server: Server, widget: Widget, admin: Account) -> None:
    staff = StaffClient(server.url)
    staff.sign_in(admin.email, PASSWORD)
    replay = Replay(Place(server.url, widget.key), staff)
    played = Played(TALKS[0])
    asyncio.run(replay.play(played))
    asyncio.run(replay.verify(played))
    assert played.wrong == []
    Message.objects.filter(body="ok").delete()
    asyncio.run(replay.verify(played))
    assert played.wrong == ["lost: visitor"]
    staff.close()


def test_a_wrong_password_is_said_in_a_line(
    server: Server, widget: Widget, admin: Account, tmp_path: Path
) -> None:
    played = run(server, widget, write(tmp_path / "f.jsonl", TALKS), password="wrong")
    assert played.returncode == 1
    assert "can't sign in" in played.stderr
    assert "Traceback" not in played.stderr


def test_a_refused_origin_is_said_in_a_line(
    server: Server, widget: Widget, admin: Account, tmp_path: Path
) -> None:
    played = run(server, widget, write(tmp_path / "f.jsonl", TALKS), "--origin", "http://evil.example")
    assert played.returncode == 1
    assert "refuses (4403)" in played.stderr
    assert "Traceback" not in played.stderr


def test_a_reply_that_is_not_taken_is_an_error(server: Server, admin: Account) -> None:
    staff = StaffClient(server.url)
    with pytest.raises(SignInFailed):
        staff.sign_in(admin.email, "not that")
    staff.sign_in(admin.email, PASSWORD)
    with pytest.raises(ReplyFailed) as failed:
        asyncio.run(staff.reply("00000000-0000-4000-8000-000000000000", "hello", ""))
    assert failed.value.status == 404
    staff.close()
