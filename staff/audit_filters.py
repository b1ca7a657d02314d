"""What the audit log is asked for: each parameter checked, a wrong one named and left out, the others hold."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Iterator
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from chatadmin.lib.days import DayField, beginning, ending
from chatadmin.lib.paging import BadCursor, Cursor, Order, Page, page
from staff import audit, queries
from staff.audit_words import WORDS
from staff.forms import MarkedForm
from staff.models import Account, AuditEntry

ORDER = Order("at", descending=True, value_type=dt.datetime)
PAGE_SIZE = 50
FILTERS = ("verb", "actor", "person", "from", "to")
_HASH = re.compile(r"[0-9a-f]{64}")


class Verb(forms.RegexField):
    """One of the log's verbs, also one that has no words."""

    def __init__(self) -> None:
        every = [("", gettext_lazy("Everything")), *sorted(WORDS.items(), key=lambda item: str(item[1]))]
        super().__init__(
            r"\A[a-z_]{1,20}\.[a-z_]{1,19}\Z",
            label=gettext_lazy("What"),
            required=False,
            widget=forms.Select(choices=every),
            error_messages={"invalid": gettext_lazy("Choose one of the list.")},
        )


class Person(forms.CharField):
    """A person's id, or the keyed hash by which the log names them; cleaned to the hash."""

    def __init__(self) -> None:
        super().__init__(
            label=gettext_lazy("Person"),
            max_length=64,
            required=False,
            help_text=gettext_lazy(
                "The id from a profile's address, also of somebody erased, or a hash from this list."
            ),
            widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        )

    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        if not text or _HASH.fullmatch(text):
            return text
        try:
            return audit.person_hash(uuid.UUID(text))
        except ValueError:
            raise ValidationError(_("This is no id of a person."), code="person") from None


class AuditForm(MarkedForm):
    """The parameters of `/audit/`: `verb`, `actor`, `person`, `from`, `to`, and the cursors `after` and `before`."""

    after = forms.CharField(max_length=200, required=False, widget=forms.HiddenInput)
    before = forms.CharField(max_length=200, required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        self.fields["verb"] = Verb()
        self.fields["actor"] = forms.ModelChoiceField(
            queries.team(), label=gettext_lazy("Who"), required=False, empty_label=gettext_lazy("Everybody")
        )
        self.fields["person"] = Person()
        for name, label in (("from", pgettext_lazy("day", "From")), ("to", pgettext_lazy("day", "To"))):
            self.fields[name] = DayField(
                label=label, required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
            )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("from") and cleaned.get("to") and cleaned["from"] > cleaned["to"]:
            self.add_error("to", _("This day is before the first one."))
        return cleaned

    def clean_after(self) -> Cursor | None:
        return self._cursor("after")

    def clean_before(self) -> Cursor | None:
        return self._cursor("before")

    def _cursor(self, name: str) -> Cursor | None:
        text = self.cleaned_data[name]
        try:
            return ORDER.decode(text) if text else None
        except BadCursor as error:
            raise ValidationError(
                _("This page can't be found; here is the newest."), code="cursor"
            ) from error

    # -- what is asked, as far as it holds

    def given(self, name: str) -> Any:
        """A parameter's checked value; None or "" where it is absent or wrong."""
        self.is_valid()
        return self.cleaned_data.get(name)

    @property
    def names(self) -> list[str]:
        """The filters that are on."""
        return [name for name in FILTERS if self.given(name)]

    def entries(self) -> QuerySet[AuditEntry]:
        """The lines that are asked for, in no order."""
        found = AuditEntry.objects.all()
        if verb := self.given("verb"):
            found = found.filter(verb=verb)
        if actor := self.given("actor"):
            found = found.filter(actor=actor)
        if person := self.given("person"):
            # The index holds lines about somebody only; SQLite takes it where the query says so too.
            found = found.filter(person_hash=person).exclude(person_hash="")
        if day := self.given("from"):
            found = found.filter(at__gte=beginning(day))
        if day := self.given("to"):
            found = found.filter(at__lt=ending(day))
        return found

    def page(self) -> Page[AuditEntry]:
        """One page of them, the newest first."""
        return page(
            self.entries(), ORDER, size=PAGE_SIZE, after=self.given("after"), before=self.given("before")
        )

    # -- the address, which is the state

    def carried(self) -> Iterator[tuple[str, str]]:
        """The filters that hold, by name and as an address has them."""
        for name in self.names:
            value = self.given(name)
            yield name, str(value.pk if isinstance(value, Account) else value)

    def address(self, **changes: str) -> str:
        """The address of this list with `changes`, without page."""
        query = QueryDict(mutable=True)
        query.update({**dict(self.carried()), **changes})
        return f"?{query.urlencode()}"
