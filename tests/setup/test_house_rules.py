"""Each house rule finds its breach, and leaves alone what only looks like one."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.house_rules import breaches, our_files


def reasons(name: str, text: str) -> list[str]:
    return [reason for _, _, reason in breaches(Path(name), text)]


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("users/models.py", "x = 1\n" * 401, "401 lines; 400 at most"),
        ("tests/users/test_x.py", "x = 1\n" * 501, "501 lines; 500 at most"),
        ("static/js/x.js", "x;\n" * 401, "401 lines; 400 at most"),
        ("users/views.py", "def long():\n" + "    x = 1\n" * 60, "long: 61 lines; 60 at most"),
        ("users/views.py", "async def long():\n" + "    x = 1\n" * 60, "long: 61 lines; 60 at most"),
        (
            "live/hub.py",
            "from channels.layers import get_channel_layer\n",
            "only the bus calls the channel layer",
        ),
        (
            "live/hub.py",
            "def f():\n    from channels import layers\n",
            "only the bus calls the channel layer",
        ),
        ("live/hub.py", "import channels_redis.pubsub\n", "only the bus calls the channel layer"),
        ("users/views.py", "# TODO later\n", "TODO: say it in an issue, or do it"),
        ("docs/x.md", "see /work/main\n", "/work/: a path of one machine"),
        ("docs/x.md", "see /tmp/x\n", "/tmp/: a path of one machine"),
        ("docs/x.md", "see ../shared/x\n", "../shared: a path of one machine"),
        ("requirements/x.txt", "--index-url https://pypi.org/simple\n", "pypi.org: a package host"),
        ("templates/x.html", '<p style="color: red">', "inline style: the policy refuses it"),
        ("templates/x.html", '<p class="a"\n   onclick="go()">', "inline handler: the policy refuses it"),
        ("templates/x.html", '<p hx-on:click="go()">', "inline handler: the policy refuses it"),
        ("templates/x.html", "<style>p {}</style>", "inline style sheet: the policy refuses it"),
        ("templates/x.html", "<script>go()</script>", "script without src: the policy refuses it"),
        (
            "templates/x.html",
            '<script defer nonce="1">go()</script>',
            "script without src: the policy refuses it",
        ),
        (
            "templates/x.html",
            '<img src="https://cdn.example/x.png">',
            "another host: everything is same-origin",
        ),
        ("templates/x.html", '<link href="//cdn.example/x.css">', "another host: everything is same-origin"),
    ],
)
def test_a_breach_is_found(name: str, text: str, reason: str) -> None:
    assert reasons(name, text) == [reason]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("users/models.py", "x = 1\n" * 400),
        ("users/migrations/0001_initial.py", "x = 1\n" * 900),
        ("users/views.py", "def fits():\n" + "    x = 1\n" * 59),
        ("chatadmin/lib/bus.py", "from channels.layers import get_channel_layer\n"),
        ("live/consumers.py", "import channels.generic.websocket\nfrom channels.db import x\n"),
        ("users/views.py", "TODOS = 1  # mastodon\n"),
        ("docs/x.md", "a homework/main and var/tmp/x\n"),
        ("templates/x.html", '<p class="style" data-online="yes">style = on</p>'),
        ("templates/x.html", "{% if person.online == other %}<p>{% endif %}"),
        ("templates/x.html", "<script src=\"{% static 'x.js' %}\" defer></script>"),
        ("templates/x.html", '<script id="c" type="application/json">{}</script>'),
    ],
)
def test_what_is_right_is_left_alone(name: str, text: str) -> None:
    assert reasons(name, text) == []


def test_a_breach_says_its_line() -> None:
    assert [line for _, line, _ in breaches(Path("templates/x.html"), '<p>\n\n<b style="x">')] == [3]


def test_it_looks_at_what_git_would_take() -> None:
    names = {path.as_posix() for path in our_files()}
    assert {"manage.py", "pyproject.toml", "scripts/house_rules.py"} <= names
    assert not any(name.startswith((".venv/", "var/")) for name in names)
