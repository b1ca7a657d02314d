"""Second pass: writes conversations in the order in which they began, with their messages."""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import random
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import replace

from chatadmin.lib.tokens import tokens
from conversations.demo import plan
from conversations.demo.plan import SECOND, Talk
from conversations.demo.speech import Line, Said, Speaker, languages
from conversations.demo.tables import Table, chunk
from conversations.models import Conversation, Message, Sender, Side, Status
from staff.models import Account

CLOSINGS = (plan.OPEN, plan.IDLE, plan.BY_STAFF)
BOT = "Assistant"
# Who answered, where there are no accounts: a name only.
NOBODY = (None, "Support")
# In so many of so many conversations staff sign what they write: a fifth of all messages then holds the signature.
SIGNED, OF_TALKS = 5, 9


class Agenda:
    """Every conversation to come, in columns: a tuple of objects for each would take ten times the room."""

    def __init__(self) -> None:
        self.person, self.said, self.script = array("q"), array("l"), array("h")
        self.language, self.waiting, self.closing = array("B"), array("B"), array("B")
        self.start, self.length, self.late = array("q"), array("q"), array("q")
        self.late_read, self.closed = array("q"), array("q")
        self.codes = list(languages())
        self.scripts: list[list[Line]] = []

    def __len__(self) -> int:
        return len(self.person)

    def add(self, person: int, language: str, talk: Talk, script: list[Line] | None) -> None:
        """Notes down a conversation of the person with that id; `script`: what is said in it."""
        self.person.append(person)
        self.language.append(self.codes.index(language))
        for name in ("start", "length", "late", "late_read", "said", "waiting", "closed"):
            getattr(self, name).append(getattr(talk, name))
        self.closing.append(CLOSINGS.index(talk.closing))
        if script is not None:
            self.scripts.append(script)
        self.script.append(len(self.scripts) - 1 if script is not None else -1)

    def in_time(self) -> list[int]:
        """The places of all conversations, the one that began first at the front."""
        return sorted(range(len(self)), key=self.start.__getitem__)

    def talk(self, place: int) -> Talk:
        """What was noted down at that place."""
        return Talk(
            start=self.start[place],
            length=self.length[place],
            said=self.said[place],
            late=self.late[place],
            late_read=self.late_read[place],
            waiting=self.waiting[place],
            closing=CLOSINGS[self.closing[place]],
            closed=self.closed[place],
        )


class TalkWriter:
    """Writes the conversations of an agenda."""

    def __init__(
        self, agenda: Agenda, *, now: dt.datetime, seed: int, staff: Sequence[Account], signature: str = ""
    ) -> None:
        self.agenda, self.now, self.signature = agenda, now, signature
        self.authors: list[tuple[int | None, str]] = [
            (account.pk, account.display_name) for account in staff
        ] or [NOBODY]
        self.rng = random.Random(f"{seed}/talks")
        self.speaker = Speaker(self.rng)
        self.spoken = list(languages().values())
        self.conversations = Table(
            Conversation,
            *("chat_user_id", "status", "turn", "started_at", "last_message_at", "closed_at", "unread_count"),
        )
        self.messages = Table(
            Message,
            *("conversation_id", "chat_user_id", "sender", "kind", "body", "data", "tokens"),
            *("author_id", "author_name", "created_at", "read_at"),
        )
        self.system_lines = 0
        # Half of all lines have no slots, so they come again and again.
        self.tokens = functools.lru_cache(maxsize=8_192)(tokens)

    def write(self, chunk_messages: int) -> Iterator[int]:
        """Writes everything, a transaction for about so many messages. Yields how many each chunk wrote."""
        places = iter(self.agenda.in_time())
        while True:
            with chunk([self.conversations, self.messages]):
                for place in places:
                    self._write_talk(place)
                    if len(self.messages.rows) >= chunk_messages:
                        break
                written = len(self.messages.rows)
            if not written:
                return
            yield written

    def _write_talk(self, place: int) -> None:
        agenda, talk = self.agenda, self.agenda.talk(place)
        person = agenda.person[place]
        said = self._signed(place, self._said(place, talk))
        answering = Side.STAFF if said[-1].sender == Sender.VISITOR else Side.VISITOR
        closed = self._at(talk.closed) if talk.closing != plan.OPEN else None
        conversation = self.conversations.add(
            person,
            Status.OPEN.value if closed is None else Status.CLOSED.value,
            answering.value,
            self._at(talk.start),
            self._at(talk.end),
            closed,
            talk.waiting,
        )
        author = self.rng.choice(self.authors)
        for at, (line, moment) in enumerate(zip(said, self._moments(talk), strict=True)):
            read = self._read(
                line, talk, moment, unread=at >= talk.said - talk.waiting, last=at == talk.said - 1
            )
            self._add(conversation, person, line, author, moment, read)
        if talk.closing == plan.BY_STAFF:
            self.system_lines += 1
            closing = Said("system", "system", "Conversation closed", None)
            self._add(conversation, person, closing, author, talk.closed, None)

    def _said(self, place: int, talk: Talk) -> list[Said]:
        language = self.spoken[self.agenda.language[place]]
        script = self.agenda.script[place]
        if script >= 0:
            slots = self.speaker.slots(language)
            return [self.speaker.say(line, slots) for line in self.agenda.scripts[script]]
        said = self.speaker.talk(language, talk.said)
        if talk.waiting:
            self.speaker.waiting(language, said, talk.waiting)
        elif talk.late:
            self.speaker.answer_late(language, said)
        return said

    def _signed(self, place: int, said: list[Said]) -> list[Said]:
        if not self.signature or place % OF_TALKS >= SIGNED:
            return said
        return [
            replace(line, body=f"{line.body}\n{self.signature}")
            if (line.sender, line.kind) == ("staff", "text")
            else line
            for line in said
        ]

    def _moments(self, talk: Talk) -> list[int]:
        """When each message was said: the first at the start, the last at the end."""
        rng = self.rng
        gaps = list(itertools.accumulate([rng.random() + 0.2 for _ in range(talk.said - 1)], initial=0.0))
        scale = talk.length / gaps[-1] if talk.said > 1 else 0.0
        moments = [talk.start + int(gap * scale) for gap in gaps]
        moments[-1] = talk.end
        return moments

    def _read(self, line: Said, talk: Talk, moment: int, *, unread: bool, last: bool) -> int | None:
        """When the other side saw it."""
        if last and talk.late:
            return talk.late_read or None
        if line.sender == Sender.VISITOR and unread:
            return None
        return min(moment + int((1 + self.rng.random() * 40) * SECOND), max(talk.end, moment) + 40 * SECOND)

    def _add(
        self,
        conversation: int,
        person: int,
        line: Said,
        author: tuple[int | None, str],
        moment: int,
        read: int | None,
    ) -> None:
        by_staff = line.sender in ("staff", "system")
        self.messages.add(
            *(conversation, person, line.sender, line.kind, line.body, line.data),
            self.tokens(line.body) if line.sender != "system" else "",
            author[0] if by_staff else None,
            author[1] if by_staff else BOT if line.sender == "bot" else "",
            self._at(moment),
            self._at(read) if read is not None else None,
        )

    def _at(self, moment: int) -> dt.datetime:
        return self.now + dt.timedelta(milliseconds=moment)
