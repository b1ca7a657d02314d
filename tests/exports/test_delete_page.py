"""`/users/<uuid>/delete/`: says what goes, in numbers; asks for the word; then it goes."""

from __future__ import annotations

import re
import uuid
from html import unescape

import pytest
from django.http import HttpResponse
from django.test import Client

from exports.models import Claim, Erasure, Request, RequestKind
from exports.request_links import Asked
from exports.requests import confirm
from staff import audit
from staff.models import Account, AuditEntry
from staff.policy import change_policy
from tests.exports.people import START, make_marked
from tests.factories import make_messages, make_person
from users import presence
from users.models import ChatUser
from users.queries import living

pytestmark = pytest.mark.django_db(transaction=True)


def address(person: ChatUser) -> str:
    return f"/users/{person.uuid}/delete/"


def word(response: HttpResponse) -> str:
    found = re.search(r'data-confirm-word="([^"]*)"', response.content.decode())
    assert found
    return unescape(found[1])


def text(response: HttpResponse) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", response.content.decode())).split())


def confirmed(kind: str, email: str) -> Request:
    return confirm(Asked(uuid.uuid4(), RequestKind(kind), email))


def errors(response: HttpResponse) -> list[str]:
    return re.findall(r'data-error="([^"]*)"', response.content.decode())


def test_it_says_in_numbers_what_goes_and_what_stays(admin_client: Client) -> None:
    person = make_marked("zebrafin").person
    said = text(admin_client.get(address(person)))
    assert "Delete namezebrafin Okafor for good?" in said
    for line in (
        "Profile, tags and notes 1 person · 1 tag · 1 note",
        "Conversations 2",
        "What they and we wrote 4 messages",
        "Notices between messages 1",
        "Files named in messages 1 · 362.3 KB",
        "Visits, with pages and device details 1",
        "Entries of the activity timeline 1",
        "Earlier visitors joined into them 1",
        "Browsers that come back as them 1",
    ):
        assert line in said.replace("\xa0", " "), line
    assert "This cannot be undone." in said
    assert "Lines of the audit log, without the name" in said
    assert "They are online" not in said


def test_the_day_until_which_backups_hold_it(admin_client: Client, settings: object) -> None:
    settings.BACKUP_DAYS = 0  # type: ignore[attr-defined]
    person = make_person("Ana")
    page = admin_client.get(address(person)).content.decode()
    today = re.search(r'<time datetime="(\d{4}-\d\d-\d\d)">', page)
    settings.BACKUP_DAYS = 365  # type: ignore[attr-defined]
    page = admin_client.get(address(person)).content.decode()
    later = re.search(r'<time datetime="(\d{4}-\d\d-\d\d)">', page)
    assert today
    assert later
    assert int(later[1][:4]) == int(today[1][:4]) + 1


def test_somebody_online_is_warned_about(admin_client: Client) -> None:
    person = make_person("Ana")
    presence.store().touch([(str(person.uuid), "socket")])
    try:
        assert "the chat on their screen will close and forget them" in text(
            admin_client.get(address(person))
        )
    finally:
        presence.discard(person.uuid)


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("Mariam Okafor", r"MARIAM-2"),
        ("مريم", r"[0-9A-F]{8}-2"),
        ("🎉🎉", r"[0-9A-F]{8}-2"),
        ("", r"[0-9A-F]{8}-2"),
        ("<script>alert(1)</script>", r"[0-9A-Z]+-2"),
    ],
)
def test_the_right_word_deletes(admin_client: Client, admin: Account, name: str, pattern: str) -> None:
    person, other = make_person(name), make_person("Other")
    make_messages(person, ("visitor", "one"), ("staff", "two"))
    page = admin_client.get(address(person))
    assert re.fullmatch(pattern, word(page))
    response = admin_client.post(
        address(person), {"confirm": word(page), "reason": "subject_request", "ticket": "CS-2041"}
    )
    assert response.status_code == 302
    assert response.headers["Location"] == "/users/"
    assert list(living()) == [other]
    line = AuditEntry.objects.get(verb="user.erased")
    assert line.actor == admin
    assert line.detail["ticket"] == "CS-2041"
    assert admin_client.get(address(person)).status_code == 404


def test_afterwards_it_says_what_went_without_a_name(admin_client: Client) -> None:
    person = make_marked("zebrafin").person
    page = admin_client.get(address(person))
    response = admin_client.post(address(person), {"confirm": word(page), "reason": "test"})
    [said] = [str(message) for message in response.wsgi_request._messages]  # type: ignore[attr-defined]
    own = f"/erasures/{Erasure.objects.get().pk}/"
    words = "Deleted for good: one person, with 2 conversations, 4 messages, 1 visit."
    assert said == f'{words} <a href="{own}">The erasure and its receipt</a>'
    toast = admin_client.get("/users/").content.decode()
    assert f'<p class="toast success">{said}</p>' in toast and "namezebrafin" not in toast
    assert admin_client.get(own).status_code == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"confirm": "WRONG-2"}, "confirm"),
        ({"confirm": "mariam-2"}, "confirm"),
        ({"confirm": "MARIAM-3"}, "confirm"),
        ({"confirm": ""}, "confirm"),
        ({"reason": ""}, "reason"),
        ({"reason": "because"}, "reason"),
        ({"ticket": "Mariam Okafor"}, "ticket"),
        ({"ticket": "x" * 41}, "ticket"),
        ({"ticket": "Ünder"}, "ticket"),
    ],
)
def test_anything_wrong_is_said_by_its_field_and_nothing_goes(
    admin_client: Client, change: dict[str, str], field: str
) -> None:
    person = make_person("Mariam Okafor")
    make_messages(person, ("visitor", "one"), ("staff", "two"))
    response = admin_client.post(
        address(person), {"confirm": "MARIAM-2", "reason": "test", "ticket": "", **change}
    )
    assert response.status_code == 200
    assert errors(response) == [field]
    assert living().get() == person
    assert person.messages.count() == 2
    assert not Erasure.objects.exists()
    assert not AuditEntry.objects.filter(verb="user.erased").exists()


def test_an_empty_form_names_what_is_missing(admin_client: Client) -> None:
    response = admin_client.post(address(make_person("Ana")), {})
    assert (response.status_code, errors(response)) == (200, ["reason", "confirm"])


def test_what_was_chosen_stays_chosen(admin_client: Client) -> None:
    response = admin_client.post(
        address(make_person("Ana")), {"confirm": "no", "reason": "abuse", "ticket": 'x"><script>'}
    )
    page = response.content.decode()
    assert '<option value="abuse" selected>' in page
    assert 'value="x&quot;&gt;&lt;script&gt;"' in page
    assert "no" not in re.findall(r'name="confirm"[^>]*value="([^"]*)"', page)


def test_somebody_who_writes_on_can_still_be_deleted(admin_client: Client) -> None:
    person = make_person("Mariam")
    make_messages(person, ("visitor", "one"))
    page = admin_client.get(address(person))
    assert 'name="shown" value="1"' in page.content.decode()
    make_messages(person, ("visitor", "two"))
    form = {"confirm": word(page), "reason": "abuse"}
    refused = admin_client.post(address(person), form)
    assert (errors(refused), word(refused)) == (["confirm"], "MARIAM-2")
    assert admin_client.post(address(person), {**form, "shown": "1"}).status_code == 302
    assert not living().exists()


@pytest.mark.parametrize("shown", ["3", "-1", "x", "9" * 30])
def test_a_number_that_was_never_shown_counts_for_nothing(admin_client: Client, shown: str) -> None:
    person = make_person("Mariam")
    make_messages(person, ("visitor", "one"))
    response = admin_client.post(
        address(person), {"confirm": f"MARIAM-{shown}", "reason": "abuse", "shown": shown}
    )
    assert errors(response) == ["confirm"]
    assert living().exists()


def test_thousands_stay_plain_where_they_are_read_by_program(admin_client: Client) -> None:
    person = make_person("Mariam")
    make_messages(person, *[("visitor", "x")] * 1_001)
    page = admin_client.get(address(person))
    assert word(page) == "MARIAM-1001"
    assert 'name="shown" value="1001"' in page.content.decode()
    assert "1,001 messages" in text(page)


def test_a_held_person_has_no_form(admin_client: Client) -> None:
    person = make_person("Ana", held_at=START)
    page = admin_client.get(address(person))
    assert errors(page) == ["held"]
    assert "data-confirm-word" not in page.content.decode()
    response = admin_client.post(address(person), {"confirm": "ANA-0", "reason": "test"})
    assert (response.status_code, errors(response)) == (200, ["held"])
    assert living().exists()


def test_a_held_person_is_led_to_the_hold_and_back(admin_client: Client) -> None:
    person = make_person("Ana", "ana@site.example", held_at=START)
    make_messages(make_person("Bo"), ("visitor", "write to ana@site.example"))
    said = admin_client.get(address(person)).content.decode()
    assert "Ana</bdi> can't be deleted now" in said and "for good?" not in said
    assert f'href="/users/{person.uuid}/hold/"' in said
    assert f'class="btn" href="/users/{person.uuid}/"' in said
    assert "What goes" not in said and "Redact" not in said
    ChatUser.objects.filter(pk=person.pk).update(held_at=None)
    said = admin_client.get(address(person)).content.decode()
    assert "What goes" in said and "Redact" in said


def test_it_and_the_profile_say_what_the_person_asks_for(
    admin_client: Client, support_client: Client
) -> None:
    person = make_person("Ana", "ana@site.example")
    pages = [address(person), f"/users/{person.uuid}/", f"/users/{person.uuid}/data/"]
    for page in pages:
        assert "data-open-request" not in admin_client.get(page).content.decode(), page
    access = confirmed("access", "ana@site.example")
    closed = confirmed("erasure", "ana@site.example")
    Claim.objects.filter(request=closed).update(
        state="refused", refusal="withdrawn", closed_at=START, email=""
    )
    for page in pages:
        said = admin_client.get(page).content.decode()
        assert re.findall(r'data-open-request="([^"]*)"', said) == [str(access.pk)], page
        assert f'href="/requests/{access.pk}/"' in said
        assert "They asked for a copy of everything and have no answer yet." in said
    assert "data-open-request" not in support_client.get(pages[1]).content.decode()


def test_a_deletion_that_waits_is_told_of_and_not_asked_for_twice(
    admin_client: Client, owner_client: Client, owner: Account
) -> None:
    change_policy(erasure_needs_second=True, actor=owner)
    person = make_person("Ana")
    first = {"confirm": "ANA-0", "reason": "test", "ticket": "T-200"}
    own = admin_client.post(address(person), first).headers["Location"]
    row = Erasure.objects.get()
    for page in (address(person), f"/users/{person.uuid}/", f"/users/{person.uuid}/data/"):
        said = owner_client.get(page).content.decode()
        assert f'data-asked="{row.pk}"' in said and f'href="{own}"' in said and "T-200" in said
    assert "data-confirm-word" not in owner_client.get(address(person)).content.decode()
    again = owner_client.post(address(person), {**first, "ticket": "T-201"}, follow=True)
    assert again.redirect_chain[-1][0] == own  # type: ignore[attr-defined]
    assert "Their deletion was asked for before, and waits. Yours was not added." in text(again)
    assert Erasure.objects.get().ticket == "T-200"


def test_support_may_not(support_client: Client) -> None:
    person = make_person("Ana")
    for response in (
        support_client.get(address(person)),
        support_client.post(address(person), {"confirm": "ANA-0", "reason": "test"}),
    ):
        assert response.status_code == 403
    assert living().exists()
    assert not audit.entries_about(person.uuid).filter(verb="user.erased").exists()


def test_a_stranger_is_sent_to_the_sign_in(stranger: Client) -> None:
    person = make_person("Ana")
    response = stranger.post(address(person), {"confirm": "ANA-0", "reason": "test"})
    assert response.headers["Location"].startswith("/login/")
    assert living().exists()


def test_an_unknown_or_erased_person_is_not_found(admin_client: Client) -> None:
    erased = make_person("Ana", erased_at=START)
    assert admin_client.get(address(erased)).status_code == 404
    assert admin_client.post(f"/users/{uuid.uuid4()}/delete/").status_code == 404
