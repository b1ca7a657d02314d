"""Who comes in with a hello: the person, their token, their visit. As many as came at once, in one transaction: after
a restart everybody is back in the same moment."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db import OperationalError, transaction
from django.db.models import Count

from chatadmin.lib.address import counted_as
from chatadmin.lib.bus import Event, announce
from chatadmin.lib.limits import Quota, limits
from conversations.actions import Blocked, Gone, record_events
from conversations.models import ActivityEvent, EventKind, Message, Sender
from conversations.writing import GIVE_UP_SECONDS
from staff.models import Widget
from users import visits
from users.models import ChatUser, Visit, VisitorToken
from widget import identity as identities
from widget.frames import Hello
from widget.identity import Identity, IdentityRefused
from widget.pages import Look, record_pages

NEW_PEOPLE = Quota(most=600, seconds=600)
ATTEMPTS = 4


# Whether each coming (by `id()`) was within its address's quota.
Counted = dict[int, bool]


class TooManyPeople(Exception):
    """One address brought more new people than one address does."""


@dataclass(frozen=True)
class Coming:
    """A hello, and how and from where whoever says it came."""

    widget: Widget
    hello: Hello
    arrival: visits.Arrival
    address: str


@dataclass(frozen=True)
class Opened:
    """An open session: who it is, the token to keep, the visit, and how many of ours they haven't read."""

    person: ChatUser
    token: str
    visit_id: int
    unread: int


def open_session(coming: Coming) -> Opened:
    """Finds or makes the person of a hello, begins or goes on with their visit.

    Raises FrameError `invalid`, IdentityRefused, TooManyPeople, Blocked, Gone.
    """
    outcome = open_sessions([coming])[0]
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def open_sessions(comings: Sequence[Coming]) -> list[Opened | Exception]:
    """The same for many. Returns what `open_session` would return or raise for each; one keeps nobody else out."""
    outcomes: dict[int, Opened | Exception] = {}
    counted: Counted = {}
    for _ in range(ATTEMPTS):
        again = [number for number, _ in enumerate(comings) if isinstance(outcomes.get(number, Gone()), Gone)]
        if not again:
            break
        outcomes |= zip(again, _attempt([comings[number] for number in again], counted), strict=True)
    return [outcomes[number] for number in range(len(comings))]


def _attempt(comings: Sequence[Coming], counted: Counted) -> list[Opened | Exception]:
    began = time.monotonic()
    try:
        found = _people_of(comings, began)
        known = [
            (one, who) for one, who in zip(comings, found, strict=True) if not isinstance(who, Exception)
        ]
        entered = iter(_enter([one for one, _ in known], [who for _, who in known], counted))
        return [who if isinstance(who, Exception) else next(entered) for who in found]
    except Exception as error:
        failure = error
    if len(comings) == 1:
        return [failure]
    # A database that is away is not asked once more for each.
    return [
        _attempt([coming], counted)[0] if time.monotonic() - began < GIVE_UP_SECONDS else failure
        for coming in comings
    ]


def _people_of(comings: Sequence[Coming], began: float) -> list[ChatUser | Exception | None]:
    """Who says each hello; None for a stranger."""
    visitors = identities.people_of_tokens(coming.hello.token for coming in comings)
    signed = identities.checked((coming.widget, coming.hello.identity) for coming in comings)
    named = identities.people_of_ids(one.external_id for one in signed if isinstance(one, Identity))
    found: list[ChatUser | Exception | None] = []
    for coming, identity in zip(comings, signed, strict=True):
        visitor = visitors.get(coming.hello.token or "")
        if isinstance(identity, Exception):
            found.append(identity)
        elif identity is None:
            found.append(_unnamed(coming, visitor))
        elif identities.is_settled(identity, visitor, named.get(identity.external_id)):
            found.append(named[identity.external_id])
        else:
            found.append(_settled(identity, visitor, began))
    return found


def _unnamed(coming: Coming, visitor: ChatUser | None) -> ChatUser | Exception | None:
    if coming.widget.require_identity:
        return IdentityRefused()
    # The next one at a shared computer must not see what an external id's person wrote.
    return visitor if visitor is not None and visitor.external_id is None else None


def _settled(identity: Identity, visitor: ChatUser | None, began: float) -> ChatUser | Exception:
    if time.monotonic() - began > GIVE_UP_SECONDS:
        return OperationalError("the database takes too long")
    try:
        return identities.person_of_identity(identity, visitor)
    except Exception as error:
        return error


# -- one transaction for all


@dataclass
class _Entry:
    """Somebody on their way in; `refused`: why they don't get there."""

    coming: Coming
    person: ChatUser
    token: str = ""
    visit_id: int = 0
    refused: Exception | None = None


def _enter(
    comings: Sequence[Coming], people: Sequence[ChatUser | None], counted: Counted
) -> list[Opened | Exception]:
    entries = [_Entry(one, who or ChatUser()) for one, who in zip(comings, people, strict=True)]
    with transaction.atomic():
        _look_at_strangers([entry for entry in entries if entry.person.pk is None], counted)
        _look_at_known([entry for entry in entries if entry.person.pk is not None])
        inside = [entry for entry in entries if entry.refused is None]
        strangers = {entry.person.uuid for entry in inside if entry.person.pk is None}
        announce(*(Event("user.created", str(stranger)) for stranger in strangers))
        begun = visits.begin_all([(entry.person, entry.coming.arrival) for entry in inside])
        _give_tokens(inside)
        _record(inside, begun)
        announce(*(Event("user.changed", str(one.person.uuid), {"fields": ["visit"]}) for one in inside))
        # Whatever failed after the commit would have them come in once more.
        unread = _unread({entry.person.pk for entry in inside if entry.person.uuid not in strangers})
    return [
        entry.refused or Opened(entry.person, entry.token, entry.visit_id, unread.get(entry.person.pk, 0))
        for entry in entries
    ]


def _look_at_strangers(entries: Sequence[_Entry], counted: Counted) -> None:
    """Refuses who is one too many. Each is counted once, however often they have to try."""
    new = [entry.coming for entry in entries if id(entry.coming) not in counted]
    asked = [(f"people:{counted_as(coming.address)}", NEW_PEOPLE) for coming in new]
    counted |= {
        id(coming): is_within for coming, is_within in zip(new, limits().count_many(asked), strict=True)
    }
    for entry in entries:
        if not counted[id(entry.coming)]:
            entry.refused = TooManyPeople()


def _look_at_known(entries: Sequence[_Entry]) -> None:
    """Locks them: each is who they were found to be, or refused."""
    if not entries:
        return
    living = ChatUser.objects.filter(pk__in={entry.person.pk for entry in entries}, erased_at=None)
    locked = {person.pk: person for person in living.order_by("pk").select_for_update()}
    for entry in entries:
        person = locked.get(entry.person.pk)
        if person is None or person.external_id not in {None, _external_id(entry.coming)}:
            entry.refused = Gone()  # or another tab has just said who they are
        elif person.blocked_at is not None:
            entry.refused = Blocked()
        else:
            entry.person = person


def _external_id(coming: Coming) -> str | None:
    """The one that a site vouched for."""
    return coming.hello.identity["external_id"] if coming.hello.identity is not None else None


def _give_tokens(entries: Sequence[_Entry]) -> None:
    """Each goes on with the token that they hold, where it is theirs, or gets a new one."""
    hashes = {token: identities.token_hash(token) for entry in entries if (token := entry.coming.hello.token)}
    rows = (
        VisitorToken.objects.filter(token_hash__in=set(hashes.values()))
        if hashes
        else VisitorToken.objects.none()
    )
    owners = dict(rows.values_list("token_hash", "chat_user"))
    without = []
    for entry in entries:
        token = entry.coming.hello.token or ""
        if owners.get(hashes.get(token, "")) == entry.person.pk:
            entry.token = token
        else:
            without.append(entry)
    for entry, token in zip(without, identities.new_tokens([one.person for one in without]), strict=True):
        entry.token = token


def _record(entries: Sequence[_Entry], begun: Sequence[tuple[Visit, bool]]) -> None:
    """What the timeline says of it: a visit, or another page of the same one."""
    events, looks = [], []
    for entry, (visit, is_new) in zip(entries, begun, strict=True):
        entry.visit_id, person, arrival = visit.pk, entry.person, entry.coming.arrival
        if is_new:
            kind = EventKind.FIRST_VISIT if person.visit_count == 1 else EventKind.VISIT
            data = {"url": visit.landing_url, "title": visit.landing_title, "referrer": visit.referrer}
            events.append(
                ActivityEvent(chat_user=person, kind=kind, data=data, visit_id=visit.pk, at=visit.started_at)
            )
        elif arrival.url:
            looks.append(Look(person, visit.pk, arrival.url, arrival.title))
    record_events(events)
    record_pages(looks)


def _unread(chat_user_ids: Collection[int]) -> dict[int, int]:
    """How many of ours each hasn't read; who has read all is left out."""
    if not chat_user_ids:
        return {}
    ours = Message.objects.filter(sender__in=[Sender.STAFF, Sender.BOT], read_at=None)
    counted = ours.filter(chat_user__in=chat_user_ids).values("chat_user").annotate(count=Count("pk"))
    return dict(counted.order_by().values_list("chat_user", "count"))
