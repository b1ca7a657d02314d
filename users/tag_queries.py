"""Reads about the team's tags: the page of them, what a change would do, and what completes a typed beginning."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import F, IntegerField, Q, QuerySet
from django.db.models.expressions import RawSQL

from chatadmin.lib.paging import Cursor, Order, Page, page
from chatadmin.lib.tokens import folded
from users.models import Tag, Tagging

TAGS_PER_PAGE = 50
# Of a tag that many wear, people are counted so far on the page of all tags.
COUNTED = 1_000
SUGGESTED = 10
GOING_SHOWN = 10
LAST_CHARACTER = "\U0010ffff"
TAG_ORDER = Order("name_folded", descending=False, value_type=str)

# The few who are being erased are left out by their own index; joined to people, PostgreSQL hashes everyone first.
_WEARERS = """SELECT count(*) FROM (
    SELECT 1 FROM users_tagging WHERE tag_id = users_tag.id AND chat_user_id NOT IN (
        SELECT id FROM users_chatuser WHERE erased_at IS NOT NULL) LIMIT %s) AS counted"""


@dataclass(frozen=True)
class Moving:
    """What a merge does to the living who wear a tag: so many get the other for it, so many have both already."""

    people: int
    both: int


@dataclass(frozen=True)
class Going:
    """A tag on the way out: where to (None where it is deleted), and how many still wear it."""

    name: str
    into: str | None
    people: int


def tags_page(words: str, *, after: Cursor | None, before: Cursor | None) -> Page[Tag]:
    """A page of the tags whose names hold `words`, by name; each with `people`, exact up to COUNTED, then one more."""
    counted = RawSQL(_WEARERS, [COUNTED + 1], output_field=IntegerField())  # noqa: S611 - a number of ours
    found = named(words).annotate(people=counted)
    return page(found, TAG_ORDER, size=TAGS_PER_PAGE, after=after, before=before)


def named(words: str) -> QuerySet[Tag]:
    """The tags whose names hold `words`, whatever their case and accents; all of them for ""."""
    phrase = folded(words)
    return Tag.objects.filter(name_folded__contains=phrase) if phrase else Tag.objects.all()


def suggested(words: str) -> list[Tag]:
    """The best few for what somebody has typed so far: those that begin so, then those that hold it, by name."""
    phrase = folded(words)
    if phrase is None:
        return list(Tag.objects.order_by("name_folded")[:SUGGESTED])
    begins = Q(name_folded__gte=phrase, name_folded__lt=phrase + LAST_CHARACTER)
    found = list(Tag.objects.filter(begins).order_by("name_folded")[:SUGGESTED])
    if len(found) < SUGGESTED:
        others = named(words).exclude(begins).order_by("name_folded")
        found += others[: SUGGESTED - len(found)]
    return found


def tag_named(name: str) -> Tag | None:
    """The standing tag that is called so, whatever the case and accents."""
    phrase = folded(name)
    return Tag.objects.filter(name_folded=phrase).first() if phrase else None


def wearers(tag: Tag) -> int:
    """How many living people wear a tag."""
    return _worn(tag).count()


def moving(tag: Tag, into: Tag) -> Moving:
    """What merging `tag` into `into` would do."""
    both = _worn(tag).filter(chat_user__in=Tagging.objects.filter(tag=into).values("chat_user")).count()
    return Moving(wearers(tag) - both, both)


def going() -> list[Going]:
    """Tags that are still being taken off people, the oldest first."""
    found = Tag.everything.filter(going_at__isnull=False).order_by("going_at", "pk")
    rows = found.annotate(target=F("into__name"))[:GOING_SHOWN]
    return [Going(tag.name, tag.target, wearers(tag)) for tag in rows]


def _worn(tag: Tag) -> QuerySet[Tagging]:
    return Tagging.objects.filter(tag=tag, chat_user__erased_at=None)
