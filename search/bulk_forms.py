"""What may be asked of many people at once."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.core.exceptions import TooManyFieldsSent, ValidationError
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chatadmin.lib.tokens import folded
from search.bulk import Action
from search.filters import ListForm, UserFilters
from search.saved import resolve, visible
from staff.models import Account
from users.forms import TagNameField
from users.models import Tag
from users.queries import living

TICKED = 200
QUERY_CHARS = 8_000
ACTIONS = [
    (Action.TAG, gettext_lazy("Put a tag on")),
    (Action.UNTAG, gettext_lazy("Take a tag off")),
    (Action.VIP, gettext_lazy("Mark as VIP")),
    (Action.UNVIP, gettext_lazy("Take the VIP mark off")),
]


def list_query(text: str) -> QueryDict:
    """The parameters of a list's query string. Raises ValidationError for more of them than a list takes."""
    try:
        return QueryDict(text.removeprefix("?"))
    except TooManyFieldsSent as error:
        raise ValidationError(_("This isn't a search."), code="query") from error


class QueryField(forms.CharField):
    """The query string of the list that somebody comes from, to find the people and to lead back."""

    widget = forms.HiddenInput

    def __init__(self) -> None:
        super().__init__(label=gettext_lazy("Search"), max_length=QUERY_CHARS, required=False)

    def clean(self, value: Any) -> str:
        query = list_query(super().clean(value))
        return query.urlencode()


class PeopleField(forms.Field):
    """Ticked people, by uuid."""

    widget = forms.MultipleHiddenInput

    def clean(self, value: Any) -> list[uuid.UUID]:
        given = list(dict.fromkeys(value or []))
        if len(given) > TICKED:
            raise ValidationError(
                _("No more than %(most)d people can be ticked at once.") % {"most": TICKED}, code="many"
            )
        try:
            return [uuid.UUID(text) for text in given]
        except ValueError as error:
            raise ValidationError(_("One of these people can't be found."), code="uuid") from error


def whole_search(form: forms.Form, text: str, account: Account) -> UserFilters:
    """The search of a list's query string. One that holds a mistake may find more people than was meant, so it is
    refused whole, by `form`'s field `query`; how it is sorted and paged says nothing of who is found."""
    # A saved view's name alone would find everyone.
    query = list_query(text)
    meant = resolve(query, visible(account) if "view" in query else [])
    filters = UserFilters(meant.parameters, queryset=living())
    wrong = [meant.error] if meant.error else []
    wrong += [
        f"{filters.form[name].label}: {' '.join(said)}"
        for name, said in filters.errors.items()
        if name not in ListForm.base_fields
    ]
    if wrong:
        form.add_error("query", ValidationError(wrong, code="query"))
    return filters


class BulkForm(forms.Form):
    """What is to be done, and to whom: those who are ticked, or with `all` everyone whom `query` finds."""

    action = forms.ChoiceField(label=gettext_lazy("What to do"), choices=ACTIONS)
    tag = TagNameField(label=gettext_lazy("Tag"), required=False)
    user = PeopleField(label=gettext_lazy("People"), required=False)
    all = forms.ChoiceField(choices=[("yes", "yes")], required=False, widget=forms.HiddenInput)
    query = QueryField()

    def __init__(self, data: Any, *, account: Account) -> None:
        super().__init__(data)
        self.account = account

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if "action" in given:
            given["action"] = Action(given["action"])
            self._clean_tag(given)
        if given.get("all"):
            self._clean_search(given)
        elif "user" in given and not given["user"]:
            self.add_error("user", ValidationError(_("Tick somebody first."), code="required"))
        return given

    def _clean_tag(self, given: dict[str, Any]) -> None:
        """`known`: the tag of that name, None for a new one."""
        given["known"] = None
        if not given["action"].of_tags or "tag" not in given:
            return
        if not given["tag"]:
            self.add_error("tag", ValidationError(_("Name one tag."), code="required"))
            return
        given["known"] = Tag.objects.filter(name_folded=folded(given["tag"])).first()
        if given["known"] is None and given["action"] is Action.UNTAG:
            self.add_error("tag", ValidationError(_("There is no tag of this name."), code="unknown"))

    def _clean_search(self, given: dict[str, Any]) -> None:
        """`filters`: the search."""
        if "query" not in given:
            return
        given["filters"] = whole_search(self, given["query"], self.account)


class StartForm(forms.Form):
    """What is said to a job. `tag`: the name of the new tag that it puts on."""

    do = forms.ChoiceField(choices=[("start", "start"), ("stop", "stop")])
    tag = TagNameField(label=gettext_lazy("Tag"), required=False)
    query = QueryField()


class CarryForm(forms.Form):
    """What a job's page hands on, for its row holds no words: the new tag's name, and the list that it came from."""

    tag = TagNameField(required=False)
    query = QueryField()

    def carried(self) -> dict[str, str]:
        """What there is of it, "" for what is absent or wrong."""
        self.is_valid()
        return {name: self.cleaned_data.get(name, "") for name in self.fields}
