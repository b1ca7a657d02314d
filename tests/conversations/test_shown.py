"""What messages look like: links only of http and https, files named and never trusted, forms as fields."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.shown import Answer, FileLink, answers_of, file_of, linked, web_address


def test_addresses_become_links_that_tell_nothing() -> None:
    assert linked("See https://site.example/a?b=1&c=2.") == (
        'See <a href="https://site.example/a?b=1&amp;c=2" target="_blank" rel="nofollow noopener noreferrer">'
        "https://site.example/a?b=1&amp;c=2</a>."
    )


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "www.site.example and site.example",
        "ada@site.example",
        "mailto:ada@site.example",
        "ftp://site.example/",
        "data:text/html,x",
        "https://",
        "http://[::1",
        "https://site.example:99999999/",
    ],
)
def test_nothing_else_becomes_a_link(text: str) -> None:
    assert "<a" in linked(f"{text} https://site.example/")
    assert "<a" not in linked(text)


def test_markup_is_text() -> None:
    assert linked("<script>alert(1)</script>\n&amp;") == "&lt;script&gt;alert(1)&lt;/script&gt;\n&amp;amp;"


def test_an_address_ends_where_it_could_turn_the_reading_direction() -> None:
    assert '<a href="https://site.example/"' in linked("https://site.example/\u202egpj.exe")


def test_what_follows_a_sentence_is_not_part_of_the_address() -> None:
    assert '<a href="https://site.example/a"' in linked("(https://site.example/a).")


@given(st.text(alphabet=st.sampled_from(list("<>\"'&ahtps:/.?=#@x \n\u202e\u0661")), max_size=80))
def test_no_text_makes_another_tag_or_attribute(text: str) -> None:
    rest = linked(text)
    for piece in rest.split("<a ")[1:]:
        assert piece.startswith('href="http')
        assert '" target="_blank" rel="nofollow noopener noreferrer">' in piece
    assert rest.count("<") == 2 * rest.count("<a ")


def test_a_file_has_a_name_an_address_and_a_size() -> None:
    data = {"name": "invoice.pdf", "size": 2048, "url": "https://files.example/1"}
    assert file_of(data) == FileLink("invoice.pdf", "https://files.example/1", 2048)


@pytest.mark.parametrize(
    "address",
    [
        "http://files.example/1",
        "javascript:alert(1)",
        "https://",
        "//files.example/1",
        "https://a b/",
        7,
        None,
        "https://x\n",
    ],
)
def test_only_https_leads_to_a_file(address: object) -> None:
    assert file_of({"url": address}).address == ""


def test_a_file_name_cannot_turn_its_reading_direction() -> None:
    assert file_of({"name": "\u202egpj.exe\u2066"}).name == "gpj.exe"


@pytest.mark.parametrize(
    "data", [None, [], "x", {"name": [], "size": True, "url": {}}, {"size": -1}, {"size": float("inf")}]
)
def test_data_of_any_shape_is_a_file_without_a_name(data: object) -> None:
    assert file_of(data) == FileLink("", "", None)


def test_form_fields_are_label_and_value() -> None:
    data = {
        "fields": [
            {"label": "Order", "value": 88121},
            {"label": "Gift", "value": True},
            "no field",
            {"value": []},
        ]
    }
    assert answers_of(data) == [Answer("Order", "88121"), Answer("Gift", "True"), Answer("", "")]


@pytest.mark.parametrize("data", [None, [], {"fields": {}}, {"fields": "x"}])
def test_data_of_any_shape_is_a_form_without_fields(data: object) -> None:
    assert answers_of(data) == []


def test_an_address_is_taken_whole_or_not_at_all() -> None:
    assert web_address("https://site.example/a") == "https://site.example/a"
    assert web_address("https://site.example/a and more") == ""
