"""A person's data rights for programs: hand over everything, erase for good."""

from __future__ import annotations

import datetime as dt
import uuid as uuids
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from ninja import Query, Router, Schema, Status

from exports import approvals, erasure, ledger
from exports.download import as_download
from exports.models import Approval, Erasure, Reason
from exports.queries import goes_at_once
from exports.stream import Form, LeaveOut, export
from staff import audit
from staff.api import ApiKeyAuth, Refused, caller, problems
from staff.models import Scope
from staff.policy import erasure_needs_second
from users.models import ChatUser
from users.queries import person_by_uuid

router = Router(tags=["data rights"])

# TICKET_PATTERN, in the words of JSON Schema.
TICKET = "^[A-Za-z0-9-]{0,40}$"
FILES = {
    "application/json": {"schema": {"type": "object"}},
    "application/zip": {"schema": {"type": "string", "format": "binary"}},
}


class ErasureOut(Schema):
    """An erasure: never whom it was about. `counts` are the rows gone, by kind."""

    id: uuids.UUID
    address: str
    state: str
    reason: str
    ticket: str
    counts: dict[str, int]
    started_at: dt.datetime
    finished_at: dt.datetime | None


@router.get(
    "users/{uuid}/export",
    url_name="api_export_user",
    operation_id="exportUser",
    summary="Everything about one person, as the button gives it",
    auth=ApiKeyAuth(Scope.EXPORT),
    response={200: None, **problems(404)},
    openapi_extra={"responses": {200: {"content": FILES}}},
)
def export_user(
    request: HttpRequest,
    uuid: uuids.UUID,
    form: Form = Query(Form.JSON, alias="format"),
    leave_out: list[LeaveOut] = Query([]),
) -> HttpResponseBase:
    """`format`: `json`, one document, or `csv`, a ZIP with a table for each kind. `leave_out` (repeatable): what it is
    made without. It breaks off where the person is erased meanwhile."""
    person = _person(uuid)
    key = caller(request)
    left_out = sorted(set(leave_out))
    detail: dict[str, Any] = {"format": form.value, "by": "api", "key": key.prefix}
    if left_out:
        detail["left_out"] = [part.value for part in left_out]
    audit.record(actor=None, by=key.display_name, verb="user.exported", person=person.uuid, detail=detail)
    return as_download(request, export(person, form, left_out))


@router.delete(
    "users/{uuid}",
    url_name="api_erase_user",
    operation_id="eraseUser",
    summary="Erase one person for good",
    auth=ApiKeyAuth(Scope.ERASE),
    response={202: ErasureOut, **problems(404, 409, 503)},
)
def erase_user(
    request: HttpRequest,
    response: HttpResponse,
    uuid: uuids.UUID,
    reason: Reason,
    ticket: str = Query("", pattern=TICKET),
) -> Any:
    """This cannot be undone. `ticket` is your reference: letters, digits and dashes. Look at the answer's `address` for
    how far it is. 409 where a legal hold keeps the person."""
    person = _person(uuid)
    key = caller(request)
    asked: dict[str, Any] = {"by": key.display_name, "reason": reason.value, "ticket": ticket}
    try:
        if erasure_needs_second():
            # Whoever made the key can't be the second: else one admin were both.
            filed = approvals.file(chat_user_uuid=person.uuid, actor=key.made_by, **asked).erasure
        elif goes_at_once(person):
            filed = erasure.erase(chat_user_uuid=person.uuid, actor=None, **asked).erasure
        else:
            filed = erasure.file(chat_user_uuid=person.uuid, actor=None, **asked)
    except ledger.Unwritable:
        detail = "The ledger of erasures can't be written, so nothing was erased."
        raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "ledger", detail, errors={}) from None
    except erasure.Held:
        detail = "A legal hold keeps everything of this person until it is lifted."
        raise Refused(HTTPStatus.CONFLICT, "held", detail, errors={"uuid": "held"}) from None
    except ChatUser.DoesNotExist:
        raise _nobody() from None
    made = _shown(Erasure.objects.get(pk=filed))
    response["Location"] = made.address
    return Status(202, made)


@router.get(
    "erasures/{id}",
    url_name="api_erasure",
    operation_id="erasure",
    summary="How far an erasure is",
    auth=ApiKeyAuth(Scope.ERASE),
    response={200: ErasureOut, **problems(404)},
)
def erasure_by_id(request: HttpRequest, id: uuids.UUID) -> Any:  # noqa: A002 - as the address has it
    """`state`: `running`, or `done` once no row and none of the freed bytes that we can overwrite are left; before that
    `waiting` where a second admin has to approve it, or `refused`."""
    found = Erasure.objects.filter(pk=id).first()
    if found is None:
        raise Refused(
            HTTPStatus.NOT_FOUND, "unknown", "There is no erasure with this id.", errors={"id": "unknown"}
        )
    return _shown(found)


def _person(uuid: uuids.UUID) -> ChatUser:
    try:
        return person_by_uuid(uuid)
    except ChatUser.DoesNotExist:
        raise _nobody() from None


def _nobody() -> Refused:
    detail = "There is no person with this id, or no longer."
    return Refused(HTTPStatus.NOT_FOUND, "unknown", detail, errors={"uuid": "unknown"})


def _state(row: Erasure) -> str:
    if row.approval in (Approval.WAITING, Approval.REFUSED):
        return str(row.approval)
    return "done" if row.finished_at else "running"


def _shown(row: Erasure) -> ErasureOut:
    return ErasureOut(
        id=row.pk,
        address=f"/api/v1/erasures/{row.pk}",
        state=_state(row),
        reason=row.reason,
        ticket=row.ticket,
        counts=row.counts,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )
