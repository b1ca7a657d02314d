"""The staff room in a real browser: what headers and scripts really do, narrow and dark, and axe."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from staff import actions
from staff.models import Account, Role
from tests.factories import PASSWORD, make_account
from users.mail_stops import stop_token

Open = Callable[..., BrowserContext]
NARROW, WIDE = {"width": 360, "height": 740}, {"width": 1280, "height": 800}


def sign_in(page: Page, account: Account) -> Page:
    """Signs in by the form."""
    page.goto("/login/")
    page.get_by_label("E-mail").fill(account.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/users/")
    return page


def check(page: Page) -> None:
    """No axe violation, nothing wider than the window."""
    violations = Axe().run(page).response["violations"]
    assert [(found["id"], [node["html"] for node in found["nodes"]]) for found in violations] == []
    wide, window = page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert wide <= window


def test_an_invitation_from_link_to_account(open_context: Open) -> None:
    admin = make_account("dana@team.example", Role.ADMIN)
    page = sign_in(open_context().new_page(), admin)
    page.goto("/team/")
    page.get_by_label("E-mail").fill("new@team.example")
    page.get_by_role("button", name="Make a link").click()
    link = page.get_by_label("Link", exact=True).input_value()

    other = open_context().new_page()
    other.goto(link)
    other.get_by_label("Name").fill("Nia New")
    other.get_by_label("Password").fill("a longer sentence")
    other.get_by_role("button", name="Make my account").click()
    other.wait_for_url("**/users/")
    assert Account.objects.get(email="new@team.example").name == "Nia New"

    page.goto("/team/")
    row = page.get_by_role("row", name="Nia New")
    expect(row).to_contain_text("new@team.example")
    row.get_by_role("button", name="Disable").click()
    expect(page.get_by_role("row", name="Nia New")).to_contain_text("Disabled")
    # Their open page hears of it and leaves by itself.
    other.wait_for_url("**/login/**")
    other.goto("/account/")
    expect(other).to_have_url(re.compile(r"/login/\?next=.*account"))


def test_the_copy_button(open_context: Open) -> None:
    context = open_context(permissions=["clipboard-read", "clipboard-write"])
    page = sign_in(context.new_page(), make_account("dana@team.example", Role.ADMIN))
    page.goto("/widget/")
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.get_by_label("Embed tag").input_value()
    assert copied.startswith('<script async src="http://127.0.0.1:')


def test_the_sign_in_page_tells_the_time_zone(open_context: Open) -> None:
    context = open_context(timezone_id="America/New_York")
    context.new_page().goto("/login/")
    cookies = {cookie["name"]: cookie for cookie in context.cookies()}
    assert cookies["chatadmin_tz"]["value"] == "America/New_York"
    assert cookies["chatadmin_tz"]["sameSite"] == "Lax"


@pytest.mark.parametrize(
    ("viewport", "scheme", "scripts"),
    [(NARROW, "light", True), (NARROW, "dark", False), (WIDE, "dark", True)],
)
def test_every_page_is_sound(
    open_context: Open, viewport: dict[str, int], scheme: str, scripts: bool
) -> None:
    owner = make_account("olu@team.example", Role.OWNER, name="Olu Owner")
    make_account("a-very-long-address-" + "x" * 40 + "@a-long-host.team.example", name="Long" * 20)
    make_account("gone@team.example", Role.ADMIN, is_active=False)
    _, token = actions.invite(actor=owner, email="new@team.example", role=Role.SUPPORT)
    context = open_context(color_scheme=scheme, viewport=viewport)
    if not scripts:
        # axe needs scripts of its own: ours are what is missing.
        context.route("**/static/**/*.js", lambda route: route.abort())
    page = context.new_page()
    mail_stop_pages = (f"/mail/stop/{stop_token('0' * 64)}/", "/mail/stop/nothing/")
    for address in ("/login/", f"/team/join/{token}/", "/team/join/nothing/", *mail_stop_pages, "/nowhere/"):
        page.goto(address)
        check(page)
    page.goto(f"/team/join/{token}/")
    page.get_by_role("button", name="Make my account").click()
    expect(page.get_by_label("Name")).to_have_accessible_description(
        "This is missing. Visitors see it beside your answers."
    )
    check(page)
    sign_in(page, owner)
    for address in ("/team/", "/account/", "/widget/", "/logout/", "/nowhere/"):
        page.goto(address)
        check(page)
    page.goto("/team/")
    page.get_by_role("button", name="Make a link").click()
    expect(page.get_by_label("E-mail", exact=True)).to_have_attribute("aria-invalid", "true")
    check(page)
