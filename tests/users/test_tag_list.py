"""The page of all tags: who wears them, found by name, a page at a time."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from tests.factories import make_person
from tests.users.pages import errors_of, text_of
from tests.users.tags import make_people, make_tag, rows_of
from users import tag_queries
from users.models import Tag, TagColor

pytestmark = pytest.mark.django_db


def test_a_stranger_is_sent_to_sign_in_and_sees_no_tag(stranger: Client) -> None:
    tag = make_tag("billing")
    for address in (
        "/tags/",
        "/tags/suggest/",
        *(f"/tags/{tag.pk}/{step}" for step in ("", "merge/", "delete/")),
    ):
        answer = stranger.get(address)
        assert answer["Location"].startswith("/login/") and "billing" not in text_of(answer)
        assert stranger.post(address)["Location"].startswith("/login/")
    assert Tag.objects.get() == tag


def test_every_tag_with_its_colour_and_the_living_who_wear_it(support_client: Client) -> None:
    people = make_people(3)
    make_tag("Zürich & co", *people, make_person("Gone", erased_at=timezone.now()), color=TagColor.TEAL)
    make_tag("billing", people[0])
    make_tag("unworn")
    answer = support_client.get("/tags/")
    assert list(rows_of(answer).items()) == [("billing", "1"), ("unworn", "0"), ("Zürich & co", "3")]
    page = text_of(answer)
    assert re.search(
        r'href="/users/\?tag=Z%C3%BCrich%20%26%20co"><span class="tag tag-teal"><bdi>Zürich', page
    )
    assert "3 people" in page and "1 person<" in page
    assert re.search(r'href="/tags/" aria-current="page"', page)


def test_of_a_tag_that_very_many_wear_so_many_are_counted(
    support_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tag_queries, "COUNTED", 3)
    people = make_people(4)
    make_tag("four", *people)
    make_tag("three", *people[:3])
    answer = support_client.get("/tags/")
    assert rows_of(answer) == {"four": "3+", "three": "3"}
    assert "3+ people" in text_of(answer)


def test_pages_follow_each_other_and_lead_back(
    support_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tag_queries, "TAGS_PER_PAGE", 2)
    names = ["ﷺ" * 8, "a", "b", "c\\\"'", "d" * 40]
    for name in names:
        make_tag(name)
    seen, address = [], "/tags/"
    addresses = []
    while address:
        answer = support_client.get(address)
        assert not errors_of(answer)
        seen.append(list(rows_of(answer)))
        addresses.append(address)
        following = re.search(r'rel="next" href="([^"]+)"', text_of(answer))
        address = following[1].replace("&amp;", "&") if following else ""
    assert [len(page) for page in seen] == [2, 2, 1]
    assert sorted(name for page in seen for name in page) == sorted(names)
    back = re.search(r'rel="prev" href="([^"]+)"', text_of(support_client.get(addresses[2])))
    assert back and list(rows_of(support_client.get(back[1]))) == seen[1]


def test_tags_are_found_by_a_part_of_their_name(support_client: Client) -> None:
    for name in ("Zürich", "Neu-Zurich", "billing", "100%", "1000"):
        make_tag(name)
    assert list(rows_of(support_client.get("/tags/", {"q": "ZUR"}))) == ["Neu-Zurich", "Zürich"]
    assert list(rows_of(support_client.get("/tags/", {"q": "0%"}))) == ["100%"]
    answer = support_client.get("/tags/", {"q": "<b>x"})
    assert not rows_of(answer) and "data-empty" in text_of(answer) and "&lt;b&gt;x" in text_of(answer)


def test_without_tags_the_page_says_what_they_are_for(support_client: Client) -> None:
    page = text_of(support_client.get("/tags/"))
    assert "data-empty" in page and "No tags yet" in page and '<form method="post" action="/tags/"' in page


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"q": "x" * 41}, "q"),
        ({"q": "a\x00b"}, "q"),
        ({"after": "nonsense"}, "after"),
        ({"before": "x" * 2000}, "before"),
    ],
)
def test_what_can_not_be_asked_is_said_and_the_rest_is_shown(
    given: dict, field: str, support_client: Client
) -> None:
    make_tag("billing")
    answer = support_client.get("/tags/", given)
    assert answer.status_code == 200
    assert list(errors_of(answer)) == [field]
    assert list(rows_of(answer)) == ["billing"]
    assert field != "q" or given["q"].replace("\x00", "") in text_of(answer)


def test_a_page_that_emptied_leads_to_the_first(support_client: Client) -> None:
    tag = make_tag("billing")
    cursor = tag_queries.TAG_ORDER.cursor(tag).encode()
    page = text_of(support_client.get("/tags/", {"after": cursor}))
    assert "data-empty" in page and 'href="/tags/">To the first page' in page


@pytest.mark.parametrize("number", [1, 40])
def test_the_number_of_queries_does_not_grow(
    number: int, support_client: Client, django_assert_num_queries
) -> None:
    people = make_people(2)
    for at in range(number):
        make_tag(f"tag {at}", *people)
    # Session, account, presence's counts in the navigation, the page, and tags on the way out.
    with django_assert_num_queries(5):
        assert len(rows_of(support_client.get("/tags/"))) == number
