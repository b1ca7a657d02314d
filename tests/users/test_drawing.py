"""templates/jinja/: escaped, counted and worded as Django's own templates are, and fifty rows in one piece."""

from __future__ import annotations

import pytest
from django.template import Context, Template, engines
from django.utils import translation
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy
from jinja2 import Environment, UndefinedError

from users.drawing import draw, words_in

HOSTILE = "<script>alert('x')</script> & \"Q\""


def env() -> Environment:
    """The environment as the product sets it up."""
    found: Environment = engines["jinja2"].env
    return found


@pytest.mark.parametrize(
    "value",
    [HOSTILE, mark_safe("<b>'x'</b>"), "", None, "ﷺ", "a'b", 'a"b', "&amp;", True, gettext_lazy("it's")],
)
def test_it_escapes_as_django_does(value: object) -> None:
    theirs = Template("{{ value }}").render(Context({"value": value}))
    assert env().from_string("{{ value }}").render(value=value) == theirs


@pytest.mark.parametrize("language", ["en", "de", "fr", "ar", "hi"])
@pytest.mark.parametrize("value", [0, 7, 999, 1_000, 1_234_567, -999, -1_000])
def test_it_counts_as_django_does(value: int, language: str) -> None:
    with translation.override(language):
        theirs = Template("{{ value }}").render(Context({"value": value}))
        assert env().from_string("{{ value|number }}").render(value=value) == theirs


def test_what_a_text_shows_is_escaped_and_the_text_is_not() -> None:
    said = words_in("en")("<i>%(name)s</i> wrote", name=HOSTILE)
    assert said == ("<i>&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt; &amp; &quot;Q&quot;</i> wrote")


def test_each_language_keeps_its_own_words() -> None:
    said = []
    for language in ("de", "en", "de", "fr"):
        with translation.override(language):
            said.append(str(words_in(translation.get_language())("Monday")))
    assert said == ["Montag", "Monday", "Montag", "lundi"]


def test_a_name_that_is_not_there_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        draw("users/leaf/dot.html")


@pytest.mark.parametrize("name", ["search/rows.html", "search/conversations_rows.html"])
def test_rows_are_one_template_with_their_leaves_in_it(name: str) -> None:
    loader = env().loader
    assert loader is not None
    text = loader.get_source(env(), name)[0]
    assert "{% include" not in text and "{% for row in rows %}" in text
    assert text.count('data-slot="dot"') == 1 and text.count('data-slot="name"') == 1
