"""Searching the conversation list: by name, address and id, and by what was said."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from tests.factories import make_person
from tests.search.pages import errors, text_of, total
from tests.search.talks import T, ids, make_talk, preview, row_of, say, talks

pytestmark = pytest.mark.django_db


def test_names_addresses_and_ids_find_all_of_a_persons_conversations(support_client: Client) -> None:
    ada = make_person("Élodie Groß", "elodie@fjord.example", external_id="Cust-9001")
    make_talk(make_person("Bob", "bob@site.example"), ("visitor", "Hello"))
    old, new = make_talk(ada, at=T.replace(day=1)), make_talk(ada, at=T.replace(day=2))
    for parameters in (
        {"q": "elodie gross"},
        {"q": "lod", "in": "name"},
        {"q": "FJORD", "in": "email"},
        {"q": "fjord", "in": "any"},
        {"q": str(ada.uuid)},
        {"q": ada.short_id},
        {"q": "Cust-9001"},
    ):
        page = talks(support_client, **parameters)
        assert ids(page) == [new.pk, old.pk], parameters
        assert total(page) == "2"
    for parameters in ({"q": "elodie gross", "in": "email"}, {"q": "elodie", "in": "messages"}):
        assert ids(talks(support_client, **parameters)) == []


def test_messages_are_found_with_their_newest_match(support_client: Client) -> None:
    person = make_person("Ada")
    first = make_talk(
        person, ("visitor", "A refund, please"), ("staff", "Which refund?"), ("visitor", "None")
    )
    second = make_talk(person, ("visitor", "Where is my REFUND of 12-345"), at=T.replace(day=3))
    make_talk(person, ("visitor", "Thanks"), at=T.replace(day=4))
    newest = say(first, "staff", "The refund is on its way", at=T)
    page = talks(support_client, q="refund", **{"in": "messages"})
    assert ids(page) == [first.pk, second.pk] and total(page) == "2"
    html = row_of(page, first)
    assert f'href="/users/{person.uuid}/conversations/?at={newest.pk}#m{newest.pk}"' in html
    assert preview(html) == "Staff: The refund is on its way"
    assert re.findall("<mark>(.*?)</mark>", html) == ["refund"]
    assert ids(talks(support_client, q="12-345")) == [second.pk]
    assert ids(talks(support_client, q="refund way")) == [first.pk]
    assert ids(talks(support_client, q='"way its"')) == []


def test_anything_is_names_first_and_then_what_was_said(support_client: Client) -> None:
    bill = make_talk(make_person("Bill Payne"), ("visitor", "Is the bill paid?"))
    other = make_talk(make_person("Ada"), ("visitor", "The bill is wrong"), at=T.replace(year=2027))
    page = talks(support_client, q="bill")
    assert ids(page) == [bill.pk, other.pk] and total(page) == "2"
    assert "<mark>" not in row_of(page, bill) and "<mark>bill</mark>" in row_of(page, other)
    assert ids(talks(support_client, q="bill", **{"in": "name"})) == [bill.pk]
    assert ids(talks(support_client, q="bill", **{"in": "messages"})) == [other.pk, bill.pk]


def test_days_bound_what_was_said(support_client: Client) -> None:
    made = [
        make_talk(make_person(f"P{day}"), ("visitor", "refund"), at=T.replace(day=day)) for day in (1, 2, 3)
    ]
    first, second, third = (talk.pk for talk in made)
    search = {"q": "refund", "in": "messages"}
    assert ids(talks(support_client, **search)) == [third, second, first]
    assert ids(talks(support_client, **search, sent_from="2026-11-02")) == [third, second]
    assert ids(talks(support_client, **search, sent_to="2026-11-02")) == [second, first]
    assert ids(talks(support_client, **search, sent_from="2026-11-02", sent_to="2026-11-02")) == [second]
    page = talks(support_client, **search, sent_from="2026-02-31", sent_to="2026-11-01")
    assert errors(page) == {"sent_from"} and ids(page) == [first]
    assert 'name="sent_from" id="sent_from" value="2026-02-31" aria-invalid="true"' in text_of(page)


def test_space_alone_is_no_search(support_client: Client) -> None:
    talk = make_talk()
    assert ids(talks(support_client, q="  ")) == [talk.pk]


def test_words_without_letters_find_nothing_said(support_client: Client) -> None:
    make_talk(None, ("visitor", "refund"))
    for parameters in ({"q": "!?", "in": "messages"}, {"q": "!?"}):
        page = talks(support_client, **parameters)
        assert ids(page) == [] and total(page) == "0"
