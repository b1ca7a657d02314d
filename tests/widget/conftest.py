"""Chromium, and host pages of another site with the widget on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.widget.fake_chat import FakeChat


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
