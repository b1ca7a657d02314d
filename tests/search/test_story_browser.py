"""One search from beginning to end, in a browser: what was said is found, opened, come back from, kept, handed over."""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import BrowserContext, Locator, Page, expect

from search.models import SavedView
from staff.models import Account
from tests.factories import make_messages, make_person

pytestmark = pytest.mark.django_db(transaction=True)
AtWork = Callable[..., BrowserContext]


def rows(page: Page) -> Locator:
    return page.locator("tr[data-user]")


def download(page: Page, form: str) -> Path:
    """The file of the list's export menu."""
    page.get_by_text("Export list").click()
    with page.expect_download() as begun:
        page.locator(f'form[action="/exports/list/"] button[value="{form}"]').click()
    return Path(begun.value.path())


def test_a_search_is_opened_kept_and_exported(
    at_work: AtWork, support: Account, transactional_db: None
) -> None:
    now = timezone.now()
    ada = make_person("Ada Marsh", "ada@site.example", last_active=now)
    bob = make_person("=Bob", last_active=now - dt.timedelta(hours=1))
    make_person("Eve Stone", "eve@site.example", last_active=now)
    make_messages(bob, ("visitor", "do you refund at all?"), start=now - dt.timedelta(days=3))
    old = make_messages(ada, ("visitor", "has the refund gone through?"), start=now - dt.timedelta(days=2))[0]
    make_messages(ada, *[("staff", f"line {at}") for at in range(120)], start=now - dt.timedelta(days=1))

    page = at_work(support).new_page()
    page.goto("/users/")
    page.get_by_label("Search in").select_option("messages")
    page.get_by_role("searchbox").fill("refund")
    expect(rows(page)).to_have_count(2)
    expect(page.locator("#results")).to_have_attribute("data-total", "2")
    expect(rows(page).first).to_contain_text("Ada Marsh")
    expect(rows(page).first.locator("mark")).to_have_text("refund")
    searched = page.url

    rows(page).first.locator("a", has=page.locator("mark")).click()
    expect(page).to_have_url(re.compile(rf"/users/{ada.uuid}/conversations/\?at={old.pk}"))
    expect(page.locator(f'[data-message="{old.pk}"]')).to_be_in_viewport()
    page.go_back()
    expect(page).to_have_url(searched)
    expect(page.get_by_role("searchbox")).to_have_value("refund")
    expect(rows(page)).to_have_count(2)

    page.get_by_text("Save this view").click()
    page.get_by_label("Name", exact=True).fill("Refund questions")
    page.locator("form.menu-panel").get_by_role("button", name="Save", exact=True).click()
    tab = page.get_by_role("navigation", name="Views").get_by_role("link", name="Refund questions")
    expect(tab).to_have_attribute("aria-current", "page")
    assert SavedView.objects.get(name="Refund questions").owner == support
    page.goto("/users/")
    expect(rows(page)).to_have_count(3)
    tab.click()
    expect(rows(page)).to_have_count(2)

    cells = list(csv.DictReader(download(page, "csv").read_text(encoding="utf-8-sig").splitlines()))
    assert [row["name"] for row in cells] == ["Ada Marsh", "'=Bob"]
    people = json.loads(download(page, "json").read_bytes())
    listed = people if isinstance(people, list) else people["users"]
    assert [person["uuid"] for person in listed] == [str(ada.uuid), str(bob.uuid)]
    assert "has the refund gone through?" in json.dumps(listed)
