"""What is asked of a retention rule."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from exports.retention_models import MOST_OF_UNIT, Unit, What, Whose
from staff.forms import MarkedForm

ON, OFF, REMOVE = "on", "off", "remove"


class RuleForm(MarkedForm):
    """Whose data, which, and how long they are kept."""

    whose = forms.ChoiceField(label=_("Whose"), choices=Whose.choices)
    what = forms.ChoiceField(label=_("What"), choices=What.choices)
    amount = forms.IntegerField(
        label=_("Keep for"), min_value=1, max_value=max(MOST_OF_UNIT.values()), localize=False
    )
    unit = forms.ChoiceField(label=_("Days or months"), choices=Unit.choices)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        unit, amount = cleaned.get("unit"), cleaned.get("amount")
        if unit and amount and amount > MOST_OF_UNIT[Unit(unit)]:
            words = _now("At most {n} {unit}.")
            self.add_error("amount", words.format(n=MOST_OF_UNIT[Unit(unit)], unit=Unit(unit).label))
        if cleaned.get("what") == What.AUDIT and cleaned.get("whose", Whose.EVERYONE) != Whose.EVERYONE:
            self.add_error("whose", _now("The audit log is kept whole: choose everyone."))
        return cleaned


class SwitchForm(forms.Form):
    """What to do with a rule."""

    do = forms.ChoiceField(
        choices=[(ON, ON), (OFF, OFF), (REMOVE, REMOVE)],
        error_messages={"required": _("Say what to do."), "invalid_choice": _("Say what to do.")},
    )
