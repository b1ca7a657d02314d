"""Renders what changed with the very templates that drew the page. Out-of-band leaves, so that nothing typed is lost."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.template.loader import render_to_string

from conversations.models import ActivityEvent, Message, Sender
from conversations.queries import latest_conversation
from conversations.timeline import entry_of_event, entry_of_message
from search.context import nav_counts
from users.drawing import draw
from users.models import ChatUser
from users.queries import Person, people

CATCH_UP = 200
RECENT = 50
ALL_SLOTS = (
    "dot",
    "typing",
    "initials",
    "name",
    "email",
    "messages",
    "visits",
    "unread",
    "first_contact",
    "last_active",
    "session",
    "device",
    "tags",
)
# With a visit begins the mark of who came again.
PRESENCE_SLOTS = ("dot", "last_active", "session", "visits", "tags")
MESSAGE_SLOTS = ("messages", "unread", "first_contact", "last_active")
# Leaves that only a profile has.
OPEN_SLOTS = {"dot": ("status",), "typing": ("typing_line",)}


@dataclass
class Change:
    """What a batch of events did to one person."""

    slots: set[str] = field(default_factory=set)
    messages: list[int] = field(default_factory=list)
    read: list[tuple[int, int]] = field(default_factory=list)
    events: list[int] = field(default_factory=list)
    conversations: set[int] = field(default_factory=set)
    erased: bool = False


@dataclass(frozen=True)
class Fragments:
    """HTML for pages on which a person's row is, and what a page of their own needs besides."""

    row: str
    profile: str


def changed(changes: Mapping[str, Change], typing: Iterable[str], opened: set[str]) -> dict[str, Fragments]:
    """Fragments for each person (uuid) in `changes`; `typing` names those who type, `opened` those whose own page
    is open. Four queries and the changed messages, however many people."""
    wanted = [uuid.UUID(name) for name, change in changes.items() if not change.erased]
    rows = people(list(ChatUser.objects.filter(uuid__in=wanted, erased_at=None)))
    typists = set(typing)
    made: dict[str, Fragments] = {}
    for person in rows:
        name = str(person.user.uuid)
        shown = replace(person, typing=name in typists)
        change = changes[name]
        profile = _profile(shown, change) if name in opened else ""
        made[name] = Fragments(_leaves(shown, sorted(change.slots)), profile)
    return made


def state(person: Person, last: int | None) -> str | None:
    """What an open profile may have missed after message `last`: leaves, messages, and the newest read marks.

    None where that is too much to tell.
    """
    parts = _open_leaves(person, ALL_SLOTS)
    if last is not None:
        said = Message.objects.filter(chat_user=person.user)
        missed = list(said.filter(id__gt=last).order_by("id")[: CATCH_UP + 1])
        if len(missed) > CATCH_UP:
            return None
        parts += [*_messages(person, missed), *_read_marks(person, said.order_by("-id")[:RECENT])]
    return "".join(parts)


def rows(persons: Sequence[Person]) -> str:
    """The leaves of everyone on a list, as they are now."""
    return "".join(_leaves(person, ALL_SLOTS) for person in persons)


def replying(person_uuid: str, names: Sequence[str]) -> str:
    """The line that says which colleagues are writing to that person."""
    return render_to_string(
        "conversations/leaf/replying.html", {"uuid": person_uuid, "names": list(names), "live": True}
    )


def newcomers(counted: Sequence[str], address: str) -> str:
    """The pill that counts people (by uuid) who are new to a list since it was drawn, and leads to its first page."""
    context = {"count": len(counted), "counted": counted, "address": address, "live": True}
    return render_to_string("search/newcomers.html", context)


def navigation() -> str:
    """The counts in the navigation."""
    return render_to_string("search/nav_counts.html", {"nav": nav_counts(), "live": True})


def _leaves(person: Person, slots: Iterable[str]) -> str:
    return "".join(draw(f"users/leaf/{slot}.html", person=person, live=True) for slot in slots)


def _open_leaves(person: Person, slots: Iterable[str]) -> list[str]:
    context = {"person": person, "live": True}
    wanted = [name for slot in slots for name in OPEN_SLOTS.get(slot, ())]
    return [render_to_string(f"conversations/leaf/{name}.html", context) for name in wanted]


def _profile(person: Person, change: Change) -> str:
    parts = _open_leaves(person, sorted(change.slots))
    fresh = list(Message.objects.filter(pk__in=change.messages).order_by("pk"))
    parts += _messages(person, fresh)
    for first, up_to in change.read:
        parts += _read_marks(
            person, Message.objects.filter(chat_user=person.user, id__range=(first, up_to))[:CATCH_UP]
        )
    events = ActivityEvent.objects.filter(pk__in=change.events).select_related("visit").order_by("pk")
    entries = [
        *(entry_of_event(event) for event in events),
        *(entry_of_message(message) for message in fresh if message.sender != Sender.SYSTEM),
    ]
    for entry in entries:
        html = render_to_string("conversations/entry.html", {"entry": entry})
        parts.append(_insert("afterbegin", person, "[data-timeline]", html))
    if change.conversations:
        # Opening one closes another: what the page shows is the one that counts now, not each that changed.
        context = {"conversation": latest_conversation(person.user), "person": person, "live": True}
        parts.append(render_to_string("conversations/leaf/status_form.html", context))
    return "".join(parts)


def _messages(person: Person, messages: Iterable[Message]) -> list[str]:
    return [
        _insert(
            "beforeend",
            person,
            "[data-log]",
            render_to_string("conversations/message.html", {"message": message}),
        )
        for message in messages
    ]


def _read_marks(person: Person, messages: Iterable[Message]) -> list[str]:
    return [
        render_to_string("conversations/leaf/read_mark.html", {"message": message, "live": True})
        for message in messages
    ]


def _insert(where: str, person: Person, place: str, html: str) -> str:
    return f"<div hx-swap-oob=\"{where}:[data-open='{person.user.uuid}'] {place}\">{html}</div>"
