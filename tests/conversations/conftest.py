"""A member of staff in a real browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import settings
from playwright.sync_api import BrowserContext

from staff.models import Account
from tests.server import Server
from tests.staff_http import StaffBrowser


@pytest.fixture
def at_work(open_context: Callable[..., BrowserContext], server: Server) -> Callable[..., BrowserContext]:
    """A browser in which that account is signed in: `at_work(account).new_page()`."""

    def sign_in(account: Account, **options: object) -> BrowserContext:
        context = open_context(timezone_id="Europe/Berlin", **options)
        key = StaffBrowser(server, account).session_key
        assert key
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": key, "url": server.url}])
        return context

    return sign_in
