"""Times in the viewer's zone: `{% moment value "relative" %}`. The browser goes on from the same attributes."""

from __future__ import annotations

import datetime as dt

from django import template
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

register = template.Library()

FORMATS = {"date": "j M Y", "datetime": "j M Y, H:i", "clock": "H:i", "day": "l j F Y"}
HOUR = 3600
DAY = 24 * HOUR


@register.simple_tag
def moment(value: dt.datetime | None, style: str = "datetime") -> SafeString | str:
    """A `<time>` in UTC, shown as `date`, `datetime`, `clock`, `day` or `relative`; "" where there is none."""
    if value is None:
        return ""
    utc = value.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    local = timezone.localtime(value)
    shown = relative(value) if style == "relative" else formats.date_format(local, FORMATS[style])
    return format_html(
        '<time datetime="{}" data-format="{}" title="{}">{}</time>',
        utc,
        style,
        formats.date_format(local, "j M Y, H:i:s"),
        shown,
    )


def relative(value: dt.datetime, now: dt.datetime | None = None) -> str:
    """`just now`, `5 minutes ago`, `2 hours ago`, `Yesterday, 16:20`, else the date."""
    now = now or timezone.now()
    seconds = int((now - value).total_seconds())
    if seconds < 60:
        return _("just now")
    if seconds < HOUR:
        return ngettext("%(n)d minute ago", "%(n)d minutes ago", seconds // 60) % {"n": seconds // 60}
    local, today = timezone.localtime(value), timezone.localtime(now).date()
    if local.date() == today:
        return ngettext("%(n)d hour ago", "%(n)d hours ago", seconds // HOUR) % {"n": seconds // HOUR}
    if local.date() == today - dt.timedelta(days=1):
        return _("Yesterday, %(time)s") % {"time": formats.date_format(local, "H:i")}
    return formats.date_format(local, "j M Y")


@register.filter
@register.simple_tag
def duration(seconds: float | dt.timedelta) -> str:
    """`45 s`, `12 min`, `3 h 5 min`, `2 d 4 h`."""
    total = int(seconds.total_seconds() if isinstance(seconds, dt.timedelta) else seconds)
    if total < 60:
        return _("%(s)d s") % {"s": max(total, 0)}
    if total < HOUR:
        return _("%(m)d min") % {"m": total // 60}
    if total < DAY:
        return _("%(h)d h %(m)d min") % {"h": total // HOUR, "m": total % HOUR // 60}
    return _("%(d)d d %(h)d h") % {"d": total // DAY, "h": total % DAY // HOUR}


@register.simple_tag
def since(value: dt.datetime | None) -> str:
    """The duration from `value` to now."""
    return duration(timezone.now() - value) if value is not None else ""


@register.filter
def utc_iso(value: dt.datetime | None) -> str:
    """UTC ISO 8601 to the second, for attributes."""
    return value.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if value else ""
