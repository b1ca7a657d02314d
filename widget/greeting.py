"""The answer to a hello: who comes in, the lease of their socket, the history that they miss. Those who come at once are
greeted together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q

from chatadmin.lib.together import Together
from conversations.models import Message
from staff import presence as staff_presence
from users import presence
from users.models import ChatUser
from widget.entering import Coming, Opened, open_sessions

WELCOME_MESSAGES = 200
_SAID = Exists(Message.objects.filter(chat_user=OuterRef("pk")))


@dataclass(frozen=True)
class Greeting:
    """Somebody who comes on a socket, and whose socket it was until now."""

    coming: Coming
    socket: str
    before: ChatUser | None = None


@dataclass(frozen=True)
class Welcome:
    """What a greeting is answered with. `sockets`: how many the person has with this one; `messages`: at most 200 of
    those after the last one that they have, oldest first; `more`: whether that is not all."""

    opened: Opened
    sockets: int
    staff_online: bool
    messages: list[Message]
    more: bool


def greet(greetings: Sequence[Greeting]) -> list[Welcome | Exception]:
    """Welcomes each. Returns, in their order, the welcome or what `open_session` would raise."""
    outcomes = open_sessions([greeting.coming for greeting in greetings])
    pairs = zip(greetings, outcomes, strict=True)
    inside = [(greeting, opened) for greeting, opened in pairs if isinstance(opened, Opened)]
    for greeting, opened in inside:
        if greeting.before is not None and greeting.before.pk != opened.person.pk:
            presence.leave(greeting.before.uuid, greeting.socket)
    sockets = presence.arrive_all([(opened.person.uuid, greeting.socket) for greeting, opened in inside])
    is_staff_here = staff_presence.anyone_here()
    told = _histories([(opened.person.pk, greeting.coming.hello.after) for greeting, opened in inside])
    welcomes = iter(
        [
            Welcome(opened, count, is_staff_here, messages, more)
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
    with_all = [chat_user_id for chat_user_id, after in asked if not after]
    missed = Q()
    for chat_user_id, after in asked:
        if after:
            missed |= _after(chat_user_id, after)
    # Of somebody's whole history one row is enough, however long it is.
    found = (
        set(ChatUser.objects.filter(_SAID, pk__in=with_all).values_list("pk", flat=True))
        if with_all
        else set()
    )
    return found | (
        set(Message.objects.filter(missed).values_list("chat_user", flat=True)) if missed else set()
    )


GREETER: Together[Greeting, Welcome] = Together(greet)
