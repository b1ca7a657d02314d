"""Who types: chat users to us, and colleagues to a chat user. A sign of it holds for six seconds."""

from __future__ import annotations

import time

TYPING_SECONDS = 6.0


class Typists:
    """By a person's uuid: until when they type, and which colleagues (by account) reply to them, until when."""

    def __init__(self) -> None:
        self.visitors: dict[str, float] = {}
        self.colleagues: dict[str, dict[int, tuple[str, float]]] = {}

    def visitor(self, person: str, *, on: bool) -> bool:
        """Takes down that a chat user types, or doesn't any more. Says whether that is new."""
        known = person in self.visitors
        if on:
            self.visitors[person] = time.monotonic() + TYPING_SECONDS
        else:
            self.visitors.pop(person, None)
        return known != on

    def colleague(self, person: str, account: int, name: str, *, on: bool) -> bool:
        """Takes down that a colleague replies to `person`, or doesn't any more. Says whether that is new."""
        writers = self.colleagues.setdefault(person, {})
        known = account in writers
        if on:
            writers[account] = (name, time.monotonic() + TYPING_SECONDS)
        else:
            writers.pop(account, None)
        if not writers:
            del self.colleagues[person]
        return known != on

    def others(self, person: str, account: int) -> tuple[str, ...]:
        """The names of those who reply to `person`, `account` aside."""
        writers = self.colleagues.get(person, {})
        return tuple(name for writer, (name, _) in writers.items() if writer != account)

    def expire(self) -> tuple[list[str], list[str]]:
        """Forgets signs that are too old: the people who type no more, and those to whom fewer colleagues reply."""
        now = time.monotonic()
        typed = [person for person, until in self.visitors.items() if until <= now]
        for person in typed:
            del self.visitors[person]
        replied = []
        for person, writers in list(self.colleagues.items()):
            stale = [account for account, (_, until) in writers.items() if until <= now]
            for account in stale:
                del writers[account]
            if stale:
                replied.append(person)
            if not writers:
                del self.colleagues[person]
        return typed, replied
