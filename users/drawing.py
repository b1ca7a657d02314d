"""Draws what a page has fifty of and every socket sends: templates/jinja/, which Jinja compiles to Python.

All other templates are Django's, and show these with `{% draw %}`. Both escape; words, numbers and times are alike.
"""

from __future__ import annotations

import functools
from typing import Any

from django.template.loader import get_template
from django.utils.formats import localize
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from users.templatetags import times
from users.templatetags.people import pills


def draw(name: str, **shown: Any) -> SafeString:
    """The template of that name in templates/jinja/. Raises UndefinedError for a name that it lacks."""
    return mark_safe(get_template(name, using="jinja2").render(shown))  # noqa: S308 - it escapes


def environment(**options: Any) -> Environment:
    """How templates/jinja/ are read. A leaf is `live` where a socket sends it."""
    alike = {"undefined": StrictUndefined, "keep_trailing_newline": True, "finalize": finished}
    made = Environment(**options | alike)  # noqa: S701 - Django's options have it escape
    made.globals |= {"_": words, "live": False, "moment": times.moment, "since": times.since}
    made.filters |= {"number": number, "pills": pills, "utc_iso": times.utc_iso}
    return made


def words(text: str, **shown: object) -> Markup:
    """`text` in the page's language, with what it shows (`%(name)s`) escaped."""
    said = _translated(get_language(), text)
    return said % {name: finished(value) for name, value in shown.items()} if shown else said


def number(value: int) -> str:
    """A whole number as the page's language writes it."""
    return str(value) if -1000 < value < 1000 else str(localize(value))


def finished(value: object) -> object:
    """`value` before it is escaped: quotes, which Jinja writes another way, as Django does."""
    if isinstance(value, str) and ('"' in value or "'" in value):
        return conditional_escape(value)
    return value


@functools.cache
def _translated(_language: str | None, text: str) -> Markup:
    return Markup(gettext(text))  # noqa: S704 - our own words
