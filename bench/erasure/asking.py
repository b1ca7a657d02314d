"""Asks the running server for an erasure as a program does, and waits until it is done."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any
from urllib.parse import urlsplit

from django.db import connection

from bench.serving import EMAIL
from staff.api_keys import make_key
from staff.models import Account, Role, Scope

LOOK_SECONDS = 0.5
MOST_SECONDS = 1_800.0


class NotErased(Exception):
    """The server refused, or didn't end in time; says what it answered."""


class Asking:
    """A program with a key, at the server of that address."""

    def __init__(self, url: str) -> None:
        self.address = urlsplit(url).netloc
        # A key opens nothing for whoever may make none.
        Account.objects.filter(email=EMAIL).update(role=Role.ADMIN)
        _, self.key = make_key(actor=Account.objects.get(email=EMAIL), name="Benchmark", scopes=[Scope.ERASE])
        connection.close()

    def erase(self, person: str) -> dict[str, Any]:
        """Asks for the erasure of somebody (uuid), and waits for its end. Returns what is said of it. Raises NotErased."""
        asked = self._answer("DELETE", f"/api/v1/users/{person}?reason=test")
        deadline = time.monotonic() + MOST_SECONDS
        while asked["state"] != "done":
            if time.monotonic() > deadline:
                raise NotErased(f"it is still {asked['state']}")
            time.sleep(LOOK_SECONDS)
            asked = self._answer("GET", asked["address"])
        return asked

    def _answer(self, method: str, path: str) -> dict[str, Any]:
        asked = http.client.HTTPConnection(self.address, timeout=120)
        try:
            asked.request(method, path, headers={"Authorization": f"Bearer {self.key}"})
            answer = asked.getresponse()
            text = answer.read()
        finally:
            asked.close()
        if answer.status not in (200, 202):
            raise NotErased(f"{method} answered {answer.status}")
        return dict(json.loads(text))
