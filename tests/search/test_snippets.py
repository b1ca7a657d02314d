"""A piece of a message with the words marked: escaped, cut around the first of them, whatever the script."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.snippets import SNIPPET_CHARS, snippet
from search.words import TooManyWords, Words


def marked(body: str, query: str) -> list[str]:
    return [unescape(found) for found in re.findall(r"<mark>(.*?)</mark>", snippet(body, Words.parse(query)))]


@pytest.mark.parametrize(
    ("body", "query", "found"),
    [
        ("has the refund gone?", "refund", ["refund"]),
        ("Refunds, REFUND", "refund", ["Refunds", "REFUND"]),
        ("prefund refunded", "refu", []),
        ("Élodie and ÉLODIE", "elodie", ["Élodie", "ÉLODIE"]),
        ("E\u0301lodie", "elodie", ["E\u0301lodie"]),
        ("Lange Straße", "strasse", ["Straße"]),
        ("we \ufb01x", "fix", ["\ufb01x"]),
        ("我想申请退款。", "申请退款", ["申请退款"]),
        ("どうもありがとうございます", "ありがとう", ["ありがとう"]),
        ("ขอคืนเงินหน่อย", "คืนเงิน", ["คืนเงิน"]),
        ("我想退款", "退", ["退"]),
        ("שָׁלוֹם לכולם", "שלום", ["שָׁלוֹם"]),
        ("order 12-345 now", "12-345", ["12-345"]),
        ("order 12-345 now", "345", ["345"]),
        ("done 🎉🎉", "🎉", ["🎉🎉"]),
        ("so 👍ok then", '"👍ok"', ["👍ok"]),
        ("where is the\norder?", '"the order"', ["the order"]),
        ("mail Dana@Northpine.example!", "dana@northpine.example", ["Dana@Northpine.example"]),
        ("a_b and ab", "a_b", ["a_b"]),
        ("１２３４ is it", "1234", ["１２３４"]),
    ],
)
def test_marks(body: str, query: str, found: list[str]) -> None:
    assert marked(body, query) == found


def test_nothing_in_a_message_is_markup() -> None:
    made = snippet("<script>alert('refund')</script> & <b>", Words.parse("refund alert"))
    assert made == (
        "&lt;script&gt;<mark>alert</mark>(&#x27;<mark>refund</mark>&#x27;)&lt;/script&gt; &amp; &lt;b&gt;"
    )
    assert snippet("a <mark> is <refund>", Words.parse("mark")).count("<mark>") == 1


def test_it_is_cut_around_the_first_word() -> None:
    body = "before " * 50 + "the refund " + "after " * 100
    made = snippet(body, Words.parse("refund"))
    text = unescape(re.sub("<.*?>", "", made))
    assert text.startswith("…before") and text.endswith("…") and "the refund after" in text
    assert len(text) <= SNIPPET_CHARS + 2


def test_a_word_longer_than_a_snippet_is_cut() -> None:
    made = snippet("x" * 4_000, Words.parse("x" * 200))
    assert made == f"<mark>{'x' * SNIPPET_CHARS}</mark>…"


@given(st.text(max_size=300), st.text(max_size=40))
def test_it_never_fails_and_loses_nothing(body: str, query: str) -> None:
    try:
        words = Words.parse(query)
    except TooManyWords:
        return
    text = unescape(re.sub("</?mark>", "", snippet(body, words)))
    assert text.strip("…") in " ".join(body.split()) + "…"
