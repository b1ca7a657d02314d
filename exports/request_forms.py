"""What the pages of people's own requests take in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from exports.models import TICKET_PATTERN, Reason, Refusal, RequestKind
from staff.forms import MarkedForm
from users.text import EMAIL_CHARS, email_address

OPEN, DONE = "open", "closed"


class PrivacyForm(MarkedForm):
    """What somebody asks for, and the address by which they are known."""

    kind = forms.ChoiceField(
        label=_("What you ask for"),
        choices=RequestKind.choices,
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose what you ask for."),
            "invalid_choice": _("Choose one of these."),
        },
    )
    email = forms.CharField(
        label=_("Your e-mail address"),
        max_length=EMAIL_CHARS,
        widget=forms.EmailInput,
        error_messages={"required": _("Give the address that you gave in the chat.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].widget.attrs |= {
            "autocomplete": "email",
            "spellcheck": "false",
            "autocapitalize": "none",
        }

    def clean_email(self) -> str:
        return email_address(self.cleaned_data["email"])


class QueueForm(forms.Form):
    """Which requests are listed: those to be decided, or those that were."""

    state = forms.ChoiceField(choices=[(OPEN, _("To be decided")), (DONE, _("Decided"))], required=False)

    def is_open(self) -> bool:
        """Whether those to be decided are meant; so they are where nothing else is said."""
        return not (self.is_valid() and self.cleaned_data["state"] == DONE)


class OpenForm(forms.Form):
    """Whether people may ask on the public page."""

    public = forms.ChoiceField(choices=[("yes", "yes"), ("no", "no")])


class DecisionForm(forms.Form):
    """What staff decide for one person, with the code of a refusal."""

    do = forms.ChoiceField(
        choices=[(name, name) for name in ("handed_over", "refuse", "nothing_held")],
        error_messages={"required": _("Choose what to do."), "invalid_choice": _("Choose what to do.")},
    )
    code = forms.ChoiceField(
        label=_("Why"),
        choices=[("", _("Choose why")), *Refusal.choices],
        required=False,
        error_messages={"invalid_choice": _("Choose one of the reasons.")},
    )

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if given.get("do") == "refuse" and not given.get("code") and "code" not in self.errors:
            self.add_error("code", _("Choose why."))
        return given


class DeletePrefill(forms.Form):
    """Reason and ticket that a link to the delete page brings along; what it can't be is passed over."""

    reason = forms.ChoiceField(choices=Reason.choices, required=False)
    ticket = forms.RegexField(regex=TICKET_PATTERN, required=False)

    def known(self) -> dict[str, str]:
        """What was given and can be."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}
