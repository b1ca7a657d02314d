"""The embed script: every part in it, once; small, plain, and kept by browsers only as long as it is right."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.test import Client

from widget import script
from widget.script import PARTS, STYLES, embed_script

FOLDER = Path(script.__file__).parent.parent / "static" / "widget" / "parts"


@pytest.fixture
def parts(tmp_path: Path, settings: LazySettings) -> Path:
    """A copy of the parts that the test may change."""
    settings.STATICFILES_DIRS = [tmp_path]
    return shutil.copytree(FOLDER, tmp_path / "widget" / "parts")


def change(part: Path, text: str) -> None:
    """Writes it, a second later than it was written before."""
    later = part.stat().st_mtime + 1
    part.write_text(text)
    os.utime(part, (later, later))


def test_any_site_may_load_it_and_keep_it_for_five_minutes(client: Client) -> None:
    response = client.get("/widget.js")
    assert response.status_code == 200
    assert response.content == embed_script().body
    assert response["Content-Type"] == "text/javascript; charset=utf-8"
    assert response["Access-Control-Allow-Origin"] == "*"
    assert response["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert response["Cache-Control"] == "public, max-age=300"
    assert "Accept-Encoding" in response["Vary"]
    assert response["ETag"] == embed_script().etag
    assert not response.cookies


def test_who_has_it_already_is_told_so_in_a_line(client: Client) -> None:
    etag = client.get("/widget.js")["ETag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}'):
        response = client.get("/widget.js", headers={"If-None-Match": known})
        assert (response.status_code, response.content) == (304, b"")
        assert response["ETag"] == etag
        assert response["Cache-Control"] == "public, max-age=300"
        assert "Accept-Encoding" in response["Vary"]
    assert client.get("/widget.js", headers={"If-None-Match": '"other"'}).content == embed_script().body


def test_it_is_packed_for_those_who_can_unpack(client: Client) -> None:
    response = client.get("/widget.js", headers={"Accept-Encoding": "gzip"})
    assert response["Content-Encoding"] == "gzip"
    assert gzip.decompress(response.content) == embed_script().body
    again = {"Accept-Encoding": "gzip", "If-None-Match": response["ETag"]}
    assert client.get("/widget.js", headers=again).status_code == 304


def test_it_is_only_for_reading(client: Client) -> None:
    assert client.post("/widget.js").status_code == 405


def test_it_weighs_less_than_15_kilobytes() -> None:
    assert 3_000 < len(gzip.compress(embed_script().body, 9)) < 15_000


def test_it_is_plain_ascii_for_pages_in_any_encoding() -> None:
    assert embed_script().body.isascii()


def test_every_part_is_in_it_once() -> None:
    assert sorted(STYLES + PARTS) == sorted(path.name for path in FOLDER.iterdir())
    body = embed_script().body.decode()
    assert body.startswith('(() => {\n"use strict";\n') and body.endswith("})();\n")
    for name in PARTS:
        code = [line.strip() for line in (FOLDER / name).read_text().splitlines()]
        first = next(line for line in code if line.startswith(("const ", "function ")))
        assert body.count(first) == 1, name
    assert body.count("const STYLES = ") == 1
    for selector in (":host {", ".launcher {", ".bubble {", ".ask {", ".composer {"):
        assert selector in body


def test_a_part_that_changes_changes_it(parts: Path, client: Client) -> None:
    before = client.get("/widget.js")
    assert embed_script() is embed_script()
    strings = parts / "strings.js"
    change(strings, strings.read_text().replace("Chat with us", "Talk to us"))
    after = client.get("/widget.js", headers={"If-None-Match": before["ETag"]})
    assert after.status_code == 200
    assert b"Chat with us" in before.content and b"Talk to us" not in before.content
    assert b"Talk to us" in after.content and b"Chat with us" not in after.content
    assert after["ETag"] != before["ETag"]


def test_comments_and_indentation_stay_behind(parts: Path) -> None:
    change(
        parts / "main.js",
        "/* One idea.\n *\n * More of it. */\nfunction f() {\n\n  // why\n  g(); // here\n  /* a */ h();\n  i(/* b */);\n}\n",
    )
    expected = "function f() {\ng(); // here\n/* a */ h();\ni(/* b */);\n}\n})();\n"
    assert embed_script().body.decode().endswith(f"\n{expected}")


def test_no_string_spans_lines_for_its_indentation_would_go() -> None:
    for name in PARTS:
        for number, line in enumerate((FOLDER / name).read_text().splitlines(), 1):
            assert line.count("`") % 2 == 0, f"{name}:{number}"
