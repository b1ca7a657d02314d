"""Finds a Chromium for the browser tests, and installs one where there is none: `chromium.py` prints its path.

Order: $CHROMIUM, what an earlier run found, the machine's, Playwright's own, the distribution's (Debian, as root).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FOUND = Path(sys.prefix) / "chromium-path"
PLAYWRIGHT_CODE = (
    "from playwright.sync_api import sync_playwright as p\nwith p() as started:"
    " print(started.chromium.executable_path)"
)
# Fonts for the scripts that people write in; without them pictures of pages show boxes.
DEBIAN_PACKAGES = ("chromium", "fonts-noto-core", "fonts-noto-cjk", "fonts-noto-color-emoji")


class NoChromium(Exception):
    """There is none and none could be installed; says what to do."""


def runs(path: str) -> bool:
    """Whether the program at `path` starts at all: a Chromium without its shared libraries doesn't."""
    try:
        done = subprocess.run([path, "--version"], capture_output=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def find() -> str | None:
    """Path of a Chromium that starts, or None. Raises NoChromium where $CHROMIUM names one that doesn't."""
    chosen = os.environ.get("CHROMIUM")
    if chosen:
        path = shutil.which(chosen)
        if not path or not runs(path):
            raise NoChromium(f"CHROMIUM={chosen} doesn't start: name a Chromium's path, or unset it.")
        return path
    noted = FOUND.read_text().strip() if FOUND.exists() else ""
    candidates = [noted, *(shutil.which(name) for name in NAMES)]
    return next((path for path in candidates if path and runs(path)), None)


def from_playwright() -> str | None:
    """Downloads Playwright's own Chromium; None where that can't be had or doesn't start here."""
    print("No Chromium here: asking Playwright for its own …", flush=True)
    done = subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], capture_output=True)
    if done.returncode != 0:
        return None
    shown = subprocess.run([sys.executable, "-c", PLAYWRIGHT_CODE], capture_output=True, text=True)
    path = shown.stdout.strip()
    return path if path and runs(path) else None


def from_debian() -> str | None:
    """Installs the distribution's through apt; None where this isn't Debian's kind, or we aren't root."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return None
    print("Installing Debian's chromium and fonts …", flush=True)
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *DEBIAN_PACKAGES]
    for words in (["apt-get", "update", "-q"], install):
        done = subprocess.run(
            words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if done.returncode != 0:
            print("\n".join(done.stdout.splitlines()[-5:]), file=sys.stderr)
            return None
    path = shutil.which("chromium")
    return path if path and runs(path) else None


def ensure() -> str:
    """Path of a Chromium, installed if need be and noted for the next run. Raises NoChromium."""
    path = find() or from_playwright() or from_debian()
    if not path:
        raise NoChromium(
            "No Chromium for the browser tests: install one (Debian, Ubuntu: apt install chromium)"
            " or set CHROMIUM to its path."
        )
    if not os.environ.get("CHROMIUM"):
        FOUND.write_text(path + "\n")
    return path


if __name__ == "__main__":
    try:
        print(ensure())
    except NoChromium as refusal:
        sys.exit(str(refusal))
