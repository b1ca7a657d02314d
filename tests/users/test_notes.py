"""Internal notes: added, shown with author and time, deleted by whoever wrote them."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from staff.models import Account
from tests.factories import make_person
from tests.users.pages import errors_of, text_of
from users import actions
from users.models import NOTE_CHARS, ChatUser, Note
from users.profile_queries import NOTES_IN_FRAME, NOTES_PER_PAGE
from users.templatetags.times import utc_iso

pytestmark = pytest.mark.django_db


def test_a_note_is_added_and_shown_with_its_author_and_time(support_client: Client) -> None:
    person = make_person("Ada")
    answer = support_client.post(f"/users/{person.uuid}/notes/", {"body": "Prefers\r\ne-mail."}, follow=True)
    assert answer.redirect_chain == [(f"/users/{person.uuid}/", 302)]
    note = Note.objects.get()
    assert note.body == "Prefers\ne-mail."
    shown = text_of(answer).partition(f'id="note-{note.pk}"')[2].partition("</article>")[0]
    assert "Prefers\ne-mail." in shown
    assert "<bdi>Sam Support</bdi>" in shown
    assert f'<time datetime="{utc_iso(note.created_at)}"' in shown


def test_the_answer_leads_back_to_the_tab(support_client: Client) -> None:
    person = make_person("Ada")
    address = f"/users/{person.uuid}/notes/"
    answer = support_client.post(address, {"body": "Prefers e-mail.", "tab": "activity"})
    assert answer["Location"] == f"/users/{person.uuid}/activity/"
    answer = support_client.post(address, {"body": "Prefers e-mail.", "tab": "//evil.example/"})
    assert answer["Location"] == f"/users/{person.uuid}/"


@pytest.mark.parametrize("body", ["", " \n ", "a" * (NOTE_CHARS + 1), "nul\x00"])
def test_what_can_not_be_a_note_stays_in_the_form(body: str, support_client: Client) -> None:
    person = make_person("Ada")
    answer = support_client.post(f"/users/{person.uuid}/notes/", {"body": body})
    assert answer.status_code == 422
    assert list(errors_of(answer)) == ["body"]
    assert not Note.objects.exists()
    if len(body) > NOTE_CHARS:
        assert body in text_of(answer)


def test_line_breaks_count_as_one_character(support_client: Client) -> None:
    person = make_person("Ada")
    body = "\r\n".join(["a" * 99] * 100) + "\r\n"
    assert support_client.post(f"/users/{person.uuid}/notes/", {"body": body}).status_code == 302


def test_its_author_deletes_a_note(support_client: Client) -> None:
    person = make_person("Ada")
    support_client.post(f"/users/{person.uuid}/notes/", {"body": "Prefers e-mail."})
    address = f"/users/{person.uuid}/notes/{Note.objects.get().pk}/delete/"
    assert address in text_of(support_client.get(f"/users/{person.uuid}/"))
    assert support_client.post(address).status_code == 302
    assert not Note.objects.exists()


def test_a_colleague_is_neither_offered_nor_allowed_that(admin: Account, support_client: Client) -> None:
    person = make_person("Ada")
    note = actions.add_note(chat_user_id=person.pk, body="Prefers e-mail.", actor=admin)
    page = text_of(support_client.get(f"/users/{person.uuid}/"))
    assert "Prefers e-mail." in page
    address = f"/users/{person.uuid}/notes/{note.pk}/delete/"
    assert address not in page
    assert support_client.post(address).status_code == 403
    assert Note.objects.exists()


@pytest.mark.parametrize("note", ["7", "9" * 30])
def test_an_unknown_note_is_not_found(note: str, support_client: Client) -> None:
    person = make_person("Ada")
    assert support_client.post(f"/users/{person.uuid}/notes/{note}/delete/").status_code == 404


def test_the_frame_shows_the_newest_and_the_page_all(support: Account, support_client: Client) -> None:
    person = make_person("Ada")
    for number in range(NOTES_PER_PAGE + 2):
        actions.add_note(chat_user_id=person.pk, body=f"note-{number:02}.", actor=support)
    frame = text_of(support_client.get(f"/users/{person.uuid}/"))
    assert frame.count('class="note"') == NOTES_IN_FRAME
    assert f'href="/users/{person.uuid}/notes/"' in frame
    first = support_client.get(f"/users/{person.uuid}/notes/")
    assert f"note-{NOTES_PER_PAGE + 1}." in text_of(first)
    assert "note-01." not in text_of(first)
    after = first.context["page"].after
    assert "note-01." in text_of(support_client.get(f"/users/{person.uuid}/notes/", {"after": after}))


def test_a_broken_link_shows_the_newest_and_says_so(support_client: Client) -> None:
    person = make_person("Ada")
    answer = support_client.get(f"/users/{person.uuid}/notes/", {"after": "nonsense"})
    assert answer.status_code == 200
    assert list(errors_of(answer)) == ["after"]


def test_the_erased_get_no_note(support_client: Client) -> None:
    person = make_person("Ada", erased_at=timezone.now())
    assert support_client.post(f"/users/{person.uuid}/notes/", {"body": "x"}).status_code == 404
    assert not Note.objects.exists()


def test_strangers_add_no_note(stranger: Client) -> None:
    person = make_person("Ada")
    assert stranger.post(f"/users/{person.uuid}/notes/", {"body": "x"})["Location"].startswith("/login/")
    assert not Note.objects.exists()


def test_a_legal_hold_keeps_notes(support_client: Client) -> None:
    person = make_person()
    support_client.post(f"/users/{person.uuid}/notes/", {"body": "Prefers e-mail."})
    address = f"/users/{person.uuid}/notes/{Note.objects.get().pk}/delete/"
    assert address in support_client.get(f"/users/{person.uuid}/").content.decode()
    ChatUser.objects.update(held_at=timezone.now())
    assert address not in support_client.get(f"/users/{person.uuid}/").content.decode()
    page = support_client.post(address, follow=True).content.decode()
    assert "A legal hold keeps this person&#x27;s notes" in page
    assert Note.objects.count() == 1
