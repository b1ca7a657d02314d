"""Sessions in the database, found by keys that can be keys: what else a cookie holds is no session, and no error."""

from __future__ import annotations

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import VALID_KEY_CHARS

KEY_CHARS = 32


class SessionStore(db.SessionStore):
    """Django's, which would hand any eight characters to the database; PostgreSQL raises an error at NUL."""

    def _validate_session_key(self, key: str | None) -> bool:
        return key is not None and len(key) == KEY_CHARS and set(key) <= set(VALID_KEY_CHARS)
