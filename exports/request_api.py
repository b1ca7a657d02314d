"""People's own requests, filed by the site: for who is signed in there, or by e-mail address."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import Field

from conversations.mailing import missing
from exports import request_links, requests
from exports.models import RequestKind
from staff.api import ApiKeyAuth, Refused, caller, problems
from staff.models import Scope
from users.models import EXTERNAL_ID_CHARS, ChatUser
from users.text import EMAIL_CHARS, email_address
from widget.identity import has_controls

router = Router(tags=["data rights"])


class RequestIn(Schema):
    """Who asks for what: one of `external_id`, which the widget has seen signed, and `email`."""

    kind: RequestKind
    external_id: str | None = Field(None, min_length=1, max_length=EXTERNAL_ID_CHARS)
    email: str | None = Field(None, min_length=1, max_length=EMAIL_CHARS)


class RequestOut(Schema):
    """`confirmed`: staff have it, under this reference. `mailed`: it counts once the mailbox has confirmed it."""

    state: str
    id: uuid.UUID | None
    reference: str | None


@router.post(
    "privacy/requests",
    url_name="api_privacy_requests",
    operation_id="fileRequest",
    summary="File a person's request for their data or its erasure",
    auth=ApiKeyAuth(Scope.REQUESTS),
    response={201: RequestOut, 202: RequestOut, **problems(404, 409, 503)},
)
def file_request(request: HttpRequest, body: RequestIn) -> Any:
    """With the `external_id` of somebody whose signed identity the widget has seen it is confirmed at once (201). With an
    `email` a link is mailed there (202), whoever is known by it. Staff decide within 30 days."""
    if (body.external_id is None) == (body.email is None):
        raise _invalid(external_id="Give this or email.", email="Give this or external_id.")
    if body.external_id is not None:
        return _of_person(body.external_id, body.kind, by=caller(request).display_name)
    return _by_mail(body.email or "", body.kind)


def _of_person(external_id: str, kind: RequestKind, *, by: str) -> Any:
    if has_controls(external_id):
        raise _invalid(external_id="Characters that no external id has.")
    try:
        made = requests.file_for(external_id=external_id, kind=kind, by=by)
    except ChatUser.DoesNotExist:
        raise Refused(
            HTTPStatus.NOT_FOUND,
            "unknown",
            "Nobody is here whose signed identity has this external id.",
            errors={"external_id": "unknown"},
        ) from None
    return Status(201, RequestOut(state="confirmed", id=made.pk, reference=made.reference))


def _by_mail(email: str, kind: RequestKind) -> Any:
    try:
        address = email_address(email)
    except ValidationError:
        raise _invalid(email="Not an e-mail address.") from None
    if missing():
        detail = "No mail can be sent: " + " and ".join(missing()) + " are not set."
        raise Refused(HTTPStatus.CONFLICT, "mail_off", detail, errors={"email": "mail is off"})
    try:
        request_links.send_link(kind=kind, email=address)
    except request_links.Unreachable:
        raise Refused(
            HTTPStatus.SERVICE_UNAVAILABLE, "mail_unreachable", "The mail server can't be reached."
        ) from None
    return Status(202, RequestOut(state="mailed", id=None, reference=None))


def _invalid(**errors: str) -> Refused:
    detail = "Some of it can't be taken; `errors` names the fields."
    return Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail, errors=errors)
