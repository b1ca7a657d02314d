"""The small programs beside the product: running tests, finding services and a browser, containers."""

from __future__ import annotations

import re
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml

from scripts import chromium, healthcheck
from scripts.run_tests import skipped_tests
from scripts.services import missing_postgresql, missing_redis

ROOT = Path(__file__).parents[2]
REPORT = """<?xml version="1.0"?><testsuites><testsuite>
<testcase classname="tests.a" name="test_runs"/>
<testcase classname="tests.a" name="test_waits"><skipped type="pytest.skip" message="no server"/></testcase>
<testcase classname="tests.b" name="test_fails"><skipped type="pytest.xfail" message="known"/></testcase>
</testsuite></testsuites>"""


def test_skipped_and_expected_failures_are_told(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(REPORT)
    assert skipped_tests(report) == ["tests.a.test_waits: no server", "tests.b.test_fails: known"]


@pytest.fixture
def dead_port() -> Iterator[int]:
    """A port that nobody listens on, held so that nobody takes it."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def test_services_that_do_not_answer_are_named(dead_port: int) -> None:
    assert "no PostgreSQL at TEST_DATABASE_URL" in missing_postgresql(
        f"postgres://nobody@127.0.0.1:{dead_port}/x"
    )
    assert "no Redis at TEST_REDIS_URL" in missing_redis(f"redis://127.0.0.1:{dead_port}/0")
    assert "no Redis at TEST_REDIS_URL" in missing_redis("nonsense")


def make_program(path: Path, body: str) -> Path:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the finder notes what it found; a machine that has nothing on its PATH."""
    note = tmp_path / "chromium-path"
    monkeypatch.setattr(chromium, "FOUND", note)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("CHROMIUM", raising=False)
    (tmp_path / "bin").mkdir()
    return note


def test_the_machines_chromium_is_found_and_noted(noted: Path) -> None:
    assert chromium.find() is None
    path = make_program(noted.parent / "bin" / "chromium", "exit 0")
    assert chromium.ensure() == str(path)
    assert noted.read_text() == f"{path}\n"


def test_a_chromium_that_does_not_start_is_none(noted: Path) -> None:
    make_program(noted.parent / "bin" / "chromium", "exit 127")
    good = make_program(noted.parent / "bin" / "google-chrome", "exit 0")
    assert chromium.find() == str(good)


def test_a_noted_chromium_that_went_is_looked_for_anew(noted: Path) -> None:
    noted.write_text("/nowhere/chromium\n")
    good = make_program(noted.parent / "bin" / "chromium", "exit 0")
    assert chromium.find() == str(good)


def test_the_chosen_chromium_is_taken_or_refused(noted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_program(noted.parent / "bin" / "chromium", "exit 0")
    chosen = make_program(noted.parent / "mine", "exit 0")
    monkeypatch.setenv("CHROMIUM", str(chosen))
    assert chromium.find() == str(chosen)
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    with pytest.raises(chromium.NoChromium, match="CHROMIUM=/nowhere/chromium doesn't start"):
        chromium.find()


class ChatHost(BaseHTTPRequestHandler):
    """Answers as the product does: a name that it doesn't know gets a 400."""

    def do_GET(self) -> None:
        known = self.headers["Host"] == "chat.example" and self.path == "/healthz"
        self.send_response(200 if known else 400)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), ChatHost) as started:
        thread = threading.Thread(target=started.serve_forever)
        thread.start()
        yield started
        started.shutdown()
        thread.join()


def test_the_health_check_asks_by_a_name_the_site_knows(
    server: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", str(server.server_port))
    monkeypatch.setenv("ALLOWED_HOSTS", " .chat.example, other.example")
    assert healthcheck.main() == 0
    monkeypatch.setenv("ALLOWED_HOSTS", "other.example")
    assert healthcheck.main() == 1


def test_the_health_check_fails_where_nobody_listens(dead_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", str(dead_port))
    assert healthcheck.main() == 1


def test_compose_sets_only_what_the_settings_read() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    read = (ROOT / "chatadmin" / "settings.py").read_text() + (
        ROOT / "chatadmin" / "lib" / "env.py"
    ).read_text()
    named = set(compose["services"]["app"]["environment"])
    assert {"SECRET_KEY", "DATABASE_URL", "REDIS_URL", "ALLOWED_HOSTS", "WIDGET_ORIGINS"} <= named
    assert {name for name in named if f'"{name}"' not in read} == set()
    assert compose["services"]["app"]["environment"]["SECRET_KEY"].startswith("${SECRET_KEY:?")


def test_make_help_lists_every_target() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony
    for target in phony[1].split():
        assert re.search(rf"^  make {target}  +\S", listed, re.MULTILINE), target


def test_make_asks_for_modules_that_are_there() -> None:
    modules = re.findall(r"-m (scripts\.\w+)", (ROOT / "Makefile").read_text())
    assert "scripts.run_tests" in modules
    for module in modules:
        assert (ROOT / module.replace(".", "/")).with_suffix(".py").exists(), module


def test_an_unknown_check_is_refused() -> None:
    words = [sys.executable, "-m", "scripts.check", "nonsense"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "No such check: nonsense" in done.stderr
