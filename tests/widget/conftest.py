"""Somebody who writes, what is announced; Chromium, and host pages of another site with the widget on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from chatadmin.lib.bus import Event
from tests.announcements import listen
from tests.factories import make_person
from tests.widget.fake_chat import FakeChat
from users.models import ChatUser


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """What is announced during the test."""
    return listen(monkeypatch)


@pytest.fixture
def visitor(db: None) -> ChatUser:
    """Somebody of whom nothing is known."""
    return make_person()


@pytest.fixture
def chat() -> FakeChat:
    return FakeChat()


@pytest.fixture
def make_context(browser: Browser, chat: FakeChat) -> Iterator[Callable[..., BrowserContext]]:
    """Makes browser contexts in which shop.example carries the widget and chat.example is the fake server."""
    made: list[BrowserContext] = []

    def make(**options: Any) -> BrowserContext:
        context = browser.new_context(reduced_motion="reduce", **options)
        context.set_default_timeout(10_000)
        chat.serve(context)
        made.append(context)
        return context

    yield make
    for context in made:
        context.close()


@pytest.fixture
def page(make_context: Callable[..., BrowserContext]) -> Page:
    return make_context().new_page()
