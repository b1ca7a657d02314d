"""What may be asked of the team's tags and said about them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from users.forms import TAG_CHARS, CursorForm, TagNameField
from users.models import Tag, TagColor
from users.tag_queries import TAG_ORDER, tag_named
from users.text import many_lines

# The longest folded name, in UTF-8, in base64, with an id.
CURSOR_CHARS = 1_000
TYPED_CHARS = 200


class TagListForm(CursorForm):
    """Which tags are listed: `q` is a part of their names."""

    lost = _("This page can't be found; here is the first.")
    q = forms.CharField(label=_("Search"), max_length=TAG_CHARS, required=False, validators=[many_lines])
    after = forms.CharField(max_length=CURSOR_CHARS, required=False)
    before = forms.CharField(max_length=CURSOR_CHARS, required=False)

    def __init__(self, data: Any) -> None:
        super().__init__(data, order=TAG_ORDER)
        self.is_valid()

    @property
    def words(self) -> str:
        """What is looked for; "" where nothing is, or nothing that can be."""
        return self.cleaned_data.get("q", "")

    @property
    def typed(self) -> str:
        """What the field for it shows again."""
        return str(self["q"].value() or "").replace("\x00", "")[:TYPED_CHARS]

    def query(self, **changes: str | None) -> str:
        """The query string of this list, with the cursor in `changes` or else the one that it has."""
        query = QueryDict(mutable=True)
        kept = {name: self.data.get(name) for name in ("after", "before") if name not in self.errors}
        for name, value in {"q": self.words, **(changes or kept)}.items():
            if value:
                query[name] = value
        return query.urlencode()

    def address(self, **changes: str | None) -> str:
        """Where that list is."""
        query = self.query(**changes)
        return f"/tags/?{query}" if query else "/tags/"


class TagEditForm(forms.Form):
    """What a tag is called, and its colour."""

    name = TagNameField(label=_("Name"))
    color = forms.ChoiceField(
        label=_("Colour"), choices=[("", _("No colour")), *TagColor.choices], required=False
    )


class MergeForm(forms.Form):
    """The tag that another is merged `into`, by its name; what is cleaned is the tag itself."""

    into = TagNameField(label=_("Merge into"))

    def __init__(self, data: Any = None, *, tag: Tag) -> None:
        super().__init__(data)
        self.tag = tag

    def clean_into(self) -> Tag:
        found = tag_named(self.cleaned_data["into"])
        if found is None:
            raise ValidationError(_("There is no tag of this name."), code="unknown")
        if found == self.tag:
            raise ValidationError(_("A tag can't be merged into itself."), code="itself")
        return found


class SuggestForm(forms.Form):
    """What somebody has typed so far."""

    q = forms.CharField(max_length=TAG_CHARS, required=False, validators=[many_lines])
