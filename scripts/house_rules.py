"""What no linter knows: short files and functions, no strangers' words, no inline script or style in templates.

Prints `file:line: what is wrong` for each breach; exit status 1 where there is one.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MAX_LINES = 400
MAX_TEST_LINES = 500
MAX_FUNCTION_LINES = 60
COUNTED = {".py", ".js", ".css", ".html", ".sh"}
BUS = Path("chatadmin/lib/bus.py")
UNREAD = {".png", ".jpg", ".gif", ".ico", ".woff2", ".mo", ".lock", ".gz", ".svg", ".po"}

FORBIDDEN = [
    (re.compile(r"\b(?:TODO|FIXME|XXX)\b"), "say it in an issue, or do it"),
    (re.compile(r"(?<![\w.])/work/|\.\./shared|(?<![\w.])/tmp/"), "a path of one machine"),
    (re.compile(r"pypi\.org|pythonhosted\.org|deb\.debian\.org|npmjs\.org"), "a package host"),
]
# They name what they look for.
UNSEARCHED = {Path("scripts/house_rules.py"), Path("tests/setup/test_house_rules.py")}
INLINE = [
    (re.compile(r"<[^>]*\sstyle\s*=", re.IGNORECASE), "inline style: the policy refuses it"),
    (
        re.compile(r"<[^>]*\s(?:on[a-z]+|hx-on[:a-z-]*)\s*=", re.IGNORECASE),
        "inline handler: the policy refuses it",
    ),
    (re.compile(r"<style\b", re.IGNORECASE), "inline style sheet: the policy refuses it"),
    (re.compile(r"<script\b(?![^>]*\bsrc=)", re.IGNORECASE), "script without src: the policy refuses it"),
    (
        re.compile(r"(?:src|href)=[\"'](?:https?:)?//", re.IGNORECASE),
        "another host: everything is same-origin",
    ),
]
# Its answer is data for the browser, not a script to run.
DATA_SCRIPT = re.compile(r"<script\b[^>]*type=[\"']application/(?:ld\+)?json[\"']", re.IGNORECASE)

Breach = tuple[str, int, str]


def our_files() -> list[Path]:
    """Every file that git holds or would take, relative to the root."""
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return sorted(Path(name) for name in set(listed.split("\0")) if name and (ROOT / name).is_file())


def check_length(path: Path, text: str) -> Iterator[Breach]:
    """A file that outgrew one idea."""
    if path.suffix not in COUNTED or "migrations" in path.parts or "locale" in path.parts:
        return
    most = MAX_TEST_LINES if path.parts[0] == "tests" else MAX_LINES
    lines = text.count("\n")
    if lines > most:
        yield path.as_posix(), lines, f"{lines} lines; {most} at most"


def check_functions(path: Path, text: str) -> Iterator[Breach]:
    """A Python function that doesn't fit a screen."""
    if path.suffix != ".py" or "migrations" in path.parts:
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MAX_FUNCTION_LINES:
                yield (
                    path.as_posix(),
                    node.lineno,
                    f"{node.name}: {lines} lines; {MAX_FUNCTION_LINES} at most",
                )


def check_channel_layer(path: Path, text: str) -> Iterator[Breach]:
    """The channel layer called past the bus; import-linter sees other people's packages only whole."""
    if path.suffix != ".py" or path == BUS:
        return
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        package = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
        named = [f"{package}{alias.name}." for alias in node.names]
        if any(name.startswith(("channels.layers.", "channels_redis.")) for name in named):
            yield path.as_posix(), node.lineno, "only the bus calls the channel layer"


def check_words(path: Path, text: str) -> Iterator[Breach]:
    """Words that have no place in the product."""
    if path in UNSEARCHED:
        return
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, reason in FORBIDDEN:
            found = pattern.search(line)
            if found:
                yield path.as_posix(), number, f"{found.group()}: {reason}"


def check_template(path: Path, text: str) -> Iterator[Breach]:
    """What the content security policy would refuse in the browser."""
    if path.suffix != ".html":
        return
    for pattern, reason in INLINE:
        for found in pattern.finditer(text):
            if not DATA_SCRIPT.match(text, found.start()):
                yield path.as_posix(), text.count("\n", 0, found.start()) + 1, reason


def breaches(path: Path, text: str) -> Iterator[Breach]:
    """All breaches of one file; `path` is relative to the root."""
    for check in (check_length, check_functions, check_channel_layer, check_words, check_template):
        yield from check(path, text)


def main() -> int:
    found: list[Breach] = []
    for path in our_files():
        if path.suffix not in UNREAD:
            found.extend(breaches(path, (ROOT / path).read_text(encoding="utf-8")))
    for name, line, reason in found:
        print(f"{name}:{line}: {reason}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
