"""Moments by patterns: the same as Django writes, in every language that it knows and whatever the pattern."""

from __future__ import annotations

import datetime as dt

import pytest
from django.conf.locale import LANG_INFO
from django.utils import dateformat, translation

from users.templatetags.times import patterns
from users.written import written

MOMENTS = [dt.datetime(2026, month, 3 + month, 2 * month - 1, 5, 9, tzinfo=dt.UTC) for month in range(1, 13)]
EARLY = dt.datetime(99, 12, 31, 0, 0, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize("language", sorted(LANG_INFO))
def test_every_language_is_written_as_django_writes_it(language: str) -> None:
    with translation.override(language):
        active = translation.get_language()
        for pattern in patterns().values():
            for value in [*MOMENTS, EARLY]:
                assert written(value, pattern, active) == dateformat.format(value, pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "Y年n月j日 G:i",
        "d.m.Y",
        "j \\d\\e F Y",
        "{0} j {Y}",
        "N j, Y, P",
        "jS F y",
        "l, j. F Y",
        "",
        "H\\h i",
        "E b t",
    ],
)
@pytest.mark.parametrize("language", ["en", "de", "ja", "ar", "ru", "uk"])
def test_a_translator_may_write_any_pattern(pattern: str, language: str) -> None:
    with translation.override(language):
        for value in MOMENTS:
            assert written(value, pattern, language) == dateformat.format(value, pattern)


def test_months_are_each_languages_own() -> None:
    shown = []
    for language in ("de", "en", "de"):
        with translation.override(language):
            shown.append(written(MOMENTS[11], "F", language))
    assert shown == ["Dezember", "December", "Dezember"]
