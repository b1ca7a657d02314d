"""Times in the viewer's zone: `{% moment value "relative" %}`. The browser goes on from the same words and patterns."""

from __future__ import annotations

import datetime as dt
import functools
from html import escape

from django import template
from django.utils import timezone
from django.utils.html import json_script
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

from users.written import written

register = template.Library()

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
# A clock may be this far ahead of ours before what it says counts as the future.
SKEW_SECONDS = 2 * MINUTE


def patterns() -> dict[str, str]:
    """How each style is written, in Django's letters."""
    return _patterns(get_language())


def words() -> dict[str, str]:
    """The words of `relative` and `duration` that a browser can't make itself."""
    return _words(get_language())


@functools.cache
def _patterns(_language: str | None) -> dict[str, str]:
    # A list of fifty asks hundreds of times.
    return {
        "date": pgettext("date format", "j M Y"),
        "datetime": pgettext("date format", "j M Y, H:i"),
        "clock": pgettext("date format", "H:i"),
        "day": pgettext("date format", "l j F Y"),
        "full": pgettext("date format", "j M Y, H:i:s"),
    }


@functools.cache
def _words(_language: str | None) -> dict[str, str]:
    return {
        "just_now": _("just now"),
        "yesterday": _("Yesterday, %(time)s"),
        "seconds": _("%(s)s s"),
        "minutes": _("%(m)s min"),
        "minutes_seconds": _("%(m)s min %(s)s s"),
        "hours": _("%(h)s h %(m)s min"),
        "days": _("%(d)s d %(h)s h"),
    }


@register.simple_tag
def time_words() -> SafeString:
    """Words and patterns as data for times.js, once a page."""
    return json_script({"patterns": patterns(), "words": words()}, "time-words")


@register.simple_tag
def moment(value: dt.datetime | None, style: str = "datetime") -> SafeString | str:
    """A `<time>` in UTC, shown as `date`, `datetime`, `clock`, `day` or `relative`; "" where there is none."""
    if value is None:
        return ""
    local, language = timezone.localtime(value), get_language()
    is_relative = style == "relative"
    shown = _relative(local, timezone.now(), language) if is_relative else _written(local, style, language)
    full = _written(local, "full", language)
    # A list of fifty has two hundred: piece by piece, `format_html` takes twice as long.
    html = f'<time datetime="{utc_iso(value)}" data-format="{escape(style)}" title="{escape(full)}">{escape(shown)}</time>'
    return mark_safe(html)  # noqa: S308 - each piece is escaped


def relative(value: dt.datetime, now: dt.datetime | None = None) -> str:
    """`just now`, `5 minutes ago`, `2 hours ago`, `Yesterday, 16:20`, else the date."""
    return _relative(timezone.localtime(value), now or timezone.now(), get_language())


def _relative(local: dt.datetime, now: dt.datetime, language: str | None) -> str:
    seconds = int((now - local).total_seconds())
    if seconds < -SKEW_SECONDS:
        return _written(local, "datetime", language)
    if seconds < MINUTE:
        return _words(language)["just_now"]
    if seconds < HOUR:
        return ngettext("%(n)d minute ago", "%(n)d minutes ago", seconds // MINUTE) % {"n": seconds // MINUTE}
    day, today = local.date(), now.astimezone(local.tzinfo).date()
    if day == today:
        return ngettext("%(n)d hour ago", "%(n)d hours ago", seconds // HOUR) % {"n": seconds // HOUR}
    if day == today - dt.timedelta(days=1):
        return _words(language)["yesterday"] % {"time": _written(local, "clock", language)}
    return _written(local, "date", language)


@register.filter
@register.simple_tag
def duration(length: float | dt.timedelta) -> str:
    """`45 s`, `12 min`, `3 h 5 min`, `2 d 4 h`, from seconds or a timedelta."""
    total = max(0, int(length.total_seconds() if isinstance(length, dt.timedelta) else length))
    said = words()
    if total < MINUTE:
        return said["seconds"] % {"s": total}
    if total < HOUR:
        return said["minutes"] % {"m": total // MINUTE}
    if total < DAY:
        return said["hours"] % {"h": total // HOUR, "m": total % HOUR // MINUTE}
    return said["days"] % {"d": total // DAY, "h": total % DAY // HOUR}


@register.simple_tag
def since(value: dt.datetime | None) -> str:
    """The duration from `value` to now; "" where there is none."""
    return duration(timezone.now() - value) if value is not None else ""


@register.filter
def utc_iso(value: dt.datetime | None) -> str:
    """UTC ISO 8601 to the second, for attributes; "" where there is none."""
    return value.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if value else ""


def _written(local: dt.datetime, style: str, language: str | None) -> str:
    return written(local, _patterns(language)[style], language)
