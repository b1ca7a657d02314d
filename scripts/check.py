"""Runs every check that needs no test, two at a time, and tells of all that failed: `check.py [NAME…]`."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MANAGE = ("manage.py",)


@dataclass(frozen=True)
class Check:
    name: str
    words: tuple[str, ...]


CHECKS = (
    Check("types", ("-m", "mypy")),
    Check("lint", ("-m", "ruff", "check", "--quiet", ".")),
    Check("format", ("-m", "ruff", "format", "--check", "--quiet", ".")),
    Check("imports", ("-c", "from importlinter.cli import lint_imports_command as run; run()")),
    Check("templates", ("-m", "djlint", "templates", "--lint", "--quiet")),
    Check("migrations", (*MANAGE, "makemigrations", "--check", "--dry-run")),
    Check("deployment", (*MANAGE, "check", "--deploy", "--fail-level", "WARNING")),
    Check("the register's table", ("-m", "scripts.held_table", "--check")),
    Check("house rules", ("-m", "scripts.house_rules")),
)


def environment(var: str) -> dict[str, str]:
    """The settings of a production site, whatever this machine has set."""
    known = {
        name: value
        for name, value in os.environ.items()
        if name not in {"REDIS_URL", "DEMO", "LIMITS", "HOST"}
    }
    return known | {
        "SECRET_KEY": secrets.token_urlsafe(64),
        "ALLOWED_HOSTS": "chat.example",
        "WIDGET_ORIGINS": "https://www.example",
        "HTTPS": "1",
        "DATABASE_URL": f"sqlite:///{var}/check.sqlite3",
        "CHATADMIN_VAR": var,
    }


def run(check: Check, var: str) -> bool:
    """Runs one check and prints its line, and all that it said where it failed."""
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, *check.words],
        cwd=ROOT,
        env=environment(var),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    took = time.monotonic() - started
    passed = done.returncode == 0
    line = f"{'ok  ' if passed else 'FAIL'} {check.name} ({took:.1f} s)"
    print(line if passed else f"{line}\n{done.stdout.rstrip()}\n", flush=True)
    return passed


def main(names: list[str]) -> int:
    """Exit status 0 where every check passed, else 1. Raises SystemExit for a name that is none."""
    unknown = set(names) - {check.name for check in CHECKS}
    if unknown:
        sys.exit(
            f"No such check: {', '.join(sorted(unknown))}. There are: {', '.join(c.name for c in CHECKS)}."
        )
    chosen = [check for check in CHECKS if not names or check.name in names]
    with tempfile.TemporaryDirectory(prefix="chatadmin-check-") as var, ThreadPoolExecutor(2) as pool:
        passed = list(pool.map(lambda check: run(check, var), chosen))
    failed = [check.name for check, ok in zip(chosen, passed, strict=True) if not ok]
    print(f"Failed: {', '.join(failed)}." if failed else "All checks passed.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
