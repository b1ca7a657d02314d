"""A person's request and a program's key in a real browser: from the link to the decision, narrow and dark, and axe."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from exports.models import Claim, RequestKind
from exports.request_links import Asked, token_of
from staff import api_keys
from staff.models import Account
from tests.factories import make_person
from tests.mails import new_address
from tests.staff.test_in_browser import NARROW, WIDE, check

Open = Callable[..., BrowserContext]


def at(page: Page, address: str) -> Page:
    page.goto(address)
    check(page)
    return page


@pytest.mark.parametrize(("scheme", "viewport"), [("light", WIDE), ("dark", NARROW)])
def test_from_the_link_to_the_decision(
    open_context: Open, at_work: Callable[..., BrowserContext], admin: Account, scheme: str, viewport: dict
) -> None:
    address = new_address()
    person = make_person("Ana Lima", address)
    link = f"/privacy/confirm/{token_of(Asked(uuid.uuid4(), RequestKind.ACCESS, address))}/"
    outside = open_context(color_scheme=scheme, viewport=viewport).new_page()
    at(outside, "/privacy/")
    at(outside, "/privacy/confirm/nothing/")
    at(outside, link)
    assert not Claim.objects.exists()
    outside.get_by_role("button", name="Confirm").click()
    expect(outside.get_by_role("heading", name="Your request is confirmed")).to_be_visible()
    check(outside)

    page = at_work(admin, color_scheme=scheme, viewport=viewport).new_page()
    at(page, "/requests/")
    page.get_by_role("link", name="R-").click()
    expect(page.get_by_role("heading", name="Ana Lima")).to_be_visible()
    check(page)
    page.get_by_role("button", name="Refuse").click()
    expect(page.locator('[data-error="code"]')).to_be_visible()
    check(page)
    page.get_by_role("button", name="It is handed over").click()
    expect(page.locator('[data-claim][data-state="handed_over"]')).to_be_visible()
    assert Claim.objects.get(chat_user=person).state == "handed_over"
    at(page, "/requests/?state=closed")


@pytest.mark.parametrize(("scheme", "viewport"), [("light", WIDE), ("dark", NARROW)])
def test_a_key_is_made_shown_once_and_revoked(
    at_work: Callable[..., BrowserContext], admin: Account, scheme: str, viewport: dict
) -> None:
    page = at_work(admin, color_scheme=scheme, viewport=viewport).new_page()
    at(page, "/api-keys/")
    page.get_by_role("button", name="Make a key").click()
    expect(page.locator('[data-error="scopes"]')).to_be_visible()
    check(page)
    page.get_by_label("Name").fill("Shop backend")
    page.get_by_label("Export people").check()
    page.get_by_role("button", name="Make a key").click()
    text = page.locator("[data-made-key]").input_value()
    check(page)
    key = api_keys.key_of(text)
    assert key is not None and key.scopes == ["users:export"]
    at(page, "/api-keys/")
    expect(page.locator("[data-made-key]")).to_have_count(0)
    page.get_by_role("button", name="Revoke").click()
    expect(page.locator('[data-api-key][data-active="false"]')).to_be_visible()
    check(page)
    assert api_keys.key_of(text) is None
