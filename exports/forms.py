"""What is asked before an export and before an erasure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from chatadmin.lib.tokens import fold
from exports.models import TICKET_PATTERN, Reason
from exports.stream import Form, LeaveOut
from users.models import ChatUser

WORD_LETTERS = 12


class FormatForm(forms.Form):
    """Which form an export has."""

    format = forms.ChoiceField(
        choices=[(Form.JSON.value, "JSON"), (Form.CSV.value, "CSV")],
        error_messages={"required": _("Choose JSON or CSV."), "invalid_choice": _("Choose JSON or CSV.")},
    )


class ExportForm(FormatForm):
    """Which form one person's export has, and what it is made without."""

    leave_out = forms.MultipleChoiceField(
        required=False,
        choices=[
            (LeaveOut.NOTES.value, _("Internal notes")),
            (LeaveOut.ACCESSES.value, _("Who of the team looked at, changed or exported it")),
        ],
        error_messages={"invalid_choice": _("Choose one of what can be left out.")},
    )


class TokenForm(forms.Form):
    """By which a page asks how far its download is."""

    token = forms.RegexField(regex=r"^[0-9a-f]{16}\Z", required=False)

    def given(self) -> str:
        """Nothing where there is none, or a wrong one."""
        return self.cleaned_data.get("token", "") if self.is_valid() else ""


def confirm_word(person: ChatUser, messages: int) -> str:
    """The word to type before a deletion: capital letters or digits, a dash, the number of messages.

    The letters are those of the first word of the name (`MARIAM-214`), where all of it can be typed on any
    keyboard; else the short id (`7F3A2C91-214`).
    """
    first = fold(person.name).split()[:1]
    letters = "".join(char for char in first[0] if char.isalpha()) if first else ""
    if not (letters.isascii() and len(letters) >= 2):
        letters = person.short_id.replace("-", "")
    return f"{letters[:WORD_LETTERS].upper()}-{messages}"


class DeleteForm(forms.Form):
    """Why, on whose request, and the typed word.

    `shown` is the number of messages on the page that was filled in: somebody who writes on while they are being
    deleted would otherwise change the word faster than it can be typed.
    """

    reason = forms.ChoiceField(
        label=_("Why"),
        choices=[("", _("Choose a reason")), *Reason.choices],
        error_messages={"required": _("Choose why."), "invalid_choice": _("Choose one of the reasons.")},
    )
    ticket = forms.RegexField(
        label=_("Ticket"),
        regex=TICKET_PATTERN,
        required=False,
        strip=True,
        error_messages={"invalid": _("At most 40 letters, digits and dashes. No names: this stays.")},
    )
    confirm = forms.CharField(
        label=_("Word to confirm"), error_messages={"required": _("Type the word to confirm.")}
    )
    shown = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)

    def __init__(
        self, data: Any = None, *, person: ChatUser, messages: int, known: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(data, initial={"shown": messages, **(known or {})})
        self.person, self.messages = person, messages

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        self.errors.pop("shown", None)
        shown = cleaned.get("shown")
        if shown is None or shown > self.messages:
            shown = self.messages
        typed = cleaned.get("confirm")
        if typed is not None and typed != confirm_word(self.person, shown):
            self.add_error("confirm", _("This is not the word. Nothing was deleted."))
        return cleaned
