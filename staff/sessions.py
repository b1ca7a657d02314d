"""Who a session cookie belongs to, for what is not an HTTP request."""

from __future__ import annotations

from django.conf import settings
from django.contrib import auth
from django.http import HttpRequest
from django.http.cookie import parse_cookie

from staff.models import Account
from staff.session_engine import SessionStore


def session_key_of(cookie_header: str) -> str:
    """The session key in a Cookie header, or ""."""
    return parse_cookie(cookie_header).get(settings.SESSION_COOKIE_NAME, "")


def account_of_session(session_key: str) -> Account | None:
    """The active account signed in to that session; None where it ended, or the password or role changed since."""
    if not session_key:
        return None
    request = HttpRequest()
    request.session = SessionStore(session_key)
    account = auth.get_user(request)
    return account if isinstance(account, Account) and account.is_active else None
