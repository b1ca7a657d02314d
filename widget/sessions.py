"""What a hello opens: the person, their visit, and the history they may see. One thread hop for each frame."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from msgspec import UNSET

from chatadmin.lib.address import counted_as
from chatadmin.lib.bus import Event, announce
from chatadmin.lib.limits import Quota, Rate, limits
from conversations.actions import (
    Blocked,
    Gone,
    NewMessage,
    Stored,
    locked_person,
    mark_read,
    record_event,
    write_message,
)
from conversations.models import ActivityEvent, EventKind, Message, Sender
from conversations.writer import send_soon
from conversations.writing import TooFast
from staff.models import Widget
from users import visits
from users.models import URL_CHARS, ChatUser, Collected, CollectSetting
from widget import identity as identities
from widget.frames import FrameError, Hello, Identify, NewText, Page
from widget.identity import IdentityRefused

WELCOME_MESSAGES = 200
NEW_PEOPLE = Quota(most=600, seconds=600)
MESSAGES = Rate(burst=10, per_second=1)
ATTEMPTS = 4


class TooManyPeople(Exception):
    """One address brought more new people than one address does."""


@dataclass(frozen=True)
class Opened:
    """An open session: who it is, the token to keep, the visit, and how many of ours they haven't read."""

    person: ChatUser
    token: str
    visit_id: int
    unread: int


def open_session(widget: Widget, hello: Hello, arrival: visits.Arrival, address: str) -> Opened:
    """Finds or makes the person of a hello, begins or goes on with their visit.

    Raises FrameError `invalid`, IdentityRefused, TooManyPeople, Blocked, Gone.
    """
    if hello.identity is None and widget.require_identity:
        raise IdentityRefused
    identity = identities.check(widget, hello.identity) if hello.identity is not None else None
    for attempt in range(ATTEMPTS):
        visitor = identities.person_of_token(hello.token)
        if identity is not None:
            person: ChatUser | None = identities.person_of_identity(identity, visitor)
        else:
            # The next one at a shared computer must not see what an external id's person wrote.
            person = visitor if visitor is not None and visitor.external_id is None else None
        try:
            return _enter(person, hello, arrival, address)
        except Gone:
            if attempt == ATTEMPTS - 1:
                raise
    raise Gone


def _enter(person: ChatUser | None, hello: Hello, arrival: visits.Arrival, address: str) -> Opened:
    with transaction.atomic():
        if person is None:
            if not limits().count(f"people:{counted_as(address)}", NEW_PEOPLE):
                raise TooManyPeople
            person = ChatUser.objects.create(last_active=timezone.now())
            announce(Event("user.created", str(person.uuid)))
        else:
            person = locked_person(person.pk)
            if person.external_id is not None and hello.identity is None:
                raise Gone  # another tab has just said who they are
        if person.blocked_at is not None:
            raise Blocked
        token = hello.token
        if not token or not person.tokens.filter(token_hash=identities.token_hash(token)).exists():
            token = identities.new_token(person)
        visit, is_new = visits.begin(person, arrival)
        if is_new:
            kind = EventKind.FIRST_VISIT if person.visit_count == 1 else EventKind.VISIT
            data = {"url": visit.landing_url, "title": visit.landing_title, "referrer": visit.referrer}
            record_event(person=person, kind=kind, data=data, visit_id=visit.pk, at=visit.started_at)
        elif arrival.url:
            _record_page(person, visit.pk, arrival.url, arrival.title)
        announce(Event("user.changed", str(person.uuid), {"fields": ["visit"]}))
    unread = Message.objects.filter(
        chat_user=person, sender__in=[Sender.STAFF, Sender.BOT], read_at=None
    ).count()
    return Opened(person, token, visit.pk, unread)


def history(chat_user_id: int, after: int) -> tuple[list[Message], bool]:
    """At most 200 messages after that id, oldest first, and whether there are more.

    Without one (0) all of history, so imported messages too, whose ids are below zero.
    """
    rows = Message.objects.filter(chat_user=chat_user_id)
    if after != 0:
        rows = rows.filter(id__gt=after)
    found = list(rows.order_by("id")[: WELCOME_MESSAGES + 1])
    return found[:WELCOME_MESSAGES], len(found) > WELCOME_MESSAGES


def arrival_of(page: Page | None, device: visits.DeviceInfo, network: str) -> visits.Arrival:
    """How somebody came, cut to what is kept."""
    page = page or Page()
    return visits.Arrival(
        url=_clean(page.url)[:URL_CHARS],
        title=_clean(page.title)[:300],
        referrer=_clean(page.referrer)[:URL_CHARS],
        device=device,
        network=network,
    )


def _clean(text: str) -> str:
    return text.replace("\x00", "").strip()


def _record_page(person: ChatUser, visit_id: int, url: str, title: str) -> None:
    """A page on the timeline, unless it is the one that the person was on already."""
    last = (
        ActivityEvent.objects.filter(
            chat_user=person, kind__in=[EventKind.PAGE, EventKind.VISIT, EventKind.FIRST_VISIT]
        )
        .order_by("-at", "-id")
        .first()
    )
    if last is not None and last.visit_id == visit_id and last.data.get("url") == url:
        return
    if CollectSetting.objects.filter(item=Collected.PAGE_TITLES, is_on=False).exists():
        title = ""
    record_event(person=person, kind=EventKind.PAGE, data={"url": url, "title": title}, visit_id=visit_id)


def see_page(chat_user_id: int, visit_id: int, url: str, title: str) -> None:
    """The person looks at another page. Raises Gone."""
    url, title = _clean(url)[:URL_CHARS], _clean(title)[:300]
    if url:
        with transaction.atomic():
            _record_page(locked_person(chat_user_id), visit_id, url, title)


def move_widget(chat_user_id: int, visit_id: int, event: str) -> None:
    """The person opened or closed the widget. Raises Gone."""
    kind = EventKind.WIDGET_OPENED if event == "opened" else EventKind.WIDGET_CLOSED
    with transaction.atomic():
        record_event(person=locked_person(chat_user_id), kind=kind, visit_id=visit_id)


def say(chat_user_id: int, frame: NewText) -> Stored:
    """Stores what the person wrote. Raises FrameError `too_fast`, Gone, Blocked."""
    try:
        return write_message(_message(chat_user_id, frame))
    except TooFast:
        raise _too_fast(frame) from None


async def say_soon(chat_user_id: int, frame: NewText) -> Stored:
    """The same from the event loop, together with what others write."""
    try:
        return await send_soon(_message(chat_user_id, frame))
    except TooFast:
        raise _too_fast(frame) from None


def _message(chat_user_id: int, frame: NewText) -> NewMessage:
    return NewMessage(
        chat_user_id=chat_user_id,
        sender=Sender.VISITOR,
        body=frame.body,
        client_id=uuid.UUID(frame.client_id),
        budget=(f"messages:{chat_user_id}", MESSAGES),
    )


def _too_fast(frame: NewText) -> FrameError:
    return FrameError("too_fast", "10 messages at once, then 1 a second", frame.client_id)


def read_up_to(chat_user_id: int, up_to: int) -> None:
    """The person has seen ours up to that id. Raises Gone."""
    mark_read(chat_user_id=chat_user_id, side="visitor", up_to=up_to)


def identify(widget: Widget, chat_user_id: int, frame: Identify) -> tuple[ChatUser, bool]:
    """Takes what the person says of themselves, or the identity a site signed for them.

    Returns who they are now and whether the history changed. Raises FrameError `invalid`, IdentityRefused, Gone.
    """
    if isinstance(frame.identity, dict):
        identity = identities.check(widget, frame.identity)
        before = ChatUser.objects.filter(pk=chat_user_id, erased_at=None).first()
        if before is None:
            raise Gone
        had_history = before.messages.exists()
        person = identities.person_of_identity(identity, before)
        changed = person.pk != before.pk and (had_history or person.messages.exists())
        return person, changed or before.external_id not in (None, person.external_id)
    given = {name: getattr(frame, name) for name in ("name", "email") if getattr(frame, name) is not UNSET}
    claims = identities.claims_of(given)
    with transaction.atomic():
        person = locked_person(chat_user_id)
        identities.apply_claims(person, claims)
    return person, False
