"""People's own requests, made as pages and programs make them."""

from __future__ import annotations

import random
import re
import uuid
from typing import Any

from django.core import mail
from django.test import Client

from exports import requests
from exports.models import Claim, Request, RequestKind
from exports.request_links import Asked
from tests.mails import PUBLIC_URL


def somewhere() -> Client:
    """Somebody at an address of their own: requests are counted by address."""
    return Client(
        enforce_csrf_checks=True, REMOTE_ADDR=f"10.{'.'.join(str(random.randrange(256)) for _ in 'abc')}"
    )


def ask(client: Client, email: str, kind: str = "access") -> Any:
    return client.post("/privacy/", {"kind": kind, "email": email})


def link_in(sent: mail.EmailMessage) -> str:
    """The path of the link in a mail."""
    found = re.search(rf"{re.escape(PUBLIC_URL)}(/privacy/confirm/[^\s]+/)", str(sent.body))
    assert found, sent.body
    return found[1]


def make_request(email: str, kind: RequestKind = RequestKind.ACCESS) -> Request:
    """A request whose mailbox was proven."""
    return requests.confirm(Asked(uuid.uuid4(), kind, email))


def claim_about(request: Request, person: Any) -> Claim:
    return Claim.objects.get(request=request, chat_user=person)
