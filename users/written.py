"""Moments and numbers as a language writes them, the same as Django does: a page has hundreds of them."""

from __future__ import annotations

import datetime as dt
import functools
import re

from django.utils import dateformat
from django.utils.formats import localize

_PLAIN = {
    "d": "{0.day:02}",
    "j": "{0.day}",
    "Y": "{0.year:04}",
    "H": "{0.hour:02}",
    "G": "{0.hour}",
    "i": "{0.minute:02}",
    "s": "{0.second:02}",
}
# Decided by the month alone: its name, in one form or another, or its number.
_MONTHLY = "FMNbEnm"


def number(value: int) -> str:
    """A whole number in the active language."""
    return str(value) if -1000 < value < 1000 else str(localize(value))


def written(value: dt.datetime, pattern: str, language: str | None) -> str:
    """`value` as `pattern` writes it in `language`, which is the active one: the same as Django's `dateformat`."""
    by_month = _by_month(language, pattern)
    return by_month[value.month - 1].format(value) if by_month else dateformat.format(value, pattern)


@functools.cache
def _by_month(_language: str | None, pattern: str) -> list[str]:
    """What to fill in in each month; nothing where the pattern has letters that want more than that."""
    letters = set(re.findall(dateformat.re_formatchars, pattern))
    if "\\" in pattern or not letters <= {*_PLAIN, *_MONTHLY}:
        return []
    return ["".join(_filled(sign, month) for sign in pattern) for month in range(1, 13)]


def _filled(sign: str, month: int) -> str:
    if sign in _PLAIN:
        return _PLAIN[sign]
    text = dateformat.format(dt.date(2000, month, 1), sign) if sign in _MONTHLY else sign
    return text.replace("{", "{{").replace("}", "}}")
