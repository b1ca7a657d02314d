"""The embed script: its parts, one after another in one closure, so that a page loads one classic script."""

from __future__ import annotations

import functools
import hashlib
import json
import re
from pathlib import Path
from typing import NamedTuple

from django.contrib.staticfiles import finders

FOLDER = "widget/parts"
STYLES = ("base.css", "panel.css", "log.css", "ask.css", "composer.css")
PARTS = (
    "strings.js",
    "formats.js",
    "elements.js",
    "storage.js",
    "settings.js",
    "connection.js",
    "reports.js",
    "person.js",
    "outbox.js",
    "history.js",
    "typing.js",
    "content.js",
    "log.js",
    "ask.js",
    "composer.js",
    "panel.js",
    "host.js",
    "drawing.js",
    "frames.js",
    "leaving.js",
    "calls.js",
    "listening.js",
    "main.js",
)

COMMENT_LINES = re.compile(r"^\s*(?:/\*(?:(?!\*/).)*\*/|//[^\n]*)\n", re.MULTILINE | re.DOTALL)
INDENT = re.compile(r"^\s+", re.MULTILINE)


class Script(NamedTuple):
    body: bytes
    etag: str


def embed_script() -> Script:
    """The script as it stands in the parts' files now; joined again only where one of them has changed."""
    paths = [_path(name) for name in (*STYLES, *PARTS)]
    return _joined(tuple((path, path.stat().st_mtime_ns) for path in paths))


def _path(name: str) -> Path:
    path = finders.find(f"{FOLDER}/{name}")
    assert isinstance(path, str), name
    return Path(path)


@functools.lru_cache(maxsize=1)
def _joined(parts: tuple[tuple[Path, int], ...]) -> Script:
    texts = [_thin(path.read_text(encoding="utf-8")) for path, _ in parts]
    styles, code = texts[: len(STYLES)], texts[len(STYLES) :]
    constant = f"const STYLES = {json.dumps(''.join(styles))};\n"
    whole = "".join(["(() => {\n", '"use strict";\n', constant, *code, "})();\n"])
    body = whole.encode()
    return Script(body, f'"{hashlib.sha256(body).hexdigest()[:24]}"')


def _thin(text: str) -> str:
    """Without indentation, empty lines and the lines that are comments. No string in a part may span lines."""
    return INDENT.sub("", COMMENT_LINES.sub("", text))
