"""What is asked before many people are erased."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exports.erasures_bulk import Batch
from exports.models import TICKET_PATTERN, Reason
from search.bulk_forms import PeopleField, QueryField, whole_search
from staff.models import Account


class PeopleForm(forms.Form):
    """Who: those who are ticked, or with `all` everyone whom `query` finds. `filters`: that search."""

    user = PeopleField(label=gettext_lazy("People"), required=False)
    all = forms.ChoiceField(choices=[("yes", "yes")], required=False, widget=forms.HiddenInput)
    query = QueryField()

    def __init__(self, data: QueryDict, *, account: Account) -> None:
        super().__init__(data)
        self.account = account

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if given.get("all"):
            if "query" in given:
                given["filters"] = whole_search(self, given["query"], self.account)
        elif "user" in given and not given["user"]:
            self.add_error("user", ValidationError(_("Tick somebody first."), code="required"))
        return given


class StopForm(forms.Form):
    """What is said to a job."""

    do = forms.ChoiceField(choices=[(do, do) for do in ("start", "stop", "approve")])
    query = QueryField()


class StartForm(StopForm):
    """Why, on whose request, and the typed word."""

    reason = forms.ChoiceField(
        label=gettext_lazy("Why"),
        choices=[("", gettext_lazy("Choose a reason")), *Reason.choices],
        error_messages={
            "required": gettext_lazy("Choose why."),
            "invalid_choice": gettext_lazy("Choose one of the reasons."),
        },
    )
    ticket = forms.RegexField(
        label=gettext_lazy("Ticket, if there is one"),
        regex=TICKET_PATTERN,
        required=False,
        strip=True,
        error_messages={
            "invalid": gettext_lazy("At most 40 letters, digits and dashes. No names: this stays.")
        },
    )
    confirm = forms.CharField(
        label=gettext_lazy("Word to confirm"),
        error_messages={"required": gettext_lazy("Type the word to confirm.")},
    )

    def __init__(self, data: Any = None, *, batch: Batch) -> None:
        super().__init__(data)
        self.batch = batch

    def clean_confirm(self) -> str:
        typed: str = self.cleaned_data["confirm"]
        if typed != self.batch.word:
            raise ValidationError(_("This is not the word. Nothing was deleted."), code="word")
        return typed
