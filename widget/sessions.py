"""What the frames after a hello do: pages, messages, read marks, who the visitor says they are."""

from __future__ import annotations

import uuid

from django.db import transaction
from msgspec import UNSET

from chatadmin.lib.limits import Rate
from conversations.actions import (
    Gone,
    NewMessage,
    Stored,
    locked_person,
    mark_read,
    record_event,
    write_message,
)
from conversations.models import EventKind, Sender
from conversations.writer import send_soon
from conversations.writing import TooFast
from staff.models import Widget
from users import visits
from users.models import URL_CHARS, ChatUser
from widget import identity as identities
from widget.frames import FrameError, Identify, NewText, Page
from widget.pages import Look, record_pages

MESSAGES = Rate(burst=10, per_second=1)


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


def see_page(chat_user_id: int, visit_id: int, url: str, title: str) -> None:
    """The person looks at another page. Raises Gone."""
    url, title = _clean(url)[:URL_CHARS], _clean(title)[:300]
    if url:
        with transaction.atomic():
            record_pages([Look(locked_person(chat_user_id), visit_id, url, title)])


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
