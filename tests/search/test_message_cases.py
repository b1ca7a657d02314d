"""What message search finds, rule by rule: the same on both databases."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.test import Client

from tests.factories import make_messages, make_person
from tests.search.pages import asked, errors, names, text_of, total

pytestmark = pytest.mark.django_db

# What is asked, what somebody said who is found, what somebody said who isn't.
CASES = [
    # every word, in any order, in one message
    ("refund parcel", "The parcel is lost: I want a refund", "I want a refund"),
    ("refund refund", "one refund", "no money"),
    # case, accents, width, composed forms
    ("elodie", "Ask Élodie", "Ask Elo die"),
    ("Élodie", "ask elodie", "ask e lodie"),
    ("ÉLODIE", "ask E\u0301lodie", "ask melodie"),
    ("fi", "we \ufb01 it", "we fix it"),
    ("strasse", "Lange Straße 5", "Lange Stras se"),
    ("Straße", "LANGE STRASSE 5", "Lange Stra ße"),
    ("1234", "order １２３４", "order 12345"),
    ("ABC", "ＡＢＣ works", "ＡＢ Ｃ works"),
    ("istanbul", "ISTANBUL'da", "istan bul"),
    ("σοφος", "ΣΟΦΌΣ", "σοφο"),
    # й stays й, バス stays バス
    ("йод", "нужен йод", "нужен иод"),
    ("バス", "バスはどこ", "ハスはどこ"),
    ("ガス", "ガス代", "カス代"),
    # scripts without spaces
    ("退款", "我想申请退款。", "我想申请退货款。"),
    ("申请退款", "我想申请退款。", "申请过了，退款还没到，请退款"),
    ("返金", "返金 / refund の手続き", "返品したい"),
    ("ありがとう", "どうもありがとうございます", "ありがたい。とうとう"),
    ("คืนเงิน", "ขอคืนเงินหน่อย", "ขอเงินคืน"),
    ("환불", "환불 부탁드립니다", "환 불 부탁"),
    # right to left
    ("مرحبا", "مَرْحَبًا بكم", "مر حبا"),
    ("שלום", "שָׁלוֹם לכולם", "של ום"),
    ("\u200fשלום\u200e", "שלום", "של"),
    # emoji
    ("🎉", "done 🎉🎉", "done 🎂"),
    ("thanks 👍", "thanks a lot 👍🏽", "thanks a lot 👎"),
    # numbers, addresses
    ("345", "order 12-345", "order 12-3456"),
    ("12-345", "order 12-345 please", "order 345-12 please"),
    ("#12-345", "order 12-345 please", "12 and 345"),
    ("dana@northpine.example", "write to Dana@Northpine.example now", "dana northpine at example"),
    ("northpine.example", "see https://www.northpine.example/returns?id=7", "northpine, for example"),
    ("https://shop.example/a_b", "look at https://shop.example/a_b/c", "look at https://shop.example/b_a"),
    ("c++", "I write c++ and go", "I write cpp"),
    # phrases
    ('"the order"', "where is the order?", "order the kettle, the big order"),
    ('"order is"', "my order, is it lost", "is my order lost"),
    ("“the order”", "where is the order?", "order the kettle"),
    ('"the order" kettle', "the order: one kettle", "the order: one lamp"),
    ('kettle "the order', "a kettle in the order", "a lamp in the order"),
    # the last word may go on from five letters
    ("refun", "two refunds", "refu nds"),
    ("parcel refun", "refunds for a parcel", "parcels refused"),
    ("refund", "refunding", "refud"),
    ("ref", "ref 7", "refund"),
    ('"refun"', "refun", "refund"),
    ("refun parcel", "refun my parcels", "refund my parcel"),
    # operators are words
    ("refund & parcel", "refund the parcel", "refund"),
    ("refund OR parcel", "refund or parcel", "refund"),
    ("-refund", "refund", "money"),
    ("refund*", "refund", "refu"),
    ("a:b", "a: b", "b: a"),
    ("NEAR(a b)", "near a b", "a b"),
    ("it's", "it's here", "it is here"),
    # a lone character of a script without spaces
    ("退", "我想退款", "我想要"),
]


@pytest.mark.parametrize(("query", "found", "other"), CASES)
def test_rule(query: str, found: str, other: str, support_client: Client) -> None:
    make_messages(make_person("Found"), ("visitor", found))
    make_messages(make_person("Other"), ("visitor", other))
    page = asked(support_client, q=query, **{"in": "messages"})
    assert names(page) == ["Found"]
    assert re.search(r"<mark>[^<]+</mark>", text_of(page)), "nothing is marked"
    assert not errors(page)


@pytest.mark.parametrize(
    "query", ["%", "_", "\\", "'", '"', '""', "!!!", "...", "---", "*", "()", "&|!", "\u200f", "\u0301", "“”"]
)
def test_without_a_word_nobody_is_found(query: str, support_client: Client) -> None:
    make_messages(make_person("Ada"), ("visitor", '100 % sure_ly \'twas \\ "it"'))
    page = asked(support_client, q=query, **{"in": "messages"})
    assert names(page) == [] and total(page) == "0"
    assert not errors(page)


def test_it_is_somebody_for_each_newest_message_first(support_client: Client) -> None:
    ada, bob, eve = (make_person(name) for name in ("Ada", "Bob", "Eve"))
    make_messages(ada, ("visitor", "refund one"))
    make_messages(bob, ("visitor", "refund two"), ("staff", "hello"))
    make_messages(eve, ("visitor", "nothing"))
    newest = make_messages(ada, ("staff", "refund three"), ("visitor", "bye"))[0]
    page = asked(support_client, q="refund", **{"in": "messages"})
    assert names(page) == ["Ada", "Bob"]
    assert total(page) == "2"
    assert f"{ada.get_absolute_url()}conversations/?at={newest.pk}" in text_of(page)
    assert "<mark>refund</mark> three" in text_of(page)
    assert "one" not in re.findall(r'class="snip".*?</a>', text_of(page), re.DOTALL)[0]


def test_lines_of_the_system_are_not_searched(support_client: Client) -> None:
    ada = make_person("Ada")
    make_messages(ada, ("visitor", "hello"))
    make_messages(ada, ("system", "Conversation closed"))
    assert names(asked(support_client, q="hello", **{"in": "messages"})) == ["Ada"]
    assert names(asked(support_client, q="closed", **{"in": "messages"})) == []


def test_an_erased_persons_words_find_nobody(support_client: Client) -> None:
    ada = make_person("Ada")
    make_messages(ada, ("visitor", "canary"))
    assert names(asked(support_client, q="canary", **{"in": "messages"})) == ["Ada"]
    ada.erased_at = ada.first_seen
    ada.save()
    assert names(asked(support_client, q="canary", **{"in": "messages"})) == []
    assert names(asked(support_client, q="canary")) == []


def test_any_finds_names_first_and_then_words(support_client: Client) -> None:
    make_messages(make_person("Wren"), ("visitor", "my kettle"))
    make_messages(make_person("Kettle Maker"), ("visitor", "no kettle here"))
    make_messages(make_person("Zoe"), ("visitor", "a kettle too"))
    make_person("Nobody")
    page = asked(support_client, q="kettle")
    assert names(page) == ["Kettle Maker", "Zoe", "Wren"]
    assert total(page) == "3"


def test_days_bound_what_was_sent(support_client: Client) -> None:
    for name, day in (("First", 1), ("Second", 2), ("Third", 3)):
        at = dt.datetime(2026, 3, day, 23, 30, tzinfo=dt.UTC)
        make_messages(make_person(name), ("visitor", "kettle"), start=at)
    search = {"q": "kettle", "in": "messages"}
    assert names(asked(support_client, **search)) == ["Third", "Second", "First"]
    assert names(asked(support_client, **search, sent_from="2026-03-02")) == ["Third", "Second"]
    assert names(asked(support_client, **search, sent_to="2026-03-02")) == ["Second", "First"]
    assert names(asked(support_client, **search, sent_from="2026-03-02", sent_to="2026-03-02")) == ["Second"]
    support_client.cookies["chatadmin_tz"] = "Asia/Tokyo"
    assert names(asked(support_client, **search, sent_from="2026-03-03", sent_to="2026-03-03")) == ["Second"]
    wrong = asked(support_client, **search, sent_from="2026-02-31")
    assert errors(wrong) == {"sent_from"} and names(wrong) == ["Third", "Second", "First"]


@pytest.mark.parametrize("sort", ["name", "last_active", "-messages"])
def test_found_messages_have_one_order_only(sort: str, support_client: Client) -> None:
    for name in ("B", "A", "C"):
        make_messages(make_person(name), ("visitor", "kettle"))
    page = asked(support_client, q="kettle", sort=sort, **{"in": "messages"})
    assert errors(page) == {"sort"}
    assert names(page) == ["C", "A", "B"]
