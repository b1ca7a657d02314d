"""The kinds of parameter that the lists have, as form fields and filters that refuse what they can't use."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chatadmin.lib.days import DayField
from chatadmin.lib.tokens import folded
from users.text import one_line

MOST_NUMBER = 2**31 - 1
TAGS_AT_ONCE = 10
TAG_CHARS = 40
YES = [("yes", gettext_lazy("Yes"))]
YES_NO = [*YES, ("no", gettext_lazy("No"))]
DAYS = [(days, gettext_lazy("%s days") % days) for days in ("7", "30", "90")]


class Yes(django_filters.ChoiceFilter):
    """A mark that is either asked for or isn't."""

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=YES, empty_label=None, **options)


class Choice(django_filters.ChoiceFilter):
    """One of a few words, or nothing."""

    def __init__(self, **options: Any) -> None:
        super().__init__(empty_label=None, **options)


class WholeNumber(django_filters.Filter):
    """A count: a whole number that a database's integer can hold."""

    field_class = forms.IntegerField

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, max_value=MOST_NUMBER, **options)


class Day(django_filters.Filter):
    """A day in the viewer's time zone."""

    field_class = DayField


class TagsField(forms.Field):
    """Names of tags, each in a parameter of its own; cleaned to their folded forms."""

    widget = forms.MultipleHiddenInput

    def clean(self, value: Any) -> list[str]:
        names = [name for name in value or [] if name.strip()]
        if len(names) > TAGS_AT_ONCE:
            raise ValidationError(
                _("No more than %(most)d tags at once.") % {"most": TAGS_AT_ONCE}, code="many"
            )
        found: dict[str, None] = {}
        for name in names:
            one_line(name)
            words = folded(name)
            if words is None or len(name) > TAG_CHARS:
                raise ValidationError(_("This can't be a tag."), code="tag")
            found[words] = None
        return list(found)


class Tags(django_filters.Filter):
    """Tags, all of which somebody must wear."""

    field_class = TagsField
