"""Days of the calendar as pages take them in, and the moments at which they begin and end for the viewer."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

FIRST_YEAR, LAST_YEAR = 1900, 9_000


class DayField(forms.DateField):
    """A day of the calendar, as ISO writes it; at its far ends other time zones have none."""

    def __init__(self, **options: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%d"], **options)

    def to_python(self, value: Any) -> dt.date | None:
        try:
            day = super().to_python(value)
        except (ValidationError, ValueError, OverflowError):
            raise ValidationError(
                _("This isn't a day of the calendar: write it like 2026-02-28."), code="day"
            ) from None
        if day is not None and not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise ValidationError(_("This day is out of reach."), code="day")
        return day


def beginning(day: dt.date) -> dt.datetime:
    """The moment at which `day` begins for the viewer, in UTC."""
    local = dt.datetime.combine(day, dt.time.min, timezone.get_current_timezone())
    return local.astimezone(dt.UTC)


def ending(day: dt.date) -> dt.datetime:
    """The moment at which the day after `day` begins for the viewer, in UTC."""
    return beginning(day + dt.timedelta(days=1))
