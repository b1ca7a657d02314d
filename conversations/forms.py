"""What staff post into a conversation, and where in a history or timeline a page begins."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from chatadmin.lib.paging import BadCursor, Cursor
from conversations.history import ORDER
from conversations.models import BODY_CHARS, Status
from users.forms import ProseField


class ReplyForm(forms.Form):
    """A reply. `client_id` names this one attempt to say something: posted twice, it is said once."""

    body = ProseField(
        label=_("Reply"),
        chars=BODY_CHARS,
        error_messages={"required": _("Write something first.")},
    )
    client_id = forms.UUIDField(required=False, error_messages={"invalid": _("Please send this again.")})

    def clean_client_id(self) -> uuid.UUID:
        return self.cleaned_data["client_id"] or uuid.uuid4()


class StatusForm(forms.Form):
    status = forms.ChoiceField(choices=Status.choices)


class HistoryForm(forms.Form):
    """Which part of a history: before `older`, after `newer`, or around the message `at`."""

    older = forms.CharField(max_length=200, required=False)
    newer = forms.CharField(max_length=200, required=False)
    at = forms.IntegerField(min_value=-(2**63), max_value=2**63 - 1, required=False)

    def _decoded(self, field: str) -> Cursor | None:
        text = self.cleaned_data[field]
        try:
            return ORDER.decode(text) if text else None
        except BadCursor as error:
            raise ValidationError(
                _("This link doesn't lead anywhere; here is the newest."), code="invalid"
            ) from error

    def clean_older(self) -> Cursor | None:
        return self._decoded("older")

    def clean_newer(self) -> Cursor | None:
        return self._decoded("newer")

    def part(self) -> dict[str, Any]:
        """`older`, `newer` and `at` as `history` takes them: None where absent or refused."""
        self.is_valid()
        return {name: self.cleaned_data.get(name) for name in self.fields}
