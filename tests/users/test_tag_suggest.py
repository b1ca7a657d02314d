"""What completes a tag that somebody types."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from tests.factories import make_person
from tests.users.pages import text_of
from tests.users.tags import make_tag
from users.models import Tag
from users.tag_queries import SUGGESTED

pytestmark = pytest.mark.django_db


def suggested(client: Client, words: str) -> list[str]:
    answer = client.get("/tags/suggest/", {"q": words})
    assert answer.status_code == 200
    return [unescape(name) for name in re.findall(r'role="option" data-value="([^"]*)"', text_of(answer))]


def test_first_those_that_begin_so_then_those_that_hold_it(support_client: Client) -> None:
    for name in ("unpaid bill", "Billing", "bill", "BILLS", "other", "a Bíll"):
        make_tag(name)
    assert suggested(support_client, "bÍl") == ["bill", "Billing", "BILLS", "a Bíll", "unpaid bill"]
    assert suggested(support_client, "zzz") == []


def test_of_thousands_the_best_few_are_found_with_two_queries(
    support_client: Client, django_assert_num_queries
) -> None:
    names = [f"tag {at:04}" for at in range(3000)]
    Tag.objects.bulk_create(Tag(name=name, name_folded=name) for name in names)
    # Session and account besides.
    with django_assert_num_queries(4):
        assert suggested(support_client, "2999") == ["tag 2999"]
    with django_assert_num_queries(3):
        assert suggested(support_client, "tag") == names[:SUGGESTED]
    assert suggested(support_client, "") == names[:SUGGESTED]


def test_what_means_something_in_a_pattern_is_a_letter_like_others(support_client: Client) -> None:
    for name in ("100%", "100", "a_b", "axb", "back\\slash", "<i>'\""):
        make_tag(name)
    assert suggested(support_client, "0%") == ["100%"]
    assert suggested(support_client, "a_") == ["a_b"]
    assert suggested(support_client, "\\") == ["back\\slash"]
    assert suggested(support_client, "<i>") == ["<i>'\""]
    assert "<i>" not in text_of(support_client.get("/tags/suggest/", {"q": "<i>"}))


def test_neither_what_is_on_the_way_out_nor_what_can_not_be_typed(support_client: Client) -> None:
    make_tag("billing")
    Tag.objects.create(name="bills", name_folded=" 7", going_at=timezone.now())
    assert suggested(support_client, "bill") == ["billing"]
    assert suggested(support_client, " ") == ["billing"]
    for words in ("a\x00", "x" * 41):
        assert suggested(support_client, words) == []


def test_the_profile_asks_for_them(support_client: Client) -> None:
    page = text_of(support_client.get(f"/users/{make_person('Ada').uuid}/"))
    assert re.search(r'<input name="add"[^>]* list="known-tags" data-suggest="/tags/suggest/"', page)
