"""Making a tag, renaming one, and giving it a colour."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from staff.models import AuditEntry
from tests.announcements import listen
from tests.factories import make_person
from tests.users.pages import errors_of, text_of
from tests.users.tags import make_tag, names_on
from users.models import Tag

pytestmark = pytest.mark.django_db
BAD_NAMES = ["", "   ", "a" * 41, "a\x00b", "a\nb", "ﷺ" * 40, "\u200b\u200d"]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list:
    return listen(monkeypatch)


def test_a_tag_is_made(support_client: Client) -> None:
    answer = support_client.post("/tags/", {"name": "  Late   parcel ", "color": "teal"}, follow=True)
    assert [(tag.name, tag.name_folded, tag.color) for tag in Tag.objects.all()] == [
        ("Late parcel", "late parcel", "teal")
    ]
    assert "Late parcel” is made" in text_of(answer)
    line = AuditEntry.objects.get()
    assert (line.verb, line.detail) == ("tag.created", {"tag": Tag.objects.get().pk})


@pytest.mark.parametrize("name", BAD_NAMES)
def test_what_can_not_be_a_name_is_said_by_the_field(name: str, support_client: Client) -> None:
    tag = make_tag("billing")
    for address in ("/tags/", f"/tags/{tag.pk}/"):
        answer = support_client.post(address, {"name": name, "color": "teal"})
        assert answer.status_code == 422
        assert list(errors_of(answer)) == ["name"]
        assert 'value="teal" checked' in text_of(answer)
    assert [(tag.name, tag.color) for tag in Tag.objects.all()] == [("billing", "")]


def test_an_unknown_colour_is_refused(support_client: Client) -> None:
    answer = support_client.post("/tags/", {"name": "billing", "color": "url(x)"})
    assert answer.status_code == 422
    assert list(errors_of(answer)) == ["color"]
    assert 'value="billing"' in text_of(answer)
    assert not Tag.objects.exists()


def test_a_second_tag_of_that_name_is_refused(support_client: Client) -> None:
    make_tag("Zürich")
    answer = support_client.post("/tags/", {"name": "ZURICH"})
    assert answer.status_code == 422
    assert "Zürich" in errors_of(answer)["name"]
    assert 'value="ZURICH"' in text_of(answer)
    assert Tag.objects.count() == 1


def test_a_tag_is_renamed_and_coloured_in_one_line(support_client: Client, told: list) -> None:
    person = make_person("Ada")
    tag = make_tag("biling", person)
    answer = support_client.post(f"/tags/{tag.pk}/", {"name": "Billing", "color": "blue"})
    assert answer["Location"] == f"/tags/#tag-{tag.pk}"
    tag.refresh_from_db()
    assert (tag.name, tag.name_folded, tag.color) == ("Billing", "billing", "blue")
    assert names_on(person) == ["Billing"]
    line = AuditEntry.objects.get()
    assert (line.verb, line.detail) == ("tag.changed", {"tag": tag.pk, "fields": ["name", "color"]})
    assert "illing" not in str(line.detail) and [event.name for event in told] == ["tag.changed"]
    assert '<span class="tag tag-blue"><bdi>Billing' in text_of(support_client.get(f"/users/{person.uuid}/"))


def test_saving_nothing_new_leaves_no_line(support_client: Client, told: list) -> None:
    tag = make_tag("billing", color="blue")
    assert support_client.post(f"/tags/{tag.pk}/", {"name": "billing", "color": "blue"}).status_code == 302
    assert not AuditEntry.objects.exists() and not told


def test_its_own_name_in_other_letters_is_no_other_tag(support_client: Client) -> None:
    tag = make_tag("zurich")
    assert support_client.post(f"/tags/{tag.pk}/", {"name": "Zürich"}).status_code == 302
    assert Tag.objects.get().name == "Zürich"


def test_a_name_that_is_taken_offers_the_merge(support_client: Client) -> None:
    tag, _ = make_tag("biling"), make_tag("Billing & co")
    answer = support_client.post(f"/tags/{tag.pk}/", {"name": "billing & CO", "color": "red"})
    assert answer.status_code == 422
    assert "Billing & co" in errors_of(answer)["name"]
    assert f'href="/tags/{tag.pk}/merge/?into=Billing%20%26%20co"' in text_of(answer)
    assert 'value="red" checked' in text_of(answer)
    tag.refresh_from_db()
    assert (tag.name, tag.color) == ("biling", "")


def test_saving_leads_back_to_where_the_list_was(support_client: Client) -> None:
    tag = make_tag("billing")
    page = text_of(support_client.get(f"/tags/{tag.pk}/", {"q": "bill & co", "after": "nonsense"}))
    assert 'name="q" value="bill &amp; co"' in page and "nonsense" not in page
    answer = support_client.post(f"/tags/{tag.pk}/", {"name": "bills", "q": "bill & co"})
    assert answer["Location"] == f"/tags/?q=bill+%26+co#tag-{tag.pk}"


def test_for_htmx_the_form_is_a_row_of_the_list(support_client: Client) -> None:
    tag = make_tag("billing", color="pink")
    answer = support_client.get(f"/tags/{tag.pk}/", headers={"HX-Request": "true"})
    page = text_of(answer)
    assert page.startswith(f'<tr id="tag-{tag.pk}"') and "<html" not in page
    assert 'value="billing"' in page and 'value="pink" checked' in page and "autofocus" in page
    assert "HX-Request" in answer["Vary"]
    assert "<html" in text_of(support_client.get(f"/tags/{tag.pk}/"))


@pytest.mark.parametrize("step", ["", "merge/", "delete/"])
def test_a_tag_that_is_unknown_or_on_the_way_out_is_not_found(step: str, support_client: Client) -> None:
    gone = Tag.objects.create(name="gone", name_folded=" 1", going_at=timezone.now())
    make_tag("billing")
    for number in (gone.pk, 10**9, "9" * 30):
        address = f"/tags/{number}/{step}"
        assert support_client.get(address).status_code == 404
        assert support_client.post(address, {"name": "x", "into": "billing"}).status_code == 404
    assert Tag.everything.count() == 2
