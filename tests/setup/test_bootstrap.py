"""`bootstrap.py` run for real against a pretended Python: what it installs, when, and what it says when it can't."""

from __future__ import annotations

import ast
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "bootstrap.py"
# Notes what it is asked for; "makes" a venv by linking itself into it.
PRETENDED = """#!/bin/sh
echo "$(basename "$0") $*" >> "$NOTES/log"
case "$1 $2" in
"-c import sys;"*) echo 3 12 ;;
"-c import venv,"*) if [ -e "$NOTES/no-venv" ]; then exit 1; fi ;;
"-m venv") mkdir -p "$3/bin" && ln -s "$NOTES/python3.12" "$3/bin/python" ;;
"-m pip")
    if [ "$3" = install ]; then
        if [ -e "$NOTES/refusal" ]; then cat "$NOTES/refusal"; exit 1; fi
        if [ -e "$NOTES/hang" ]; then touch "$NOTES/hangs"; while [ -e "$NOTES/hang" ]; do sleep 0.02; done; fi
    fi ;;
esac
"""
AS_VERSION = """
import runpy, sys
sys.version_info = {version}
sys.argv = {words}
runpy.run_path(sys.argv[0], run_name="__main__")
"""


class Clone:
    """A fresh clone with two locks, and a PATH that has nothing but the pretended Python 3.12."""

    def __init__(self, root: Path) -> None:
        self.root = root / "clone"
        self.notes = root / "notes"
        (self.root / "scripts").mkdir(parents=True)
        (self.root / "requirements").mkdir()
        self.notes.mkdir()
        shutil.copy(SCRIPT, self.root / "scripts")
        self.lock("base").write_text("one==1\n")
        self.lock("test").write_text("two==2\n")
        self.python = self.notes / "python3.12"
        self.python.write_text(PRETENDED)
        self.python.chmod(0o755)
        self.venv = self.root / ".venv"

    def lock(self, name: str) -> Path:
        return self.root / "requirements" / f"{name}.lock"

    def break_python(self, name: str) -> None:
        """What a version manager leaves on PATH for a version that isn't there."""
        (self.notes / name).write_text("#!/bin/sh\nexit 127\n")
        (self.notes / name).chmod(0o755)

    def start(self, *words: str, version: tuple[int, ...] = (3, 9, 2)) -> subprocess.Popen[str]:
        code = AS_VERSION.format(version=version, words=[str(self.root / "scripts" / "bootstrap.py"), *words])
        environment = {"PATH": f"{self.notes}:/usr/bin:/bin", "NOTES": str(self.notes)}
        # Real ones elsewhere on PATH would be taken first.
        for name in ("python3.11", "python3.13", "python3.14"):
            self.break_python(name)
        return subprocess.Popen(
            [sys.executable, "-c", code],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, version: tuple[int, ...] = (3, 9, 2)) -> tuple[int, str]:
        """Exit status and what was said on standard error."""
        with self.start(*words, version=version) as process:
            _, said = process.communicate(timeout=60)
        return process.returncode, said

    def log(self) -> list[str]:
        """What the pretended Python was asked since the last look, without the questions about itself."""
        path = self.notes / "log"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [line for line in lines if " -c " not in line and "--version" not in line]


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def installs(lines: list[str]) -> list[str]:
    """The names of the locks that pip was given."""
    return [Path(line.rsplit(" ", 1)[1]).stem for line in lines if "pip install" in line]


def test_the_first_run_makes_installs_and_becomes_the_venvs_python(clone: Clone) -> None:
    status, said = clone.run("base", "test", "--", "-m", "chatadmin.serve", "--flag")
    log = clone.log()
    assert (status, said) == (0, "")
    assert log[0] == f"python3.12 -m venv {clone.venv}"
    assert installs(log) == ["base", "test"]
    assert all("--require-hashes --no-deps" in line for line in log if "pip install" in line)
    assert log[-1] == "python -m chatadmin.serve --flag"


def test_a_second_run_installs_nothing(clone: Clone) -> None:
    clone.run("base")
    assert installs(clone.log()) == ["base"]
    assert clone.run("base", "--", "serve") == (0, "")
    assert clone.log() == ["python serve"]


def test_only_the_lock_that_changed_is_installed_again(clone: Clone) -> None:
    clone.run("base", "test")
    clone.log()
    clone.lock("test").write_text("two==3\n")
    clone.run("base", "test")
    log = clone.log()
    assert installs(log) == ["test"]
    assert not any("-m venv" in line for line in log)


def test_a_lock_that_is_not_asked_for_waits(clone: Clone) -> None:
    clone.run("base")
    assert installs(clone.log()) == ["base"]
    clone.run("base", "test")
    assert installs(clone.log()) == ["test"]


def test_a_venv_made_by_hand_is_kept(clone: Clone) -> None:
    (clone.venv / "bin").mkdir(parents=True)
    (clone.venv / "bin" / "python").symlink_to(clone.python)
    (clone.venv / "mine").touch()
    clone.run("base")
    assert installs(clone.log()) == ["base"]
    assert (clone.venv / "mine").exists()


@pytest.fixture
def killed(clone: Clone) -> Iterator[Clone]:
    """A clone whose first install was killed while pip was at work; that pip lives on until `hang` goes."""
    (clone.notes / "hang").touch()
    with clone.start("base") as process:
        while not (clone.notes / "hangs").exists():
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)
        process.stdout.close()  # type: ignore[union-attr]
        process.stderr.close()  # type: ignore[union-attr]
        yield clone
        (clone.notes / "hang").unlink(missing_ok=True)


def test_a_killed_installs_pip_is_waited_for(killed: Clone) -> None:
    guard = os.open(killed.root, os.O_RDONLY)
    with pytest.raises(BlockingIOError):
        fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
    (killed.notes / "hang").unlink()
    fcntl.flock(guard, fcntl.LOCK_EX)
    os.close(guard)


def test_a_killed_install_heals(killed: Clone) -> None:
    (killed.venv / "half").touch()
    (killed.notes / "hang").unlink()
    killed.log()
    assert killed.run("base") == (0, "")
    log = killed.log()
    assert any("-m venv" in line for line in log)
    assert installs(log) == ["base"]
    assert not (killed.venv / "half").exists()
    assert killed.run("base") == (0, "")
    assert killed.log() == []


def test_a_venv_whose_python_went_is_made_anew(clone: Clone) -> None:
    clone.run("base")
    (clone.venv / "bin" / "python").unlink()
    clone.log()
    assert clone.run("base") == (0, "")
    assert installs(clone.log()) == ["base"]


def test_a_venv_on_another_python_is_made_anew(clone: Clone) -> None:
    clone.run("base")
    other = clone.notes / "python3.12-new"
    shutil.copy(clone.python, other)
    (clone.venv / "bin" / "python").unlink()
    (clone.venv / "bin" / "python").symlink_to(other)
    clone.log()
    assert clone.run("base") == (0, "")
    assert any("-m venv" in line for line in clone.log())


def test_an_old_python_alone_gets_one_line(clone: Clone) -> None:
    clone.break_python("python3.12")
    status, said = clone.run("base", "--", "serve", version=(3, 9, 2))
    assert status == 1
    assert said.count("\n") == 1
    assert "needs Python 3.11 or newer and python3 is 3.9" in said
    assert "apt install python3.11" in said
    assert not clone.venv.exists()


def test_a_python_without_venv_gets_one_line(clone: Clone) -> None:
    (clone.notes / "no-venv").touch()
    status, said = clone.run("base", "--", "serve")
    assert status == 1
    assert said.count("\n") == 1
    assert "apt install python3.12-venv" in said
    assert not clone.venv.exists()


def test_without_network_one_line_and_the_venv_stays(clone: Clone) -> None:
    clone.run("base")
    clone.lock("base").write_text("one==2\n")
    (clone.notes / "refusal").write_text(
        "WARNING: Retrying … NewConnectionError …\nERROR: No matching distribution\n"
    )
    (clone.venv / "mine").touch()
    status, said = clone.run("base", "--", "serve")
    assert status == 1
    assert said.count("\n") == 1
    assert "Check the network" in said
    assert not any(line.endswith("serve") for line in clone.log())
    (clone.notes / "refusal").unlink()
    assert clone.run("base") == (0, "")
    assert installs(clone.log()) == ["base"]
    assert (clone.venv / "mine").exists()


def test_pips_own_reason_is_told(clone: Clone) -> None:
    (clone.notes / "refusal").write_text("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES\n")
    status, said = clone.run("base")
    assert status == 1
    assert (
        said
        == "pip could not install requirements/base.lock: ERROR: THESE PACKAGES DO NOT MATCH THE HASHES\n"
    )


def test_it_parses_on_python_3_6_and_needs_the_standard_library_alone() -> None:
    tree = ast.parse(SCRIPT.read_text(), feature_version=(3, 6))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert "subprocess" in imported
    assert imported <= set(sys.stdlib_module_names) - {"__future__"}
