"""Erases again whom a restored backup brought back: everyone living whom the ledger names."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from exports import erasure
from exports.models import Reason
from staff import audit
from users.models import ChatUser
from users.queries import living

PEOPLE_AT_ONCE = 5_000


@dataclass
class Replayed:
    """The erasures that were filed, and how many people a legal hold of the backup's keeps."""

    erasures: list[uuid.UUID] = field(default_factory=list)
    held: int = 0


def replay(erased: Mapping[str, str]) -> Replayed:
    """Files an erasure for everyone living whose hash is in `erased` (hash: the erasure's id then, which becomes the
    ticket). Raises ledger.Unwritable."""
    done = Replayed()
    for person, earlier in _brought_back(erased):
        try:
            filed = erasure.file(
                chat_user_uuid=person,
                actor=None,
                reason=Reason.OTHER,
                ticket=f"replay-{earlier.replace('-', '')}",
            )
        except ChatUser.DoesNotExist:  # somebody else was quicker
            continue
        except erasure.Held:
            done.held += 1
            continue
        done.erasures.append(filed)
    return done


def _brought_back(erased: Mapping[str, str]) -> Iterator[tuple[uuid.UUID, str]]:
    last = 0
    while people := list(
        living().filter(pk__gt=last).order_by("pk").values_list("pk", "uuid")[:PEOPLE_AT_ONCE]
    ):
        for _, person in people:
            earlier = erased.get(audit.person_hash(person))
            if earlier is not None:
                yield person, earlier
        last = people[-1][0]
