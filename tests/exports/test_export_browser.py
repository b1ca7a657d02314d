"""The export in a browser: left out, downloaded, opened, and seen to be whole."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.exports.people import make_marked
from tests.factories import make_account, make_person

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_download_without_notes_and_how_far_it_is(
    at_work: Callable[..., BrowserContext], tmp_path: Path
) -> None:
    account, person = make_account("sam@team.example"), make_marked("zebrafin").person
    page = at_work(account).new_page()
    page.goto(f"/users/{person.uuid}/data/")
    page.get_by_role("link", name="Export it").click()
    page.get_by_label("Internal notes").check()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download JSON").click()
    download.value.save_as(tmp_path / "out.json")
    made = json.loads((tmp_path / "out.json").read_text())
    assert made["left_out"] == ["notes"] and made["profile"]["uuid"] == str(person.uuid)
    expect(page.locator('[data-progress-state="whole"]')).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    download.value.save_as(tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as zipped:
        assert zipped.testzip() is None and "notes.csv" not in zipped.namelist()


def test_many_people_from_the_list_to_the_file(
    at_work: Callable[..., BrowserContext], tmp_path: Path
) -> None:
    account = make_account("sam@team.example")
    marked, other = make_marked("zebrafin").person, make_person("Not ticked")
    page = at_work(account).new_page()
    page.goto("/users/")
    page.locator(f'[data-user="{marked.uuid}"] input[type=checkbox]').check()
    page.locator("#bulk").get_by_role("button", name="Whole data…").click()
    expect(page.get_by_role("heading", name="Export everything about 1 person?")).to_be_visible()
    page.get_by_role("button", name="Start").click()
    button = page.get_by_role("button", name="Download")
    button.wait_for()
    with page.expect_download() as download:
        button.click()
    download.value.save_as(tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as zipped:
        assert set(zipped.namelist()) == {f"{marked.uuid}.json", "manifest.json"}
        assert str(other.uuid) not in zipped.read("manifest.json").decode()
