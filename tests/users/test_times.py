"""Times as pages show them: the words, the zone, the patterns, and what the browser is given to go on."""

from __future__ import annotations

import datetime as dt
import json
import re
import zoneinfo

import pytest
from django.template import Context, Template
from django.utils import timezone

from users.templatetags.times import duration, moment, patterns, relative, since, utc_iso, words

NOON = dt.datetime(2026, 11, 24, 12, 0, 30, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (NOON, "just now"),
        (NOON - dt.timedelta(seconds=59), "just now"),
        (NOON + dt.timedelta(seconds=100), "just now"),
        (NOON + dt.timedelta(hours=2), "24 Nov 2026, 14:00"),
        (NOON - dt.timedelta(seconds=60), "1 minute ago"),
        (NOON - dt.timedelta(minutes=59, seconds=59), "59 minutes ago"),
        (NOON - dt.timedelta(hours=1), "1 hour ago"),
        (NOON - dt.timedelta(hours=12), "12 hours ago"),
        (NOON - dt.timedelta(hours=12, seconds=31), "Yesterday, 23:59"),
        (NOON - dt.timedelta(days=1, hours=12), "Yesterday, 00:00"),
        (NOON - dt.timedelta(days=1, hours=12, seconds=31), "22 Nov 2026"),
        (dt.datetime(2024, 2, 29, tzinfo=dt.UTC), "29 Feb 2024"),
    ],
)
def test_relative(value: dt.datetime, shown: str) -> None:
    assert relative(value, NOON) == shown


def test_yesterday_is_the_viewers_yesterday() -> None:
    value = dt.datetime(2026, 11, 24, 7, 30, tzinfo=dt.UTC)
    assert relative(value, NOON) == "4 hours ago"
    with timezone.override(zoneinfo.ZoneInfo("America/Los_Angeles")):
        assert relative(value, NOON) == "Yesterday, 23:30"


def test_a_minute_after_midnight_is_not_yesterday_yet() -> None:
    midnight = dt.datetime(2026, 11, 24, 0, 1, tzinfo=dt.UTC)
    assert relative(midnight - dt.timedelta(minutes=5), midnight) == "5 minutes ago"


@pytest.mark.parametrize(
    ("style", "shown"),
    [
        ("date", "24 Nov 2026"),
        ("datetime", "24 Nov 2026, 21:00"),
        ("clock", "21:00"),
        ("day", "Tuesday 24 November 2026"),
    ],
)
def test_each_style_in_the_viewers_zone(style: str, shown: str) -> None:
    with timezone.override(zoneinfo.ZoneInfo("Asia/Tokyo")):
        html = Template("{% load times %}{% moment value style %}").render(
            Context({"value": NOON, "style": style})
        )
    assert html == (
        f'<time datetime="2026-11-24T12:00:30Z" data-format="{style}" title="24 Nov 2026, 21:00:30">{shown}</time>'
    )


def test_another_zones_moment_is_told_in_utc() -> None:
    value = NOON.astimezone(zoneinfo.ZoneInfo("Asia/Kolkata"))
    assert utc_iso(value) == "2026-11-24T12:00:30Z"
    assert 'datetime="2026-11-24T12:00:30Z"' in str(moment(value))


def test_no_time_is_nothing() -> None:
    assert moment(None) == ""
    assert since(None) == ""
    assert utc_iso(None) == ""


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h 0 min"),
        (86_399, "23 h 59 min"),
        (86_400, "1 d 0 h"),
        (400 * 86_400 + 7200, "400 d 2 h"),
        (dt.timedelta(minutes=3), "3 min"),
    ],
)
def test_durations(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_since_counts_from_then_to_now() -> None:
    assert since(timezone.now() - dt.timedelta(minutes=3, seconds=20)) == "3 min"


def test_the_browser_is_given_the_same_words_as_data() -> None:
    html = Template("{% load times %}{% time_words %}").render(Context())
    found = re.fullmatch(r'<script id="time-words" type="application/json">(.*)</script>', html)
    assert found
    assert json.loads(found[1]) == {"patterns": patterns(), "words": words()}
