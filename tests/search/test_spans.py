"""When the messages of each stretch of ids were sent: what the sweep keeps, and that it changes no search's answer."""

from __future__ import annotations

import datetime as dt
import random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chatadmin.jobs import SCHEDULE
from chatadmin.lib.budget import Budget
from conversations.models import Conversation, Message
from search import extent, matches, spans
from search.extent import id_bounds
from search.hits import Hit
from search.matches import Sought
from search.messages import find_hits
from search.spans import MessageSpan, fill_spans, sweep_spans
from search.words import Words
from tests.factories import make_person

pytestmark = pytest.mark.django_db
T = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
PIECE = 8


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "PIECE_BITS", 3)


def make_talk(moments: dict[int, dt.datetime], people: int = 5) -> None:
    """A message for each id, sent then; each third one says refund."""
    talks = [Conversation.objects.create(chat_user=make_person(f"P{at}")) for at in range(people)]
    Message.objects.bulk_create(
        Message(
            id=number,
            conversation=(talk := talks[number * 7 % people]),
            chat_user_id=talk.chat_user_id,
            sender="visitor",
            body=(body := "refund please" if number % 3 == 0 else "hello"),
            tokens=body,
            created_at=at,
        )
        for number, at in moments.items()
    )


def daily(count: int, start: int = 1) -> dict[int, dt.datetime]:
    """A message a day."""
    return {start + at: T + at * DAY for at in range(count)}


def kept() -> dict[int, tuple[dt.datetime | None, dt.datetime | None]]:
    return {span.number: (span.first_at, span.last_at) for span in MessageSpan.objects.all()}


def let_settle() -> None:
    MessageSpan.objects.update(noticed_at=timezone.now() - spans.SETTLED - dt.timedelta(seconds=1))


def ids_of(sent_from: dt.datetime | None, sent_to: dt.datetime | None) -> tuple[int, int] | None:
    bounds = id_bounds(sent_from, sent_to)
    return (bounds.low, bounds.below) if bounds else None


# -- the sweep


def test_full_pieces_are_noticed_and_filled_once_they_are_settled() -> None:
    make_talk(daily(20))
    sweep_spans()
    sweep_spans()
    assert kept() == {0: (None, None), 1: (None, None)}, "nobody waits for the newest"
    let_settle()
    sweep_spans()
    assert kept() == {0: (T, T + 6 * DAY), 1: (T + 7 * DAY, T + 14 * DAY)}
    Message.objects.filter(pk__lt=4).delete()
    sweep_spans()
    assert kept()[0] == (T, T + 6 * DAY), "wider than it need be, and never looked at again"


def test_a_run_is_bounded_and_the_next_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "AT_ONCE", 2)
    make_talk(daily(7 * PIECE))
    seen = []
    for _ in range(5):
        sweep_spans()
        let_settle()
        found = kept()
        seen.append((len(found), sum(first is not None for first, _ in found.values())))
    assert seen == [(2, 0), (4, 2), (6, 4), (7, 6), (7, 7)]


def test_everything_at_once() -> None:
    assert fill_spans() == 0
    make_talk(daily(40))
    assert fill_spans(limit=2) == 2
    assert fill_spans() == 3
    assert list(kept()) == [0, 1, 2, 3, 4]
    assert fill_spans() == 0


def test_gaps_between_pieces_are_known_and_ages_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "AT_ONCE", 10)
    make_talk(daily(2 * PIECE, 40) | daily(2 * PIECE, 80) | daily(2 * PIECE, 2**40) | daily(9, -20))
    fill_spans()
    far = 2**40 >> 3
    assert sorted(kept()) == [5, 6, 7, 8, 9, 10, 11, far]
    assert all(first is not None for first, _ in kept().values())


def test_the_schedule_has_it() -> None:
    assert sweep_spans in [sweep.run for sweep in SCHEDULE.sweeps]


# -- the bounds


def test_a_time_is_some_ids() -> None:
    make_talk(daily(10 * PIECE))
    whole = (1, 10 * PIECE + 1)
    assert ids_of(T + 30 * DAY, T + 35 * DAY) == whole, "nothing is known yet"
    fill_spans()
    assert ids_of(T + 30 * DAY, T + 35 * DAY) == (24, 40)
    assert ids_of(None, T + 3 * DAY) == (1, 8)
    assert ids_of(T + 78 * DAY, None) == (72, 81)
    assert ids_of(T + 200 * DAY, None) == (80, 81), "what no span is about may be of any time"
    assert ids_of(None, T) is None
    assert ids_of(None, None) == whole
    assert ids_of(T, T + 500 * DAY) == whole


def test_a_piece_without_a_span_may_hold_any_time() -> None:
    make_talk(daily(10 * PIECE))
    fill_spans()
    MessageSpan.objects.filter(number=6).delete()
    assert ids_of(T + 30 * DAY, T + 35 * DAY) == (24, 56)
    assert ids_of(T + 78 * DAY, None) == (48, 81)
    MessageSpan.objects.filter(number=2).update(first_at=None, last_at=None)
    assert ids_of(T + 30 * DAY, T + 35 * DAY) == (16, 56)


def test_imported_messages_have_no_lower_bound() -> None:
    make_talk(daily(10 * PIECE) | {-4: T + 40 * DAY, -1: T + 90 * DAY})
    fill_spans()
    assert ids_of(T + 60 * DAY, T + 61 * DAY) == (-4, 64)
    assert ids_of(T - DAY, T) == (-4, 0)


def test_the_newest_are_read_unless_they_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    make_talk(daily(10 * PIECE) | {10 * PIECE + 2: T})
    fill_spans()
    Message.objects.filter(pk__gte=10 * PIECE).update(created_at=T + 100 * DAY)
    assert ids_of(None, T + DAY) == (1, 8)
    Message.objects.filter(pk=10 * PIECE + 2).update(created_at=T)
    assert ids_of(None, T + DAY) == (1, 10 * PIECE + 3)
    Message.objects.filter(pk=10 * PIECE + 2).update(created_at=T + 100 * DAY)
    monkeypatch.setattr(extent, "TAIL_MOST", 2)
    assert ids_of(None, T + DAY) == (1, 10 * PIECE + 3)


def test_four_reads_however_many_there_are() -> None:
    make_talk(daily(30 * PIECE))
    fill_spans()
    with CaptureQueriesContext(connection) as captured:
        id_bounds(T + 30 * DAY, T + 35 * DAY)
    assert len(captured) == 4


# -- the searches


def pages(sought: Sought) -> list[list[Hit]]:
    found, after = [], None
    while True:
        page = find_hits(sought, size=2, most=100, budget=Budget(60), after=after)
        assert page.stopped is None
        found.append(page.hits)
        after = page.after
        if after is None:
            return found


@pytest.mark.parametrize("seed", range(6))
def test_with_and_without_spans_the_same_is_found(seed: int) -> None:
    rng = random.Random(seed)
    ids = [number for number in range(-15 if seed % 3 == 0 else 1, 200) if number and rng.random() < 0.9]
    moments = {
        number: T + (number + rng.gauss(0, 6)) * DAY if rng.random() < 0.97 else T + rng.randrange(200) * DAY
        for number in ids
    }
    make_talk(moments)
    ranges = []
    for _ in range(25):
        start = T + rng.randrange(-10, 210) * DAY
        ranges.append(
            (
                start if rng.random() < 0.8 else None,
                start + rng.choice([1, 7, 60]) * DAY if rng.random() < 0.8 else None,
            )
        )
    words = Words.parse("refund")
    without = [pages(Sought(words, *sent)) for sent in ranges]
    fill_spans()
    MessageSpan.objects.filter(number__in=rng.sample(range(25), seed)).delete()
    seen = 0
    for sent, before in zip(ranges, without, strict=True):
        low, below = ids_of(*sent) or (0, 0)
        inside = [
            number
            for number, at in moments.items()
            if (sent[0] is None or at >= sent[0]) and (sent[1] is None or at < sent[1])
        ]
        assert all(low <= number < below for number in inside)
        assert pages(Sought(words, *sent)) == before
        seen += sum(len(page) for page in before)
    assert seen > 50


def test_a_bounded_search_looks_at_few_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []
    for name in ("read", "newest"):
        noting(name, looked_at, monkeypatch)
    make_talk(daily(100 * PIECE))
    sought = Sought(Words.parse("refund"), T + 400 * DAY, T + 410 * DAY)
    found = pages(sought)
    before = sum(looked_at)
    assert before >= 100 * PIECE
    looked_at.clear()
    fill_spans()
    assert pages(sought) == found
    assert 10 < sum(looked_at) < before / 10


def noting(name: str, looked_at: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Notes how many ids each call of that statement is about."""
    statement = getattr(matches, name)

    def noted(sought: Sought, *, low: int, below: int, **rest: object) -> list[Hit]:
        looked_at.append(below - low)
        found: list[Hit] = statement(sought, low=low, below=below, **rest)
        return found

    monkeypatch.setattr(matches, name, noted)
