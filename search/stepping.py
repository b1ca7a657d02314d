"""A list that met its budget goes on by itself, a few steps: each brings the people whom the next budget finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms

from search.filters import UserFilters
from search.queries import PAGE_SIZE, Found

STEPS = 12
MOST_SHOWN = PAGE_SIZE * STEPS


class StepForm(forms.Form):
    """How far the page has come: `step` is the number of this one, `shown` the people on the page before it."""

    step = forms.IntegerField(min_value=1, max_value=STEPS)
    shown = forms.IntegerField(min_value=0, max_value=MOST_SHOWN)


@dataclass(frozen=True)
class Progress:
    """What the page shows with this part of it. `total`, `and_more`: people in all, as far as it is known.

    `step`: the number of this part, 0 for a page as it is opened. `goes_on`: whether the page asks for the next part
    by itself.
    """

    step: int
    shown: int
    total: int
    and_more: bool
    goes_on: bool

    @property
    def next_step(self) -> int:
        """The number of the part after this one."""
        return self.step + 1


def step_of(given: Any) -> StepForm | None:
    """The step that a request asks for; None where it asks for a whole list."""
    form = StepForm(given)
    return form if form.is_valid() else None


def progress(filters: UserFilters, found: Found, step: StepForm | None) -> Progress:
    """How far the page is with what was found now."""
    if step is None:
        is_first = not (filters.after or filters.before)
        goes_on = found.go_on is not None and is_first and len(found.rows) < PAGE_SIZE
        return Progress(0, len(found.rows), found.total, found.and_more, goes_on)
    number, shown = step.cleaned_data["step"], step.cleaned_data["shown"] + len(found.rows)
    is_all = not (found.go_on or found.after)
    return Progress(
        number,
        shown,
        total=shown if is_all else max(shown, found.total),
        and_more=found.and_more and not is_all,
        goes_on=found.go_on is not None and shown < PAGE_SIZE and number < STEPS,
    )
