"""Proves the audit log: walks its chain from where it begins to its end and names what doesn't fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain as one_after_another

from staff.audit_chain import BEGINNING, fits, is_ours, link_of
from staff.audit_doubts import doubtful
from staff.models import AuditChain, AuditCheckpoint, AuditEntry

LINES_AT_ONCE = 2_000
# What the migration recorded that gave the lines marks.
TAKEN_OVER = "audit.taken_over"
# Lines that don't fit are tried at each other's places, to tell a moved one from a changed one; more of them aren't.
MOST_TRIED = 50
# Where lines stand next to each other that don't fit, the one after them may follow any of these.
LINKS_KEPT = 8


@dataclass(frozen=True)
class Finding:
    """What is wrong at one place of the chain, in words for the admin who proves it."""

    position: int | None
    what: str
    upto: int | None = None
    # Of a line without a place.
    number: int | None = None

    def __str__(self) -> str:
        if self.position is None:
            return f"unsealed line {self.number}: {self.what}"
        lines = (
            f"line {self.position}"
            if self.upto in {None, self.position}
            else f"lines {self.position} to {self.upto}"
        )
        return f"{lines}: {self.what}"


@dataclass
class _Walk:
    """How far the proof has come: the next place, and the links that the line there may follow (none are known
    behind a gap)."""

    position: int
    before: list[str]
    suspects: list[tuple[AuditEntry, str]] = field(default_factory=list)
    # Places from which a line may have been moved, and what it followed there.
    holes: list[tuple[int, list[str]]] = field(default_factory=list)

    @property
    def links(self) -> list[str]:
        """The links of the lines that don't fit."""
        return [entry.link or "" for entry, _ in self.suspects]


def findings() -> Iterator[Finding]:
    """Everything that is wrong, nothing where the log is whole. In flat memory, whatever its length.

    Raises chatadmin.lib.signatures.NoKey where there are checkpoints and no key to prove them with.
    """
    # Before the end of the chain is read: what is sealed while we look is no forgery.
    newest = AuditEntry.objects.exclude(position=None).order_by("-position").first()
    end = chain_end()
    for found in AuditCheckpoint.objects.order_by("position").iterator():
        if not is_ours(found):
            yield Finding(found.position, "forged: a checkpoint without our signature")
    walk = _Walk(1, [BEGINNING])
    _pass_cut(walk, end.position)
    for entry in _lines(end.position):
        yield from _look(walk, entry)
    yield from _look_at_end(walk, end)
    if newest is not None and newest.position is not None and newest.position > end.position:
        for entry in _lines(newest.position, after=end.position):
            yield from _suspect(walk, entry, "forged: behind the end of the chain")
    yield from _told_apart(walk)
    for number, what in doubtful():
        yield Finding(None, what, number=number)


def chain_end() -> AuditChain:
    """Where the chain ends."""
    return AuditChain.objects.filter(pk=1).first() or AuditChain(head=BEGINNING)


def checkpoint() -> AuditCheckpoint | None:
    """Where the log begins: the newest checkpoint that we signed; None where nothing was ever cut off."""
    return next((found for found in AuditCheckpoint.objects.order_by("-position") if is_ours(found)), None)


def taken_over() -> AuditEntry | None:
    """The sealed line that was recorded when lines first got marks: those before it were taken as they were found.
    None where every line ever had one, and where that is cut off."""
    return AuditEntry.objects.filter(verb=TAKEN_OVER).exclude(position=None).order_by("position").first()


def _lines(upto: int, after: int | None = None) -> Iterator[AuditEntry]:
    lines = AuditEntry.objects.filter(position__lte=upto).order_by("position")
    while True:
        part = lines if after is None else lines.filter(position__gt=after)
        entries = list(part[:LINES_AT_ONCE])
        yield from entries
        if len(entries) < LINES_AT_ONCE:
            return
        after = entries[-1].position


def _pass_cut(walk: _Walk, upto: int) -> None:
    """Goes on behind the newest checkpoint, where that is ahead: also one that was left while we looked."""
    found = checkpoint()
    if found is not None and walk.position <= found.position <= upto:
        walk.position, walk.before = found.position + 1, [found.head]


def _look(walk: _Walk, entry: AuditEntry) -> Iterator[Finding]:
    place = entry.position
    assert place is not None
    if place < walk.position:
        yield from _suspect(walk, entry, "forged: before the beginning of the log")
        return
    if place > walk.position:
        _pass_cut(walk, place - 1)
    if place > walk.position:
        yield from _missing(walk, place - 1)
    before = walk.before
    links = [entry.link or ""]
    if not any(fits(entry, place, link) for link in before):
        walk.holes.append((place, before))
        what = "changed" if before else "can't be proven without the line before it"
        yield from _suspect(walk, entry, what)
        # The line may be another one, or its link may be.
        links += [link_of(entry, place, link) for link in before[:1]] + before
    walk.before = links[:LINKS_KEPT]
    walk.position = place + 1


def _look_at_end(walk: _Walk, end: AuditChain) -> Iterator[Finding]:
    if walk.position <= end.position:
        _pass_cut(walk, end.position)
    if walk.position <= end.position:
        yield from _missing(walk, end.position)
    elif end.head not in walk.before and end.head not in walk.links:
        yield Finding(end.position, "changed: the chain ends with another link")


def _missing(walk: _Walk, upto: int) -> Iterator[Finding]:
    walk.holes.append((walk.position, walk.before))
    yield Finding(walk.position, "missing", upto)
    walk.position, walk.before = upto + 1, []


def _suspect(walk: _Walk, entry: AuditEntry, what: str) -> Iterator[Finding]:
    if len(walk.suspects) < MOST_TRIED:
        walk.suspects.append((entry, what))
    else:
        yield Finding(entry.position or 0, what)


def _told_apart(walk: _Walk) -> Iterator[Finding]:
    """What became of the lines that don't fit: one that fits at another place was moved from there, and nothing is
    wrong with one that fits where it is, behind a line that was moved."""
    for entry, what in walk.suspects:
        was = _place_of(entry, walk.holes[: 2 * MOST_TRIED], walk.links)
        if was is None:
            yield Finding(entry.position or 0, what)
        elif was != entry.position:
            yield Finding(entry.position or 0, f"moved: it was line {was}")


def _place_of(entry: AuditEntry, holes: Iterable[tuple[int, list[str]]], links: list[str]) -> int | None:
    for place, before in holes:
        if any(fits(entry, place, link) for link in one_after_another(before, links)):
            return place
    return None
