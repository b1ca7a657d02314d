#!/usr/bin/env python3
"""Makes .venv what the locks say, then becomes its Python: `bootstrap.py LOCK… [-- ARGUMENTS…]`.

Run by whatever `python3` is there, so this file must parse on Python 3.6: an old one then gets a
sentence instead of a syntax error. Nothing is imported that the standard library lacks.
"""

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)
NEWER_NAMES = ("python3.13", "python3.12", "python3.11", "python3.14")
NO_NETWORK = (
    "NewConnectionError",
    "ConnectTimeoutError",
    "NameResolutionError",
    "Failed to establish a new connection",
    "name resolution",
    "Network is unreachable",
    "Connection refused",
    "ProxyError",
    "Read timed out",
)


class Refusal(Exception):
    """What stands in the way and what to do about it, in one line."""


def version_of(python: str) -> Optional[Tuple[int, int]]:
    """(major, minor) of that interpreter, or None where it doesn't run."""
    code = "import sys; print('%d %d' % sys.version_info[:2])"
    try:
        shown = subprocess.run([python, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        major, minor = shown.stdout.decode().split()
        return int(major), int(minor)
    except (OSError, ValueError):
        return None


def find_python() -> str:
    """Path of a Python that is new enough: this one, else a newer one by its usual name. Raises Refusal."""
    if sys.version_info[:2] >= OLDEST:
        return sys.executable
    for name in NEWER_NAMES:
        path = shutil.which(name)
        # A version manager leaves names in PATH behind which there is nothing.
        if path and (version_of(path) or (0, 0)) >= OLDEST:
            return path
    raise Refusal(
        "chatadmin needs Python 3.11 or newer and python3 is {}.{}: install one"
        " (Debian, Ubuntu: apt install python3.11 python3.11-venv), then run make again.".format(
            *sys.version_info
        )
    )


def run_guarded(words: List[str], guard: int) -> "subprocess.CompletedProcess[bytes]":
    """Runs a program to its end. It holds `guard` too: should we be killed, the next make waits until it is done."""
    # Someone's pip may be set to install for the user, which a venv refuses.
    environment = dict(os.environ, PIP_USER="0")
    return subprocess.run(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, pass_fds=(guard,)
    )


def make_venv(venv: Path, python: str, guard: int) -> None:
    """Creates `venv` with that interpreter. Raises Refusal where Python's venv is not whole."""
    whole = subprocess.run(
        [python, "-c", "import venv, ensurepip"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    if whole.returncode != 0:
        raise Refusal(
            "Python {}.{} has no venv here: install it (Debian, Ubuntu: apt install python{}.{}-venv),"
            " then run make again.".format(*(version_of(python) or OLDEST) * 2)
        )
    made = run_guarded([python, "-m", "venv", str(venv)], guard)
    if made.returncode != 0:
        last = made.stdout.decode(errors="replace").strip().splitlines()[-1:]
        raise Refusal("{} could not be made ({}).".format(venv, "".join(last) or "no reason given"))


def pip_install(venv: Path, lock: Path, guard: int) -> None:
    """Installs what `lock` pins. Raises Refusal with pip's own reason, or that there is no network."""
    print("Installing {} into {} …".format(lock.relative_to(ROOT), venv.name), flush=True)
    words = [str(venv / "bin" / "python"), "-m", "pip", "install", "-q", "--no-input"]
    words += ["--disable-pip-version-check", "--require-hashes", "--no-deps", "--no-compile", "-r", str(lock)]
    done = run_guarded(words, guard)
    if done.returncode == 0:
        return
    said = done.stdout.decode(errors="replace")
    if any(sign in said for sign in NO_NETWORK):
        raise Refusal(
            "The packages can't be downloaded: the package index doesn't answer. Check the network"
            " (or pip's proxy and index settings), then run make again."
        )
    errors = [line for line in said.splitlines() if line.startswith("ERROR")] or said.splitlines()[-3:]
    raise Refusal("pip could not install {}: {}".format(lock.relative_to(ROOT), " ".join(errors)))


def stamp_of(venv: Path, lock: Path) -> str:
    """What a finished install leaves behind: it changes with the lock and with the Python below the venv."""
    return "{} {}\n".format(
        hashlib.sha256(lock.read_bytes()).hexdigest(), os.path.realpath(str(venv / "bin" / "python"))
    )


def read(path: Path) -> str:
    """The file's text, or nothing where there is none."""
    try:
        return path.read_text()
    except OSError:
        return ""


def is_usable(venv: Path, stamps: Dict[Path, str]) -> bool:
    """Whether packages can be put into `venv` as it stands; a half-made one, or one whose Python went, can't."""
    python = venv / "bin" / "python"
    if (venv / "unfinished").exists() or not python.exists():
        return False
    pythons = {stamp.split(maxsplit=1)[1].strip() for stamp in stamps.values() if stamp.count(" ")}
    if pythons - {os.path.realpath(str(python))}:
        return False
    asked = subprocess.run(
        [str(python), "-m", "pip", "--version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return asked.returncode == 0


def install(names: Sequence[str], venv: Path, guard: int) -> None:
    """Brings `venv` to the locks of these names; does nothing where it already is. Raises Refusal."""
    locks = {name: ROOT / "requirements" / (name + ".lock") for name in names}
    stamps = {venv / ("installed-" + name): read(venv / ("installed-" + name)) for name in names}
    unfinished = venv / "unfinished"
    whole = (venv / "bin" / "python").exists() and not unfinished.exists()
    if whole and all(
        read(venv / ("installed-" + name)) == stamp_of(venv, lock) for name, lock in locks.items()
    ):
        return
    if not is_usable(venv, stamps):
        python = find_python()
        if venv.exists():
            shutil.rmtree(str(venv))
        venv.mkdir()
        unfinished.touch()
        try:
            make_venv(venv, python, guard)
        except Refusal:
            shutil.rmtree(str(venv))
            raise
    # A killed install leaves this behind, and the next run starts over; one that pip refused changed nothing.
    unfinished.touch()
    try:
        for name, lock in locks.items():
            if read(venv / ("installed-" + name)) != stamp_of(venv, lock):
                pip_install(venv, lock, guard)
                (venv / ("installed-" + name)).write_text(stamp_of(venv, lock))
    except Refusal:
        unfinished.unlink()
        raise
    unfinished.unlink()


def main(words: List[str]) -> int:
    """Exit status; doesn't return where there are arguments after `--` and all went well."""
    cut = words.index("--") if "--" in words else len(words)
    venv = ROOT / ".venv"
    # Two makes at once must not build the same venv; the directory's lock is gone with the process.
    guard = os.open(str(ROOT), os.O_RDONLY)
    fcntl.flock(guard, fcntl.LOCK_EX)
    try:
        install(words[:cut], venv, guard)
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        # Dying of the signal is how make and the shell learn that it was meant.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
        return 130
    finally:
        os.close(guard)
    if cut < len(words):
        os.chdir(str(ROOT))
        python = str(venv / "bin" / "python")
        os.execv(python, [python, *words[cut + 1 :]])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
