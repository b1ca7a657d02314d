"""Erases again whom a restored backup brought back: everyone living whom the ledger names."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from exports import erasure
from exports.models import Approval, Erasure, Reason
from staff import audit
from users.models import ChatUser
from users.queries import living

PEOPLE_AT_ONCE = 5_000


@dataclass
class Replayed:
    """The erasures that were filed, how many people a legal hold of the backup's keeps, and who was left alone because
    nobody knows whether their erasure began (person, erasure)."""

    erasures: list[uuid.UUID] = field(default_factory=list)
    held: int = 0
    doubtful: list[tuple[uuid.UUID, str]] = field(default_factory=list)


def replay(
    erased: Mapping[str, str], doubtful: Mapping[str, str], *, also_doubtful: bool = False
) -> Replayed:
    """Files an erasure for everyone living whose hash is in `erased` (hash: the erasure's id then, which becomes the
    ticket), or in `doubtful` where the database knows that erasure, or `also_doubtful` says so. Raises
    ledger.Unwritable."""
    done = Replayed()
    for person, earlier, is_sure in _brought_back(erased, doubtful):
        if not is_sure and not also_doubtful and not _began(earlier):
            done.doubtful.append((person, earlier))
            continue
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


def _began(earlier: str) -> bool:
    """Whether its tombstone was committed: its row came with it."""
    return Erasure.objects.filter(pk=earlier, approval__in=[Approval.NONE, Approval.APPROVED]).exists()


def _brought_back(
    erased: Mapping[str, str], doubtful: Mapping[str, str]
) -> Iterator[tuple[uuid.UUID, str, bool]]:
    last = 0
    while people := list(
        living().filter(pk__gt=last).order_by("pk").values_list("pk", "uuid")[:PEOPLE_AT_ONCE]
    ):
        for _, person in people:
            own = audit.person_hash(person)
            earlier = erased.get(own) or doubtful.get(own)
            if earlier is not None:
                yield person, earlier, own in erased
        last = people[-1][0]
