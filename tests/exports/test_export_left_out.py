"""What an export is made without: chosen on the page, said in the file."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client

from staff import audit
from tests.exports.importing import bring_in, counts, forget_everyone
from tests.exports.people import make_marked
from tests.exports.test_export_page import address, content

pytestmark = pytest.mark.django_db


def test_notes_are_left_out_of_the_document_which_says_so(support_client: Client) -> None:
    person = make_marked("zebrafin").person
    whole = json.loads(content(support_client.post(address(person, "json"))))
    assert whole["left_out"] == [] and whole["notes"][0]["body"] == "-prefers notezebrafin"
    raw = content(support_client.post(address(person, "json"), {"leave_out": "notes"}))
    assert b"notezebrafin" not in raw
    made = json.loads(raw)
    assert made["left_out"] == ["notes"] and "notes" not in made
    assert made.keys() - {"left_out"} == whole.keys() - {"left_out", "notes"}
    newest = audit.entries_about(person.uuid).first()
    assert newest is not None and newest.detail == {"format": "json", "left_out": ["notes"]}


def test_of_the_tables_too(support_client: Client) -> None:
    person = make_marked("zebrafin").person
    raw = content(support_client.post(address(person, "csv") + "&leave_out=notes&leave_out=accesses"))
    zipped = zipfile.ZipFile(io.BytesIO(raw))
    manifest = json.loads(zipped.read("manifest.json"))
    assert manifest["left_out"] == ["accesses", "notes"]
    assert not {"notes.csv", "accesses.csv"} & set(zipped.namelist())
    assert set(manifest["files"]) == set(zipped.namelist()) - {"manifest.json"}


def test_nothing_else_can_be_left_out(support_client: Client) -> None:
    response = support_client.post(address(make_marked("zebrafin").person, "json"), {"leave_out": "messages"})
    assert response.status_code == 400
    assert 'data-error="leave_out"' in response.content.decode()


def test_the_page_offers_it_and_says_about_how_long_the_file_is(support_client: Client) -> None:
    page = support_client.get(address(make_marked("zebrafin").person)).content.decode()
    assert 'name="leave_out" value="notes"' in page
    assert "About 2.4\xa0KB" in page


def test_the_command_leaves_out_too(tmp_path: Path) -> None:
    person = make_marked("zebrafin").person
    path = tmp_path / "out.json"
    words = ["--format", "json", "--leave-out", "notes", "--out", str(path)]
    call_command("export_user", str(person.uuid), *words)
    assert json.loads(path.read_text())["left_out"] == ["notes"]
    forget_everyone()
    status, said = bring_in(path)
    assert (status, counts(said, "other rows")) == (0, (4, 0, 0, 0))
