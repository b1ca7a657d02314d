"""Tags and the VIP mark, put on and taken off from the profile."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from staff.models import Account
from tests.factories import make_person
from tests.users.pages import errors_of, text_of
from users import actions
from users.models import ChatUser, Tag

pytestmark = pytest.mark.django_db


def tags_of(person: ChatUser) -> list[str]:
    return [tag.name for tag in person.tags.order_by("name_folded")]


def test_a_tag_is_made_and_put_on(support_client: Client) -> None:
    person = make_person("Ada")
    answer = support_client.post(f"/users/{person.uuid}/tags/", {"add": "  Late   parcel "}, follow=True)
    assert tags_of(person) == ["Late parcel"]
    assert "Late parcel" in text_of(answer)


def test_a_known_tag_is_taken_whatever_its_spelling(support_client: Client) -> None:
    person, other = make_person("Ada"), make_person("Bo")
    support_client.post(f"/users/{person.uuid}/tags/", {"add": "Zürich"})
    support_client.post(f"/users/{other.uuid}/tags/", {"add": "ZURICH"})
    assert tags_of(other) == ["Zürich"]


def test_a_tag_is_taken_off(support: Account, support_client: Client) -> None:
    person = make_person("Ada")
    actions.add_tag(chat_user_id=person.pk, name="billing", actor=support)
    assert 'name="remove" value="billing"' in text_of(support_client.get(f"/users/{person.uuid}/"))
    support_client.post(f"/users/{person.uuid}/tags/", {"remove": "billing"})
    assert tags_of(person) == []
    assert Tag.objects.exists()


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"add": "   "},
        {"add": "a" * 41},
        {"add": "a\x00b"},
        {"add": "a\nb"},
        {"add": "ﷺ" * 40},
        {"add": "\u200b\u200d"},
        {"add": "one", "remove": "two"},
    ],
)
def test_what_can_not_be_a_tag_is_said_by_the_field(given: dict[str, str], support_client: Client) -> None:
    person = make_person("Ada")
    answer = support_client.post(f"/users/{person.uuid}/tags/", given)
    assert answer.status_code == 422
    assert list(errors_of(answer)) == ["add"]
    assert not Tag.objects.exists()


def test_the_fifty_first_tag_is_refused_in_words(support: Account, support_client: Client) -> None:
    person = make_person("Ada")
    for number in range(actions.TAGS_PER_PERSON):
        actions.add_tag(chat_user_id=person.pk, name=f"tag {number}", actor=support)
    answer = support_client.post(f"/users/{person.uuid}/tags/", {"add": "one more"})
    assert answer.status_code == 422
    assert errors_of(answer)["add"] == "Nobody can have more than 50 tags."
    assert 'value="one more"' in text_of(answer)


def test_known_tags_are_offered(support: Account, support_client: Client) -> None:
    actions.add_tag(chat_user_id=make_person("Bo").pk, name="billing", actor=support)
    page = text_of(support_client.get(f"/users/{make_person('Ada').uuid}/"))
    assert '<option value="billing">' in page


def test_vip_is_put_on_and_taken_off(support_client: Client) -> None:
    person = make_person("Ada")
    page = text_of(support_client.post(f"/users/{person.uuid}/vip/", {"vip": "yes"}, follow=True))
    person.refresh_from_db()
    assert person.is_vip
    assert 'name="vip" value="no"' in page
    support_client.post(f"/users/{person.uuid}/vip/", {"vip": "no"})
    person.refresh_from_db()
    assert not person.is_vip


def test_vip_is_yes_or_no(support_client: Client) -> None:
    person = make_person("Ada")
    answer = support_client.post(f"/users/{person.uuid}/vip/", {"vip": "perhaps"})
    assert answer.status_code == 422
    assert list(errors_of(answer)) == ["vip"]


@pytest.mark.parametrize(("place", "given"), [("tags", {"add": "billing"}), ("vip", {"vip": "yes"})])
def test_neither_strangers_nor_for_the_erased(
    place: str, given: dict, stranger: Client, support_client: Client
) -> None:
    person = make_person("Ada", erased_at=timezone.now())
    assert stranger.post(f"/users/{person.uuid}/{place}/", given)["Location"].startswith("/login/")
    assert support_client.post(f"/users/{person.uuid}/{place}/", given).status_code == 404
    assert support_client.get(f"/users/{person.uuid}/{place}/").status_code == 405
    person.refresh_from_db()
    assert not person.is_vip
    assert not Tag.objects.exists()
