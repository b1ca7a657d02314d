"""The answer to a hello: who comes in, the lease of their socket, the history that they miss. Those who come at once are
greeted together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db.models import OuterRef, Q, Subquery

from chatadmin.lib.together import Together
from conversations.models import Message
from staff import presence as staff_presence
from users import presence
from users.models import ChatUser
from widget.entering import Coming, Opened, open_sessions
from widget.marks import Read, last_read

WELCOME_MESSAGES = 200


@dataclass(frozen=True)
class Greeting:
    """Somebody who comes on a socket, and whose socket it was until now."""

    coming: Coming
    socket: str
    before: ChatUser | None = None


@dataclass(frozen=True)
class Welcome:
    """What a greeting is answered with. `sockets`: how many the person has with this one; `messages`: at most 200 of
    those after the last one that they have, oldest first; `more`: whether that is not all; `read`: of those that they
    have, the newest that staff have read."""

    opened: Opened
    sockets: int
    staff_online: bool
    messages: list[Message]
    more: bool
    read: Read | None = None


def greet(greetings: Sequence[Greeting]) -> list[Welcome | Exception]:
    """Welcomes each. Returns, in their order, the welcome or what `open_session` would raise."""
    outcomes = open_sessions([greeting.coming for greeting in greetings])
    pairs = zip(greetings, outcomes, strict=True)
    inside = [(greeting, opened) for greeting, opened in pairs if isinstance(opened, Opened)]
    # Before they count as here: where reading fails nobody of them is.
    told = _histories([(opened.person.pk, greeting.coming.hello.after) for greeting, opened in inside])
    read = last_read([opened.person.pk for greeting, opened in inside if greeting.coming.hello.after])
    for greeting, opened in inside:
        if greeting.before is not None and greeting.before.pk != opened.person.pk:
            presence.leave(greeting.before.uuid, greeting.socket)
    sockets = presence.arrive_all([(opened.person.uuid, greeting.socket) for greeting, opened in inside])
    is_staff_here = staff_presence.anyone_here() or False
    welcomes = iter(
        [
            Welcome(opened, count, is_staff_here, messages, more, read.get(opened.person.pk))
            for (_, opened), count, (messages, more) in zip(inside, sockets, told, strict=True)
        ]
    )
    return [outcome if isinstance(outcome, Exception) else next(welcomes) for outcome in outcomes]


def history(chat_user_id: int, after: int) -> tuple[list[Message], bool]:
    """At most 200 messages after that id, oldest first, and whether there are more.

    Without one (0) all of history, so imported messages too, whose ids are below zero.
    """
    found = list(Message.objects.filter(_after(chat_user_id, after)).order_by("id")[: WELCOME_MESSAGES + 1])
    return found[:WELCOME_MESSAGES], len(found) > WELCOME_MESSAGES


def _after(chat_user_id: int, after: int) -> Q:
    return Q(chat_user=chat_user_id, id__gt=after) if after else Q(chat_user=chat_user_id)


def _histories(asked: Sequence[tuple[int, int]]) -> list[tuple[list[Message], bool]]:
    """`history` for each of these people. Most of many miss nothing, and aren't asked about one by one."""
    missing = _who_miss_some(asked) if len(asked) > 1 else {chat_user_id for chat_user_id, _ in asked}
    return [history(*one) if one[0] in missing else ([], False) for one in asked]


def _who_miss_some(asked: Sequence[tuple[int, int]]) -> Collection[int]:
    # One row of each, however much they missed.
    newest = Message.objects.filter(chat_user=OuterRef("pk")).order_by("-id").values("id")[:1]
    people = ChatUser.objects.filter(pk__in=[chat_user_id for chat_user_id, _ in asked])
    newest_of = dict(people.annotate(newest=Subquery(newest)).values_list("pk", "newest"))
    found = set()
    for chat_user_id, after in asked:
        last = newest_of.get(chat_user_id)
        if last is not None and (not after or last > after):
            found.add(chat_user_id)
    return found


GREETER: Together[Greeting, Welcome] = Together(greet)
