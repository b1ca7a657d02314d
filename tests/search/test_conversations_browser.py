"""The conversation list in a browser: search as one types, keys, what moves, and axe."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import BrowserContext, Locator, Page, expect

from conversations.models import Conversation
from staff.models import Account
from tests.factories import make_person
from tests.frames import Frames
from tests.search.talks import make_talk
from tests.visitor import Visitor

pytestmark = pytest.mark.django_db(transaction=True)
AtWork = Callable[..., BrowserContext]


@pytest.fixture
def made(transactional_db: None) -> list[Conversation]:
    now = timezone.now()
    said = [("Mariam Okafor", "Where is my refund?"), ("Greta Holm", "Thanks"), ("Tomás", "A refund, please")]
    return [
        make_talk(make_person(name), ("visitor", words), at=now - dt.timedelta(hours=at + 1))
        for at, (name, words) in enumerate(said)
    ]


@pytest.fixture
def page(at_work: AtWork, support: Account, made: list[Conversation]) -> Page:
    page = at_work(support).new_page()
    page.goto("/conversations/")
    expect(page.locator("html[data-live=true]")).to_be_attached()
    return page


def rows(page: Page) -> Locator:
    return page.locator("tr[data-conversation]")


def test_typing_searches_and_keys_open_the_match(page: Page, made: list[Conversation]) -> None:
    expect(rows(page)).to_have_count(3)
    page.keyboard.press("/")
    page.keyboard.type("refund")
    expect(rows(page)).to_have_count(2)
    expect(page.locator("mark")).to_have_text(["refund", "refund"])
    expect(page.locator("#found")).to_have_text("2 conversations")
    expect(page).to_have_url(re.compile(r"/conversations/\?q=refund$"))
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    message = made[0].messages.get()
    expect(page).to_have_url(re.compile(rf"/conversations/\?at={message.pk}#m{message.pk}$"))
    expect(page.locator(f"#m{message.pk}")).to_be_in_viewport()
    page.go_back()
    expect(rows(page)).to_have_count(2)
    page.go_back()
    expect(rows(page)).to_have_count(3)


def test_filters_stay_while_one_searches(page: Page) -> None:
    Conversation.objects.filter(chat_user__name="Tomás").update(turn="visitor")
    page.get_by_role("link", name="Add filter Our turn").click()
    expect(rows(page)).to_have_count(2)
    page.get_by_role("searchbox").fill("refund")
    expect(rows(page)).to_have_count(1)
    expect(page).to_have_url(re.compile(r"\?q=refund&turn=staff$"))
    page.get_by_role("link", name="Remove filter Our turn").click()
    expect(rows(page)).to_have_count(2)
    page.get_by_text("Messages sent between…").click()
    page.get_by_label("Sent from").fill("2030-01-01")
    expect(page.locator("[data-empty]")).to_contain_text("No conversation matches “refund”")


def test_presence_typing_and_the_badge_move(
    at_work: AtWork, support: Account, made: list[Conversation], visit: Callable[..., Visitor]
) -> None:
    tab = visit()
    tab.hello()
    tab.say("Hello?")
    page = at_work(support).new_page()
    frames = Frames(page)
    page.goto("/conversations/")
    row = page.locator(f'tr[data-user="{tab.user["id"]}"]')
    frames.wait_for(f"[data-user='{tab.user['id']}']")
    expect(row.locator(".badge")).to_have_text("1 unread")
    expect(row.locator('[data-presence="online"]')).to_be_visible()
    tab.send("typing", on=True)
    expect(row.locator('[data-typing="true"]')).to_have_text("typing…")
    tab.say("Anybody?")
    expect(row.locator(".badge")).to_have_text("2 unread")
    expect(page.locator('nav [data-slot="nav-unread"]')).to_have_text("1 unread")


def test_without_scripts_it_searches_filters_and_pages(
    at_work: AtWork, support: Account, made: list[Conversation]
) -> None:
    person = make_person("Crowd")
    now = timezone.now()
    Conversation.objects.bulk_create(
        Conversation(chat_user=person, status="closed", closed_at=now, last_message_at=now) for _ in range(60)
    )
    page = at_work(support, java_script_enabled=False).new_page()
    page.goto("/conversations/")
    page.get_by_role("link", name="Older").click()
    expect(rows(page)).to_have_count(13)
    page.get_by_role("link", name="Newer").click()
    expect(rows(page)).to_have_count(50)
    page.get_by_role("link", name="Add filter Our turn").click()
    page.get_by_role("searchbox").fill("refund")
    page.get_by_role("button", name="Search").click()
    expect(rows(page)).to_have_count(2)
    expect(page).to_have_url(re.compile("q=refund.*turn=staff"))
    page.get_by_role("link", name="Tomás").click()
    expect(page.locator(".message.found")).to_contain_text("A refund, please")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 900, 1280])
def test_axe_finds_nothing_and_nothing_sticks_out(
    scheme: str, width: int, at_work: AtWork, admin: Account, made: list[Conversation]
) -> None:
    long = make_person("عبد الرحمن " * 18, "a" * 60 + "@" + "b" * 60 + ".example")
    make_talk(long, ("visitor", "refund " * 90), status="open", unread_count=12, at=timezone.now())
    make_talk(make_person("W" * 200), ("staff", "W" * 900), turn="visitor", at=timezone.now())
    make_talk(make_person(), ("system", "Conversation closed"))
    page = at_work(admin, color_scheme=scheme, viewport={"width": width, "height": 800}).new_page()
    for address in ("", "?q=refund&unread=yes&sent_from=2026-02-28", "?q=nothing&status=foo&sent_to=x"):
        page.goto(f"/conversations/{address}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        found = Axe().run(page).response["violations"]
        assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found] == []
