"""Erasures in a browser: asked, watched, done, the receipt downloaded and checked; many at once; mentions; and axe."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.management import call_command
from playwright.sync_api import BrowserContext, Page, expect

from conversations.models import Message
from staff.models import Account
from tests.factories import make_messages, make_person
from users.models import ChatUser
from users.queries import living

pytestmark = pytest.mark.django_db(transaction=True)
AtWork = Callable[..., BrowserContext]
NARROW = {"width": 360, "height": 640}


def sound(page: Page) -> None:
    """Axe finds nothing, and nothing sticks out of a narrow window."""
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def make_talkative(messages: int) -> ChatUser:
    person = make_person("Mariam Okafor", "mariam@northpine.example")
    [first] = make_messages(person, ("visitor", "first"))
    Message.objects.bulk_create(
        Message(
            conversation=first.conversation,
            chat_user=person,
            sender="visitor",
            body=f"said {number}",
            tokens=f"said {number}",
            created_at=first.created_at,
        )
        for number in range(messages - 1)
    )
    ChatUser.objects.filter(pk=person.pk).update(message_count=messages)
    return person


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_asked_watched_done_and_proven(at_work: AtWork, admin: Account, tmp_path: Path, scheme: str) -> None:
    person = make_talkative(12_000)
    other = make_person("Bo")
    make_messages(other, ("visitor", "ask mariam@northpine.example"))
    page = at_work(admin, color_scheme=scheme, viewport=NARROW).new_page()
    page.goto(f"/users/{person.uuid}/delete/")
    expect(page.locator("[data-mention]")).to_have_count(1)
    sound(page)
    page.get_by_role("button", name="Redact").click()
    expect(page.get_by_text("Redacted.")).to_be_visible()
    sound(page)
    page.get_by_role("link", name="Back to the deletion").click()
    page.get_by_label("Why").select_option("subject_request")
    page.get_by_label("Type").fill("MARIAM-12000")
    page.get_by_role("button", name="Delete for good").click()
    expect(page).to_have_url(re.compile("/erasures/"))
    done = "A person was deleted for good"
    expect(page.get_by_role("heading", level=1)).to_have_text(done, timeout=60_000)
    assert "Mariam" not in page.content()
    sound(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the receipt").click()
    file = tmp_path / "receipt.json"
    download.value.save_as(file)
    receipt = json.loads(file.read_text())
    assert receipt["erased"]["messages"] == 12_000
    assert set(receipt["checked"].values()) == {0}
    call_command("verify_receipt", str(file))
    page.goto("/erasures/")
    expect(page.locator("[data-state=done]")).to_have_count(1)
    sound(page)
    assert living().get() == other


def test_many_at_once(at_work: AtWork, admin: Account) -> None:
    for name in ("Ana", "Bo", "Cy"):
        make_person(name)
    page = at_work(admin, viewport={"width": 1200, "height": 800}).new_page()
    page.goto("/users/")
    for box in page.locator("input[name=user]").all()[:2]:
        box.check()
    page.get_by_role("button", name="Delete…").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Delete these 2 people for good?")
    page.set_viewport_size({"width": 360, "height": 640})
    sound(page)
    page.get_by_role("button", name="Delete for good").click()
    expect(page.locator("[data-error=reason]")).to_be_visible()
    sound(page)
    page.get_by_label("Why").select_option("test")
    page.get_by_label("Type").fill("DELETE-2")
    page.get_by_role("button", name="Delete for good").click()
    done = "Many people were deleted for good"
    expect(page.get_by_role("heading", level=1)).to_have_text(done, timeout=60_000)
    expect(page.locator("[data-finished='2']")).to_be_visible()
    sound(page)
    assert living().count() == 1
