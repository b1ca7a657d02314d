"""Whether all that was acknowledged is in the database, once and in order, and the counters say so."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Sequence
from typing import Any

from bench.live.visitors import Visitor
from conversations.counters import wrong
from conversations.models import Message

KEYS = ("lost", "unordered", "doubled", "counters")


def proof(visitors: Sequence[Visitor], *, with_counters: bool = True) -> dict[str, int]:
    """How many messages were `acknowledged`, and of these are `lost`; how many are there twice (`doubled`), how many
    were acknowledged out of order (`unordered`), how many kept `counters` are wrong."""
    found = dict.fromkeys(("acknowledged", *KEYS), 0)
    for visitor in visitors:
        stored = [
            (str(key), pk)
            for pk, key in Message.objects.filter(chat_user__uuid=uuid.UUID(visitor.uuid))
            .order_by("pk")
            .values_list("pk", "client_id")
        ]
        said = visitor.acknowledged
        found["acknowledged"] += len(said)
        found["lost"] += len(set(said) - set(stored))
        found["doubled"] += len(stored) - len({key for key, _ in stored})
        found["unordered"] += sum(later[1] <= earlier[1] for earlier, later in itertools.pairwise(said))
    if with_counters:
        # Of these visitors only: the stock consumer's people are in the same database.
        theirs = {visitor.uuid for visitor in visitors}
        found["counters"] = sum(one.person in theirs for one in wrong())
    return found


def is_right(found: dict[str, Any]) -> bool:
    """Whether nothing is wrong with it."""
    return not any(found[key] for key in KEYS)
