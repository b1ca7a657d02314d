"""People's own requests, from the moment that they are proven: who is meant, what staff decide, and when it is over.

A mailbox that was proven names everyone who claims that address, and staff decide for each; a person whom the site has
vouched for is meant alone. An erasure needs no decision here: a claim goes with its person, whatever erases them.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from chatadmin.lib.paging import Cursor, Order, Page, page
from chatadmin.lib.tokens import folded
from exports.models import Claim, ClaimState, Proof, Refusal, Request, RequestKind
from exports.request_links import Asked
from staff import audit
from staff.models import Account
from users.models import ChatUser
from users.queries import living

PAGE_SIZE = 50
# An address is a claim that anybody can make, any number of times. Whom the site has vouched for comes first, then who
# was here first: those who come to hide somebody come after them.
MOST_CLAIMS = 200
# So many others who give that address are counted.
MOST_COUNTED = 10_000
SWEPT = 500
KEPT_OVERDUE = dt.timedelta(days=30)
FOLDED_CHARS = ChatUser._meta.get_field("email_folded").max_length
OPEN_ORDER = Order("due_at", descending=False, value_type=dt.datetime)
CLOSED_ORDER = Order("closed_at", descending=True, value_type=dt.datetime)


class Closed(Exception):
    """It was decided meanwhile."""


class Unfitting(Exception):
    """What can't be decided of this claim: a copy for who asked for erasure, nothing held of somebody who is there."""


def confirm(asked: Asked) -> Request:
    """Makes a request of a link that was confirmed; the one that is there already where it was before."""
    with transaction.atomic():
        request, made = Request.objects.get_or_create(
            pk=asked.id, defaults={"kind": asked.kind, "proof": Proof.MAILBOX}
        )
        if made:
            people = _claiming(asked.email)
            _file(request, people, email=asked.email)
    return request


def file_for(*, external_id: str, kind: RequestKind, by: str) -> Request:
    """Makes a request of the one person whom the site has vouched for under that external id: it needs no mail.

    `by` names the site's key. Raises ChatUser.DoesNotExist where there is no such person.
    """
    with transaction.atomic():
        known = living().select_for_update().exclude(verified_at=None)
        person = known.get(external_id=external_id)
        request = Request.objects.create(kind=kind, proof=Proof.SITE)
        _file(request, [person], by=by)
    return request


def hand_over(*, actor: Account, claim_id: int) -> Claim:
    """Notes that the copy went to whoever asked for it. Raises Claim.DoesNotExist, Closed, Unfitting."""
    return _close(actor, claim_id, ClaimState.HANDED_OVER)


def refuse(*, actor: Account, claim_id: int, code: str) -> Claim:
    """Refuses it for one person. Raises Claim.DoesNotExist, Closed, and ValueError for another code."""
    if code not in Refusal.values:
        raise ValueError("code")
    return _close(actor, claim_id, ClaimState.REFUSED, code)


def close_empty(*, actor: Account, claim_id: int) -> Claim:
    """Notes that they were told that nothing is held. Raises Claim.DoesNotExist, Closed, Unfitting."""
    return _close(actor, claim_id, ClaimState.NOTHING_HELD)


def claims_page(*, is_open: bool, after: Cursor | None = None, before: Cursor | None = None) -> Page[Claim]:
    """A page of what is to be decided, what is due first first; or of what was decided, newest first."""
    claims = _standing().select_related("request", "chat_user")
    if is_open:
        rows, order = claims.filter(state=ClaimState.OPEN), OPEN_ORDER
    else:
        rows, order = claims.filter(closed_at__isnull=False), CLOSED_ORDER
    return page(rows, order, size=PAGE_SIZE, after=after, before=before)


def due_days(most: int) -> list[dt.datetime]:
    """By when what is open is to be answered: the `most` that are due first."""
    claims = _standing().filter(state=ClaimState.OPEN).order_by("due_at", "id")
    return list(claims.values_list("due_at", flat=True)[:most])


def claims_of(request: Request) -> list[Claim]:
    """Everyone whom a request is about: whom the site has vouched for first, then the oldest."""
    theirs = _standing().filter(request=request).select_related("chat_user")
    return list(
        theirs.order_by(F("chat_user__verified_at").asc(nulls_last=True), "chat_user_id", "pk")[:MOST_CLAIMS]
    )


@dataclass(frozen=True)
class Others:
    """How many more people give the address that a request is to be answered to; `and_more`: at least so many."""

    email: str
    count: int
    and_more: bool


def others_claiming(claims: Sequence[Claim]) -> Others | None:
    """Who gives the address too and has no part in the request of these `claims`: there were too many of them, or they
    came later. None where nobody does, and once no part of it is open: the address is then kept no more."""
    email = next((claim.email for claim in claims if claim.email), "")
    if not email:
        return None
    with_part = Claim.objects.filter(request=claims[0].request_id).exclude(chat_user=None).values("chat_user")
    same = living().filter(email_folded=folded(email, FOLDED_CHARS)).exclude(pk__in=with_part)
    count = len(same.order_by().values_list("pk")[: MOST_COUNTED + 1])
    return Others(email, min(count, MOST_COUNTED), count > MOST_COUNTED) if count else None


def sweep_requests() -> int:
    """Ends what nobody answered, about nobody we know, a month after it was due: the address goes. Returns how many."""
    now = timezone.now()
    with transaction.atomic():
        late = Claim.objects.filter(state=ClaimState.OPEN, due_at__lt=now - KEPT_OVERDUE, chat_user=None)
        forgotten = list(late.select_for_update(of=("self",)).select_related("request")[:SWEPT])
        for claim in forgotten:
            audit.record(actor=None, verb="request.expired", detail={"request": claim.request.reference})
        ended = {"state": ClaimState.EXPIRED, "closed_at": now, "email": ""}
        Claim.objects.filter(pk__in=[claim.pk for claim in forgotten]).update(**ended)
    return len(forgotten)


def _standing() -> QuerySet[Claim]:
    """Claims but for those of people who are being erased."""
    return Claim.objects.exclude(chat_user__erased_at__isnull=False)


def _claiming(email: str) -> Sequence[ChatUser]:
    """Everyone alive who says that this is their address, locked: nobody is erased while a claim on them is made."""
    same = living().filter(email_folded=folded(email, FOLDED_CHARS))
    same = same.order_by(F("verified_at").asc(nulls_last=True), "pk")
    ids = list(same.values_list("pk", flat=True)[:MOST_CLAIMS])
    return list(living().select_for_update().filter(pk__in=ids).order_by("pk"))


def _file(request: Request, people: Sequence[ChatUser], *, email: str = "", by: str = "") -> None:
    whom: Sequence[ChatUser | None] = people or [None]
    Claim.objects.bulk_create([Claim(request=request, chat_user=person, email=email) for person in whom])
    detail = {"request": request.reference, "kind": str(request.kind), "proof": str(request.proof)}
    for person in people:
        audit.record(actor=None, by=by, verb="request.confirmed", person=person.uuid, detail=detail)
    if not people:
        audit.record(actor=None, by=by, verb="request.confirmed", detail=detail)


def _close(actor: Account, claim_id: int, state: ClaimState, refusal: str = "") -> Claim:
    with transaction.atomic():
        claim = Claim.objects.select_for_update().get(pk=claim_id)
        request, person = claim.request, claim.chat_user
        if claim.state != ClaimState.OPEN or (person and person.erased_at):
            raise Closed
        if state == ClaimState.HANDED_OVER and (request.kind != RequestKind.ACCESS or person is None):
            raise Unfitting
        if state == ClaimState.NOTHING_HELD and person is not None:
            raise Unfitting
        claim.state, claim.refusal = state, refusal
        claim.closed_at, claim.email = timezone.now(), ""
        claim.save(update_fields=["state", "refusal", "closed_at", "email"])
        detail = {"request": request.reference, **({"code": refusal} if refusal else {})}
        who: uuid.UUID | None = person.uuid if person else None
        audit.record(actor=actor, verb=f"request.{state.value}", person=who, detail=detail)
    return claim
