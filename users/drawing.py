"""Draws what a page has fifty of and every socket sends: templates/jinja/, which Jinja compiles to Python.

All other templates are Django's, and show these with `{% draw %}`. Both escape; words, numbers and times are alike.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any

from django.template import engines
from django.template.loader import get_template
from django.utils.functional import Promise
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from users.templatetags import times
from users.templatetags.people import pills
from users.written import number

Source = tuple[str, str, Callable[[], bool]]
_INCLUDE = re.compile(r'\{% include "([^"]+)" %\}')


def draw(name: str, **shown: Any) -> SafeString:
    """The template of that name in templates/jinja/. Raises UndefinedError for a name that it lacks."""
    return mark_safe(get_template(name, using="jinja2").render({"_": words_in(get_language()), **shown}))  # noqa: S308 - it escapes


def drawer(*names: str, of: str) -> Callable[[Any], str]:
    """A function that draws these templates one after the other, `live`, of what they call `of`: for what is sent
    thousands of times a second. To call a macro takes a tenth of what it takes to begin a template."""
    return _drawer(names, of, get_language())


@functools.lru_cache(maxsize=500)
def _drawer(names: Sequence[str], of: str, language: str | None) -> Callable[[Any], str]:
    made: Environment = engines["jinja2"].env  # type: ignore[attr-defined]
    assert made.loader is not None
    body = "".join(made.loader.get_source(made, name)[0] for name in names)
    template = made.from_string(f"{{% macro drawn({of}) %}}{body}{{% endmacro %}}")
    return template.make_module({"_": words_in(language), "live": True}).drawn  # type: ignore[attr-defined]


def environment(**options: Any) -> Environment:
    """How templates/jinja/ are read. A leaf is `live` where a socket sends it."""
    ours = {"loader": Pasting(options["loader"].searchpath), "undefined": StrictUndefined}
    alike = {"keep_trailing_newline": True, "finalize": finished}
    made = Environment(**options | ours | alike)  # noqa: S701 - Django's options have it escape
    made.globals["live"] = False
    made.filters |= {"moment": times.moment, "since": times.since, "utc_iso": times.utc_iso}
    made.filters |= {"number": number, "pills": pills}
    return made


class Pasting(FileSystemLoader):
    """Reads a template with those that it includes in their places: fifty rows are one function, not 750 calls."""

    def get_source(self, environment: Environment, template: str) -> Source:
        text, path, is_fresh = super().get_source(environment, template)
        return _INCLUDE.sub(lambda found: self.get_source(environment, found[1])[0], text), path, is_fresh


@functools.cache
def words_in(_language: str | None) -> Callable[..., Markup]:
    """What is `_` in templates of that language, which is the active one: looks a text up once, not in each row."""

    @functools.cache
    def translated(text: str) -> Markup:
        return Markup(gettext(text))  # noqa: S704 - our own words

    def words(text: str, **shown: object) -> Markup:
        """`text`, with what it shows (`%(name)s`) escaped."""
        said = translated(text)
        return said % {name: finished(value) for name, value in shown.items()} if shown else said

    return words


def finished(value: object) -> object:
    """`value` before it is escaped: quotes, which Jinja writes another way, as Django does."""
    if isinstance(value, Promise):
        value = str(value)
    if isinstance(value, str) and ('"' in value or "'" in value):
        return conditional_escape(value)
    return value
