"""What is asked of what is collected."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from exports.collecting import Item

ON, OFF, OFF_AND_PURGE, PURGE = "on", "off", "off_and_purge", "purge"


class CollectForm(forms.Form):
    """An item, and what becomes of it."""

    item = forms.ChoiceField(
        choices=Item.choices,
        error_messages={
            "required": _("Say which."),
            "invalid_choice": _("There is no such thing to collect."),
        },
    )
    do = forms.ChoiceField(
        choices=[(do, do) for do in (ON, OFF, OFF_AND_PURGE, PURGE)],
        error_messages={"required": _("Say what to do."), "invalid_choice": _("Say what to do.")},
    )
