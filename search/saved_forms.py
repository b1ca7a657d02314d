"""What may be said of a saved view."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chatadmin.lib.tokens import folded
from search.bulk_forms import list_query
from search.filters import UserFilters
from search.models import FOLDED_NAME_CHARS, NAME_CHARS, QUERY_CHARS, SavedView
from users.queries import living
from users.text import one_line

SHARED = [("no", gettext_lazy("Only I")), ("yes", gettext_lazy("Everyone in the team"))]


class ViewNameField(forms.CharField):
    """A view's name, its spaces made single; something of it must be left when it is folded."""

    def __init__(self) -> None:
        super().__init__(label=gettext_lazy("Name"), max_length=NAME_CHARS, validators=[one_line])
        self.widget.attrs |= {"autocomplete": "off", "dir": "auto"}

    def clean(self, value: Any) -> str:
        name = " ".join(super().clean(value).split())
        words = folded(name) or ""
        if name and not 0 < len(words) <= FOLDED_NAME_CHARS:
            raise ValidationError(_("This can't be a name."), code="invalid")
        if words == folded(_("Everyone")):
            raise ValidationError(_("“Everyone” is the name of the whole list."), code="taken")
        return name


class SearchField(forms.CharField):
    """A list's query string, cleaned to its canonical form: only what the list understood."""

    widget = forms.HiddenInput

    def __init__(self) -> None:
        words = {"max_length": _("This search is too long to be kept.")}
        super().__init__(
            label=gettext_lazy("Search"), max_length=QUERY_CHARS, required=False, error_messages=words
        )

    def clean(self, value: Any) -> str:
        query = UserFilters(list_query(super().clean(value)), queryset=living()).query().urlencode()
        if not query:
            raise ValidationError(_("Search or filter first: this is the list of everyone."), code="empty")
        if len(query) > QUERY_CHARS:
            raise ValidationError(_("This search is too long to be kept."), code="max_length")
        return query


class SharedField(forms.ChoiceField):
    """Who sees it; cleaned to whether that is everyone in the team."""

    widget = forms.RadioSelect

    def __init__(self) -> None:
        super().__init__(label=gettext_lazy("Who sees it"), choices=SHARED, required=False)

    def clean(self, value: Any) -> bool:
        return super().clean(value) == "yes"


class NewViewForm(forms.Form):
    """A search to keep, under a name."""

    name = ViewNameField()
    query = SearchField()
    shared = SharedField()


class ChangeViewForm(forms.Form):
    """What of a view is to be otherwise; what isn't sent stays as it is."""

    name = ViewNameField()
    query = SearchField()
    shared = SharedField()

    def __init__(self, data: Any = None, *, view: SavedView) -> None:
        super().__init__(data, initial={"name": view.name, "shared": "yes" if view.is_shared else "no"})
        self.view = view
        sent = self.fields if data is None else data
        if "query" not in sent:
            # What is kept may hold what the list no longer understands, and is nobody's mistake here.
            del self.fields["query"]
        for name, field in self.fields.items():
            field.disabled = name not in sent

    def clean_shared(self) -> bool:
        is_shared: bool = self.cleaned_data["shared"]
        if not is_shared and self.view.owner_id is None:
            raise ValidationError(_("This view came with the installation: it is the team's."), code="shared")
        return is_shared

    def wanted(self) -> dict[str, Any]:
        """The fields to change, as the action takes them."""
        names = {"name": "name", "query": "query", "shared": "is_shared"}
        sent = [name for name, field in self.fields.items() if not field.disabled]
        return {names[name]: self.cleaned_data[name] for name in sent}
