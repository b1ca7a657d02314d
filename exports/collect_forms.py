"""What is asked of what is collected."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from exports.collecting import Item

ON, OFF, OFF_AND_PURGE, PURGE = "on", "off", "off_and_purge", "purge"
WORD = "PURGE"


class CollectForm(forms.Form):
    """An item, and what becomes of it; `confirm` is the word without which nothing is purged."""

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
    confirm = forms.CharField(required=False, max_length=40)

    def clean_confirm(self) -> str:
        word: str = self.cleaned_data["confirm"].strip().upper()
        if word and word != WORD:
            raise forms.ValidationError(_("Type the word as it stands there."))
        return word

    @property
    def asks(self) -> bool:
        """Whether it is a purge that nobody has confirmed yet."""
        return self.cleaned_data.get("do") in (OFF_AND_PURGE, PURGE) and not self.cleaned_data.get("confirm")
