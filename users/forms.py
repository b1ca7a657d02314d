"""What staff may say about a person: every post of the profile is one of these."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext_lazy as _

from chatadmin.lib.paging import BadCursor, Cursor, Order
from chatadmin.lib.tokens import folded
from users.models import NAME_CHARS, NOTE_CHARS, REASON_CHARS, ChatUser, Tag
from users.text import EMAIL_CHARS, email_address, many_lines, one_line

YES_NO = [("yes", _("Yes")), ("no", _("No"))]
TAB_NAMES = ("conversations", "activity", "sessions", "access", "data")
TAG_CHARS = Tag._meta.get_field("name").max_length or 0
FOLDED_TAG_CHARS = Tag._meta.get_field("name_folded").max_length or 0


class ProseField(forms.CharField):
    """Text of several lines, kept as written: browsers send line breaks as CR LF, which count as one character."""

    widget = forms.Textarea

    def __init__(self, *, chars: int, **options: Any) -> None:
        super().__init__(strip=False, validators=[MaxLengthValidator(chars), many_lines], **options)

    def to_python(self, value: Any) -> str:
        text = (super().to_python(value) or "").replace("\r\n", "\n")
        return text if text.strip() else ""


class DetailsForm(forms.Form):
    """Name and e-mail address, each of which may be empty; one that isn't sent stays as it is."""

    name = forms.CharField(label=_("Name"), max_length=NAME_CHARS, required=False, validators=[one_line])
    email = forms.CharField(label=_("E-mail"), max_length=EMAIL_CHARS, required=False)

    def __init__(self, data: Any = None, *, chat_user: ChatUser) -> None:
        super().__init__(data, initial={"name": chat_user.name, "email": chat_user.email})
        self.chat_user = chat_user

    def clean_name(self) -> str:
        # Of invisible characters alone it would be a name that nobody sees.
        name: str = self.cleaned_data["name"] if "name" in self.data else self.chat_user.name
        return name if folded(name) else ""

    def clean_email(self) -> str:
        # An address that came in by import stands until somebody changes it.
        email: str = self.cleaned_data["email"] if "email" in self.data else self.chat_user.email
        return email if not email or email == self.chat_user.email else email_address(email)


class NoteForm(forms.Form):
    """An internal note."""

    body = ProseField(label=_("Note"), chars=NOTE_CHARS)


class TagNameField(forms.CharField):
    """A tag's name, its spaces made single; something of it must be left when it is folded, and not too much."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=TAG_CHARS, validators=[one_line], **options)
        self.widget.attrs |= {"dir": "auto", "autocomplete": "off"}

    def clean(self, value: Any) -> str:
        name = " ".join(super().clean(value).split())
        if name and not 0 < len(folded(name) or "") <= FOLDED_TAG_CHARS:
            raise ValidationError(_("This can't be a tag."), code="invalid")
        return name


class TagForm(forms.Form):
    """A tag to put on (`add`) or to take off (`remove`), by its name."""

    add = TagNameField(label=_("Tag"), required=False)
    remove = forms.CharField(max_length=TAG_CHARS, required=False, validators=[one_line])

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if not self.errors and bool(given.get("add")) == bool(given.get("remove")):
            self.add_error("add", ValidationError(_("Name one tag."), code="required"))
        return given


class VipForm(forms.Form):
    """Whether somebody is a VIP, and why; a reason that isn't sent stays as it is."""

    vip = forms.ChoiceField(label=_("VIP"), choices=YES_NO)
    reason = forms.CharField(
        label=_("Reason"), max_length=REASON_CHARS, required=False, validators=[one_line]
    )

    def clean_reason(self) -> str | None:
        # Of invisible characters alone it would be a reason that nobody sees.
        reason: str = self.cleaned_data["reason"]
        return (reason if folded(reason) else "") if "reason" in self.data else None


class BlockForm(forms.Form):
    blocked = forms.ChoiceField(choices=YES_NO, required=False)


class BackForm(forms.Form):
    """Which tab a post came from, so that the answer leads back to it."""

    tab = forms.ChoiceField(choices=[(name, name) for name in TAB_NAMES], required=False)


class CursorForm(forms.Form):
    """Where a list goes on: the cursors of its older and newer neighbours, in the query string."""

    lost = _("This link doesn't lead anywhere; here is the newest.")
    after = forms.CharField(max_length=200, required=False)
    before = forms.CharField(max_length=200, required=False)

    def __init__(self, data: Any, *, order: Order) -> None:
        super().__init__(data)
        self.order = order

    def _decoded(self, field: str) -> Cursor | None:
        text = self.cleaned_data[field]
        try:
            return self.order.decode(text) if text else None
        except BadCursor as error:
            raise ValidationError(self.lost, code="invalid") from error

    def clean_after(self) -> Cursor | None:
        return self._decoded("after")

    def clean_before(self) -> Cursor | None:
        return self._decoded("before")

    def edges(self) -> dict[str, Cursor | None]:
        """`after` and `before` as the paging takes them: None where absent or refused."""
        self.is_valid()
        return {name: self.cleaned_data.get(name) for name in ("after", "before")}
