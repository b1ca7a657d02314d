"""What is asked before a hold is placed or lifted."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from exports.models import TICKET_PATTERN, HoldReason
from staff.forms import MarkedForm

PLACE, LIFT = "place", "lift"
# Nobody here gives the reason of an import.
GIVEN = [choice for choice in HoldReason.choices if choice[0] != HoldReason.IMPORTED]


class HoldForm(MarkedForm):
    """Place a hold, for a reason and on a reference; or lift it."""

    do = forms.ChoiceField(
        choices=[(PLACE, PLACE), (LIFT, LIFT)],
        error_messages={"required": _("Say what to do."), "invalid_choice": _("Say what to do.")},
    )
    reason = forms.ChoiceField(
        label=_("Why"),
        required=False,
        choices=[("", _("Choose a reason")), *GIVEN],
        error_messages={"invalid_choice": _("Choose one of the reasons.")},
    )
    ticket = forms.RegexField(
        label=_("Ticket or file number"),
        regex=TICKET_PATTERN,
        required=False,
        strip=True,
        help_text=_("Letters, digits and dashes. No names: this stays when the person is gone."),
        error_messages={"invalid": _("At most 40 letters, digits and dashes. No names: this stays.")},
        widget=forms.TextInput(attrs={"maxlength": 40, "spellcheck": "false", "autocomplete": "off"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("do") == PLACE and "reason" not in self.errors and not cleaned.get("reason"):
            self.add_error("reason", _("Choose why."))
        return cleaned
