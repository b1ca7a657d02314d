"""Days and months of retention, by the calendar of the installation's time zone.

What is kept for a time is kept to the end of that day: it goes with the first sweep of a day whose cutoff lies after it.
A month back from the 31st is the last day of a shorter month, so nothing goes early.
"""

from __future__ import annotations

import calendar
import datetime as dt

from django.utils import timezone

from exports.retention_models import Unit


def today() -> dt.date:
    """The day that it is in the installation's time zone."""
    return timezone.now().astimezone(timezone.get_default_timezone()).date()


def start_of(day: dt.date) -> dt.datetime:
    """The first moment of a day in the installation's time zone."""
    return dt.datetime.combine(day, dt.time.min, tzinfo=timezone.get_default_timezone())


def cutoff(amount: int, unit: str, day: dt.date) -> dt.datetime:
    """What lies before this moment has been kept long enough on `day`."""
    if unit == Unit.DAYS:
        return start_of(day - dt.timedelta(days=amount))
    year, month = _months(day, -amount)
    return start_of(dt.date(year, month, min(day.day, calendar.monthrange(year, month)[1])))


def goes_on(amount: int, unit: str, at: dt.datetime) -> dt.date:
    """The first day whose cutoff lies after `at`."""
    day = at.astimezone(timezone.get_default_timezone()).date() + dt.timedelta(days=1)
    if unit == Unit.DAYS:
        return day + dt.timedelta(days=amount)
    year, month = _months(day, amount)
    if day.day <= calendar.monthrange(year, month)[1]:
        return dt.date(year, month, day.day)
    year, month = _months(dt.date(year, month, 1), 1)
    return dt.date(year, month, 1)


def later(day: dt.date, months: int) -> dt.date:
    """So many months after `day`, or the last day of that month."""
    year, month = _months(day, months)
    return dt.date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _months(day: dt.date, months: int) -> tuple[int, int]:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return year, month + 1
