"""What the log says of the seals, held against the chain: a tail that was cut off the table can't be seen from it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from staff.audit_proof import Finding, chain_end, checkpoint
from staff.audit_sealing import EVENT
from staff.models import AuditEntry

SEALS_AT_ONCE = 500
_PAIR = re.compile(r"\b(number|position|head)=([0-9a-f]{1,64})(?=\s|$)")


@dataclass(frozen=True)
class Seal:
    """What the log said: the seal's number, the last line under it, and that line's link."""

    number: int
    position: int
    head: str


def seals_in(lines: Iterable[str]) -> Iterator[Seal]:
    """The seals among the lines of a log; whatever else it says is passed over."""
    for line in lines:
        if EVENT not in line:
            continue
        said = dict(_PAIR.findall(line))
        number, position, head = (said.get(name, "") for name in ("number", "position", "head"))
        if number.isdecimal() and position.isdecimal() and len(position) <= 18 and len(head) == 64:
            yield Seal(int(number), int(position), head)


def disagreements(seals: Iterable[Seal]) -> Iterator[Finding]:
    """What the chain doesn't say as the seals do. Lines that were cut off behind a checkpoint can't be asked."""
    cut, left = checkpoint(), iter(seals)
    begins, cut_head = (cut.position, cut.head) if cut else (0, "")
    ends = chain_end().position
    while part := list(islice(left, SEALS_AT_ONCE)):
        if any(seal.position > ends for seal in part):
            # Sealed since we looked.
            ends = chain_end().position
        links = _links(seal.position for seal in part)
        for seal in part:
            if seal.position > ends:
                yield Finding(
                    seal.position, f"missing: seal {seal.number} is on it, the log ends at line {ends}"
                )
            elif seal.position == begins and seal.head != cut_head:
                yield Finding(seal.position, f"changed: seal {seal.number} is not that of the checkpoint")
            elif seal.position > begins and links.get(seal.position) != seal.head:
                yield Finding(seal.position, f"changed or missing: seal {seal.number} is on another line")


def _links(positions: Iterable[int]) -> dict[int | None, str | None]:
    lines = AuditEntry.objects.filter(position__in=list(positions))
    return dict(lines.values_list("position", "link"))
