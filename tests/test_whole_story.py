"""The whole product in one story: a visitor writes, an admin and a support member watch and answer, the admin exports
and deletes, and the visitor's browser forgets."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from staff.models import Account, Role
from tests.factories import PASSWORD, make_account
from users.models import ChatUser

pytestmark = pytest.mark.django_db(transaction=True)

Open = Callable[..., BrowserContext]
SOON = 3_000
AWAY = 16_000


def sign_in(context: BrowserContext, account: Account) -> Page:
    page = context.new_page()
    page.goto("/login/")
    page.locator("[name=login]").fill(account.email)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[name=password]").press("Enter")
    page.wait_for_url("**/users/")
    live(page)
    return page


def live(page: Page) -> None:
    page.wait_for_selector("html[data-live=true]")


class Widget:
    """The visitor's widget on the host page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.goto("/widget/demo/")

    def open(self) -> Widget:
        self.page.get_by_role("button", name=re.compile("^Open chat")).click()
        expect(self.box).to_be_focused()
        return self

    @property
    def box(self) -> Locator:
        return self.page.get_by_role("textbox", name=re.compile("message", re.IGNORECASE))

    @property
    def log(self) -> Locator:
        return self.page.get_by_role("log")


@dataclass
class Story:
    """The three browsers, and the person whom it is about."""

    admin: Page
    support: Page
    visitor: Widget
    person: ChatUser

    @property
    def row(self) -> Locator:
        """The person's row in the support member's list."""
        return self.support.locator(f'tr[data-user="{self.person.uuid}"]')


def test_the_whole_story(open_context: Open, tmp_path: Path) -> None:
    dana = make_account("dana@team.example", Role.ADMIN, name="Dana Whitfield")
    sam = make_account("sam@team.example", Role.SUPPORT, name="Sam Ortega")
    visitor_context = open_context()
    story = somebody_comes(sign_in(open_context(), dana), sign_in(open_context(), sam), visitor_context)
    they_write_and_are_read(story)
    they_are_answered(story)
    they_come_back_and_leave(story)
    export_both(story.admin, tmp_path)
    support_is_refused(story.support, str(story.person.uuid))
    they_are_deleted_while_here(story, visitor_context)


def somebody_comes(admin: Page, support: Page, visitor_context: BrowserContext) -> Story:
    """Both lists learn of them; the support member has the list open, the admin the profile."""
    visitor = Widget(visitor_context.new_page()).open()
    expect(support.locator("[data-slot=newcomers]")).to_contain_text("1 new", timeout=SOON)
    story = Story(admin, support, visitor, ChatUser.objects.get())
    support.reload()
    live(support)
    expect(story.row.locator("[data-presence=online]")).to_be_visible(timeout=SOON)
    admin.reload()
    admin.locator(f'tr[data-user="{story.person.uuid}"] a').first.click()
    live(admin)
    expect(admin.locator("[data-presence=online]").first).to_be_visible()
    return story


def they_write_and_are_read(story: Story) -> None:
    """Typing shows in the list and on the profile, then the message; the visitor sees that it was read."""
    box = story.visitor.box
    box.press_sequentially("Has my refund", delay=20)
    expect(story.row.locator("[data-typing=true]")).to_be_visible(timeout=SOON)
    expect(story.admin.locator("[data-typing-line=true]")).to_be_visible(timeout=SOON)
    box.press_sequentially(" gone through?", delay=20)
    box.press("Enter")
    question = story.admin.locator("[data-message][data-from=visitor]")
    expect(question).to_contain_text("Has my refund gone through?", timeout=SOON)
    expect(story.row.locator("[data-field=messages]")).to_have_text("1", timeout=SOON)
    expect(question).to_have_attribute("data-read", "true", timeout=SOON)
    expect(story.visitor.log).to_contain_text("Read", timeout=SOON)
    expect(story.row.locator("[data-unread]")).to_have_attribute("data-unread", "0", timeout=SOON)


def they_are_answered(story: Story) -> None:
    """The reply, its typing before it, and its read mark after it."""
    reply = story.admin.locator("[data-composer] [name=body]")
    reply.press_sequentially("It left us", delay=20)
    expect(story.visitor.page.get_by_text(re.compile("typing", re.IGNORECASE)).first).to_be_visible(
        timeout=SOON
    )
    reply.fill("It left us this morning.")
    reply.press("Enter")
    expect(story.visitor.log).to_contain_text("It left us this morning.", timeout=SOON)
    answer = story.admin.locator("[data-message][data-from=staff]")
    expect(answer).to_have_count(1)
    expect(answer).to_have_attribute("data-read", "true", timeout=SOON)
    expect(reply).to_have_value("")


def they_come_back_and_leave(story: Story) -> None:
    """A reload keeps identity and history; closing the tab turns the dot gray in the list and on the profile."""
    story.visitor.page.reload()
    story.visitor.open()
    expect(story.visitor.log).to_contain_text("It left us this morning.")
    assert ChatUser.objects.count() == 1
    story.visitor.page.close()
    expect(story.row.locator("[data-presence=offline]")).to_be_visible(timeout=AWAY)
    expect(story.admin.locator("[data-presence=offline]").first).to_be_visible(timeout=SOON)


def they_are_deleted_while_here(story: Story, visitor_context: BrowserContext) -> None:
    """The widget forgets, the row goes, and the same browser is a new stranger."""
    visitor = Widget(visitor_context.new_page()).open()
    expect(visitor.log).to_contain_text("It left us this morning.")
    delete(story.admin)
    expect(visitor.page.get_by_text("It left us this morning.")).to_have_count(0, timeout=SOON)
    assert not ChatUser.objects.filter(pk=story.person.pk).exists()
    expect(story.row).to_have_count(0)
    visitor.page.reload()
    visitor.open()
    visitor.box.fill("Hello again")
    visitor.box.press("Enter")
    expect(visitor.log).to_contain_text("Hello again")
    expect(visitor.log).not_to_contain_text("It left us this morning.")
    stranger = ChatUser.objects.get()
    assert stranger.uuid != story.person.uuid and stranger.is_anonymous


def export_both(admin: Page, folder: Path) -> None:
    """Downloads JSON and CSV from the profile, opens both, and finds the conversation in each."""
    said = ["Has my refund gone through?", "It left us this morning."]
    document = json.loads(download(admin, "JSON", folder).read_text())
    assert document["schema"] == "chatadmin.user/1"
    messages = [message for talk in document["conversations"] for message in talk["messages"]]
    assert [(message["from"], message["body"]) for message in messages] == list(
        zip(["visitor", "staff"], said, strict=True)
    )
    assert document["visits"] and document["activity"] and document["accesses"]
    with zipfile.ZipFile(download(admin, "CSV", folder)) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        rows = list(csv.DictReader(io.StringIO(archive.read("messages.csv").decode("utf-8-sig"), newline="")))
        digest = hashlib.sha256(archive.read("messages.csv")).hexdigest()
    assert [row["body"] for row in rows] == said
    assert digest in json.dumps(manifest)


def download(admin: Page, kind: str, folder: Path) -> Path:
    choice = admin.get_by_role("button", name=re.compile(f"^{kind}"))
    if not choice.is_visible():
        admin.get_by_text("Export data").first.click()
    with admin.expect_download() as started:
        choice.click()
    path = folder / started.value.suggested_filename
    started.value.save_as(path)
    return path


def support_is_refused(support: Page, person: str) -> None:
    """No button, and the address alone answers 403, to look and to post."""
    address = f"/users/{person}/delete/"
    answer = support.request.get(address)
    assert answer.status == 403
    support.goto(f"/users/{person}/")
    expect(support.get_by_text("Export data").first).to_be_visible()
    expect(support.get_by_text("Delete user")).to_have_count(0)
    token = support.locator("[name=csrfmiddlewaretoken]").first.input_value()
    form = {"csrfmiddlewaretoken": token, "confirm": "x", "reason": "test"}
    assert support.request.post(address, form=form).status == 403
    assert ChatUser.objects.filter(uuid=person, erased_at=None).exists()
    support.goto("/users/")
    live(support)


def delete(admin: Page) -> None:
    """The page says in numbers what goes; a wrong word deletes nothing; the right one does."""
    admin.get_by_role("link", name=re.compile("Delete user")).click()
    expect(admin.get_by_text("2 messages")).to_be_visible()
    admin.locator("[name=reason]").select_option("subject_request")
    admin.locator("[name=confirm]").fill("WRONG")
    admin.get_by_role("button", name="Delete for good").click()
    expect(admin.locator("[data-error=confirm]")).to_be_visible()
    assert ChatUser.objects.filter(erased_at=None).count() == 1
    word = admin.locator("[data-confirm-word]").get_attribute("data-confirm-word")
    admin.locator("[name=confirm]").fill(word or "")
    admin.get_by_role("button", name="Delete for good").click()
    admin.wait_for_url("**/users/**")
    expect(admin.get_by_text(re.compile("2 messages"))).to_be_visible()
