"""Tells open pages what an import brought.

The command runs beside the server, on SQLite without a way to it but the database: so it files small jobs, and
whoever does the jobs says on the bus who is new and who changed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from chatadmin.lib import queue
from chatadmin.lib.bus import Event, announce
from chatadmin.lib.models import Job
from chatadmin.lib.queue import Kind, Step
from search.arrivals import CREATED, MESSAGES_EACH, SAID, WROTE
from users.queries import living

__all__ = ["CREATED", "HISTORY", "JOBS", "KIND", "Bulletin"]

KIND = "imported"
# What was said or done is another than before, and not only at its end.
HISTORY = "history"
PEOPLE_TOGETHER = 500
TOGETHER_SECONDS = 2.0
# Columns whose change has another name on the bus.
NAMES = {
    "is_vip": "vip",
    "vip_reason": "vip",
    "blocked_at": "blocked",
    "held_at": "hold",
    "message_count": SAID,
    "visit_count": "visit",
    "last_active": WROTE,
}


class Bulletin:
    """Gathers people for one job: so many, or those of a few seconds. A context manager; what is left goes at its end."""

    def __init__(self) -> None:
        self.people: list[tuple[int, list[str], list[int]]] = []
        self.began = 0.0

    def __enter__(self) -> Bulletin:
        return self

    def __exit__(self, *_: object) -> None:
        self.send()

    def add(self, person_id: int, changed: Iterable[str], messages: Iterable[int]) -> None:
        """A person whose columns `changed` (or CREATED, HISTORY), and the ids of their newest messages of this import."""
        if not self.people:
            self.began = time.monotonic()
        names = sorted({NAMES.get(name, name) for name in changed})
        self.people.append((person_id, names, list(messages)[-MESSAGES_EACH:]))
        if len(self.people) == PEOPLE_TOGETHER or time.monotonic() - self.began > TOGETHER_SECONDS:
            self.send()

    def send(self) -> None:
        """Files the job, where there is somebody to tell of."""
        people, self.people = self.people, []
        if people:
            queue.file(kind=KIND, account_id=None, payload={"people": people}, total=len(people))


def _chunk(job: Job) -> Step:
    people = job.payload["people"]
    names = dict(living().filter(pk__in=[pk for pk, _, _ in people]).values_list("pk", "uuid"))
    announce(
        *(
            Event("user.imported", str(names[pk]), {"fields": fields, "messages": messages})
            for pk, fields, messages in people
            if pk in names
        )
    )
    return Step(None, done=len(people))


JOBS = Kind(_chunk)
