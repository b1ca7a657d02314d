"""Renders what changed with the very templates that drew the page. Out-of-band leaves, so that nothing typed is lost."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.template.loader import render_to_string

from conversations.history import messages_of
from conversations.models import ActivityEvent, Message, Sender
from conversations.queries import latest_conversation
from conversations.timeline import Entry, entry_of_event, entry_of_message
from search.context import nav_counts
from users.drawing import drawer
from users.models import ChatUser
from users.queries import Person, people

CATCH_UP = 200
# Of messages that were read at once: as many as a page says it shows unread.
MARKS = 1_000
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
MESSAGE_SLOTS = ("messages", "unread", "last_active")
# Leaves that only a profile has: on its card, on its history.
CARD_LEAVES = {"dot": "status"}
LOG_LEAVES = {"typing": "typing_line"}


@dataclass
class Change:
    """What a batch of events did to one person. `said`: they may have messages that pages haven't been told; `marked`: which
    (first, last id) were read or mailed; `redrawn`: messages that say something else now; `rewritten`: there is more in the midst of what was said or
    done, so that a page that shows it is to be drawn anew."""

    slots: set[str] = field(default_factory=set)
    said: bool = False
    messages: list[int] = field(default_factory=list)
    marked: list[tuple[int, int]] = field(default_factory=list)
    redrawn: list[int] = field(default_factory=list)
    events: list[int] = field(default_factory=list)
    conversations: set[int] = field(default_factory=set)
    erased: bool = False
    rewritten: bool = False


@dataclass(frozen=True)
class View:
    """What a page shows of a person besides a row: their profile, on it the history, the timeline.

    `after`: the id of the last message that it was told; None where it doesn't show the end of the history.
    """

    open: bool = False
    log: bool = False
    timeline: bool = False
    after: int | None = None

    @classmethod
    def of_all(cls, views: Iterable[View]) -> View:
        """What is shown on any of these."""
        opened = [view for view in views if view.open]
        told = [view.after for view in opened if view.after is not None]
        return cls(
            open=bool(opened),
            log=any(view.log for view in opened),
            timeline=any(view.timeline for view in opened),
            after=min(told, default=None),
        )


ROW = View()


@dataclass
class Shown:
    """What changed about one person, in HTML. `more`: there are later messages than these."""

    row: str
    card: str = ""
    log: str = ""
    timeline: str = ""
    messages: list[tuple[int, str]] = field(default_factory=list)
    more: bool = False
    _texts: dict[View, str] = field(default_factory=dict)

    def text(self, view: View) -> str:
        """All of it that a page with this view has a place for. Put together once for all such pages."""
        if view not in self._texts:
            self._texts[view] = "".join(self._parts(view))
        return self._texts[view]

    def _parts(self, view: View) -> Iterator[str]:
        yield self.row
        if view.open:
            yield self.card
        if view.log:
            yield from (html for pk, html in self.messages if view.after is not None and pk > view.after)
            yield self.log
        if view.timeline:
            yield self.timeline


def changed(
    changes: Mapping[str, Change], typing: Collection[str], views: Mapping[str, View]
) -> dict[str, Shown]:
    """Fragments for each living person (uuid) in `changes`; `typing` names those who type, `views` what the pages
    that watch each of them show together. Four queries, and a few for each open profile."""
    wanted = [uuid.UUID(name) for name, change in changes.items() if not change.erased]
    made: dict[str, Shown] = {}
    for person in people(list(ChatUser.objects.filter(uuid__in=wanted, erased_at=None))):
        name = str(person.user.uuid)
        shown, change, view = replace(person, typing=name in typing), changes[name], views[name]
        made[name] = Shown(leaves(shown, sorted(change.slots)))
        if view.open:
            _open(made[name], shown, change, view)
    return made


def rows(persons: Sequence[Person]) -> str:
    """The leaves of everyone on a list, as they are now."""
    return "".join(leaves(person, ALL_SLOTS) for person in persons)


def leaves(person: Person, slots: Iterable[str]) -> str:
    """Those leaves of a row."""
    return str(drawer(*(f"users/leaf/{slot}.html" for slot in slots), of="person")(person))


def open_leaves(person: Person, slots: Iterable[str], names: Mapping[str, str]) -> str:
    """Those leaves of a profile that go with a row's `slots`; `names` is CARD_LEAVES or LOG_LEAVES."""
    context = {"person": person, "live": True}
    wanted = [names[slot] for slot in slots if slot in names]
    return "".join(render_to_string(f"conversations/leaf/{name}.html", context) for name in wanted)


def new_message(person: Person, message: Message) -> str:
    """A message, to be put into the history."""
    return insert("beforeend", person, "[data-log]", "conversations/message.html", message=message)


def new_entry(person: Person, entry: Entry) -> str:
    """An entry, to be put into the timeline."""
    return insert("afterbegin", person, "[data-timeline]", "conversations/entry.html", entry=entry)


def read_marks(messages: Iterable[Message]) -> str:
    """Whether each of these was read."""
    return "".join(
        render_to_string("conversations/leaf/read_mark.html", {"message": message, "live": True})
        for message in messages
    )


def status_form(person: Person) -> str:
    """The conversation that counts now, and the button that closes it or opens it again."""
    # Opening one closes another: what the page shows is the one that counts now, not each that changed.
    context = {"conversation": latest_conversation(person.user), "person": person, "live": True}
    return render_to_string("conversations/leaf/status_form.html", context)


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


def insert(where: str, person: Person, place: str, template: str, **context: object) -> str:
    """What `template` makes, for that place on the person's profile."""
    html = render_to_string(template, context)
    return f"<div hx-swap-oob=\"{where}:[data-open='{person.user.uuid}'] {place}\">{html}</div>"


def _open(shown: Shown, person: Person, change: Change, view: View) -> None:
    """Adds what pages with the person's profile on them need."""
    slots = sorted(change.slots)
    shown.card = open_leaves(person, slots, CARD_LEAVES)
    fresh: list[Message] = []
    if view.log:
        shown.log = open_leaves(person, slots, LOG_LEAVES) + _log(person, change)
        if change.said and view.after is not None:
            # By what was told, not by the event's id: two events may arrive the other way round than their messages
            # were committed.
            later = messages_of(person.user).filter(id__gt=view.after).order_by("id")
            fresh = list(later[: CATCH_UP + 1])
            shown.more = len(fresh) > CATCH_UP
            shown.messages = [(one.pk, new_message(person, one)) for one in fresh[:CATCH_UP]]
    if view.timeline:
        shown.timeline = "".join(new_entry(person, one) for one in _entries(person, change, fresh))


def _log(person: Person, change: Change) -> str:
    parts = []
    for first, up_to in change.marked:
        read = messages_of(person.user).filter(id__range=(first, up_to))
        parts.append(read_marks(read.order_by("-id")[:MARKS]))
    redrawn = messages_of(person.user).filter(pk__in=change.redrawn) if change.redrawn else ()
    parts += [
        render_to_string("conversations/message.html", {"message": one, "redrawn": True}) for one in redrawn
    ]
    if change.conversations:
        parts.append(status_form(person))
    return "".join(parts)


def _entries(person: Person, change: Change, known: Sequence[Message]) -> list[Entry]:
    """The new entries, the oldest first."""
    events = ActivityEvent.objects.filter(pk__in=change.events).select_related("visit")
    said = {one.pk: one for one in known if one.pk in change.messages}
    unknown = set(change.messages) - said.keys()
    said |= messages_of(person.user).in_bulk(unknown) if unknown else {}
    entries = [
        *(entry_of_event(event) for event in events),
        *(entry_of_message(one) for one in said.values() if one.sender != Sender.SYSTEM),
    ]
    return sorted(entries, key=lambda one: (one.at, one.number))
