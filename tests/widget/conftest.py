"""Chromium, and host pages of another site with the widget on them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.widget.fake_chat import FakeChat


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Runs for one file only: while it does, this thread has an event loop, which other tests must not meet."""
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        started = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                # The made-up sites of the tests count as the internet's, the server as a neighbour's.
                "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests",
            ],
        )
        yield started
        started.close()


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
