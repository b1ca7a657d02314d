"""What a page shows, as it is now: asked for when the page opens, and when it may have missed something."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from django.db.models import Q
from django.template.loader import render_to_string

from conversations.history import messages_of
from conversations.timeline import timeline
from live import fragments, here
from live.fragments import ALL_SLOTS, CARD_LEAVES, CATCH_UP, LOG_LEAVES
from live.frames import Watch
from users.queries import Person, living, people

# An entry is dated before it is committed, so that one may turn up below others: the page drops those it has.
OVERLAP = dt.timedelta(minutes=1)


@dataclass(frozen=True)
class State:
    """HTML for the page; those of its people (uuids) who live no more; the last message that it has then."""

    text: str
    gone: list[str]
    newest: int | None


def state(frame: Watch, typing: Collection[str], replying: Sequence[str]) -> State | None:
    """The state of a page that shows what `frame` says, while these people type and these colleagues reply.

    None where it missed more than can be told.
    """
    wanted = {*frame.users, *([frame.open] if frame.open else [])}
    persons = [
        replace(person, typing=str(person.user.uuid) in typing)
        for person in people(list(living().filter(uuid__in=wanted)))
    ]
    gone = sorted(str(name) for name in wanted - {person.user.uuid for person in persons})
    text, newest = fragments.rows(persons), frame.last
    if frame.live:
        text += here.missed(frame.users)
    opened = next((person for person in persons if person.user.uuid == frame.open), None)
    if opened is not None:
        text += fragments.open_leaves(opened, ALL_SLOTS, CARD_LEAVES)
        if frame.log:
            log = _log(opened, frame, replying)
            if log is None:
                return None
            text, newest = text + log[0], log[1]
        if frame.timeline:
            text += _timeline(opened, frame.entry)
    return State(text, gone, newest)


def _log(person: Person, frame: Watch, replying: Sequence[str]) -> tuple[str, int | None] | None:
    """The history after the last message of `frame`, and which of its unread were read or mailed; its last message
    then. None where that is too much."""
    parts = [
        fragments.open_leaves(person, ALL_SLOTS, LOG_LEAVES),
        fragments.status_form(person),
        fragments.replying(str(person.user.uuid), replying),
    ]
    said, last = messages_of(person.user), frame.last
    if last is not None:
        missed = list(said.filter(id__gt=last).order_by("id")[: CATCH_UP + 1])
        if len(missed) > CATCH_UP:
            return None
        parts += [fragments.new_message(person, message) for message in missed]
        last = missed[-1].pk if missed else last
    if frame.unread:
        marked = Q(read_at__isnull=False) | Q(mailed_at__isnull=False)
        parts.append(fragments.read_marks(said.filter(marked, id__in=frame.unread)))
    return "".join(parts), last


def _timeline(person: Person, newest: str | None) -> str:
    """The entries after that key; all of a page where more than a page was missed."""
    page = timeline(person.user)
    known = next((entry for entry in page.entries if entry.key == newest), None)
    if known is None:
        context = {"timeline": page, "chat_user": person.user, "live": True}
        return render_to_string("conversations/leaf/timeline.html", context) if page.entries else ""
    fresh = [entry for entry in page.entries if entry.at > known.at - OVERLAP and entry != known]
    return "".join(fragments.new_entry(person, entry) for entry in reversed(fresh))
