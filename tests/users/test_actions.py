"""What staff do to a person's record: each leaves its audit line, announces itself, and refuses the erased."""

from __future__ import annotations

import pytest
from django.utils import timezone

from chatadmin.lib import bus
from staff.audit import entries_about
from staff.models import Account
from tests.factories import make_person
from users import actions
from users.models import ChatUser, Note, Tag


@pytest.fixture
def announced(monkeypatch: pytest.MonkeyPatch) -> list[bus.Event]:
    events: list[bus.Event] = []
    monkeypatch.setattr(actions, "announce", lambda *given: events.extend(given))
    return events


def lines(person: ChatUser) -> list[tuple[str, dict]]:
    return [(entry.verb, entry.detail) for entry in entries_about(person.uuid)]


def test_correcting_sets_the_folded_forms_and_names_only_the_fields(support: Account, announced) -> None:
    person = make_person("Elodie", "old@site.example")
    changed = actions.correct_details(
        chat_user_id=person.pk, name="Élodie Straße", email="old@site.example", actor=support
    )
    person.refresh_from_db()
    assert changed == ["name"]
    assert (person.name, person.name_folded) == ("Élodie Straße", "elodie strasse")
    assert person.email_folded == "old@site.example"
    assert lines(person) == [("user.edited", {"fields": ["name"]})]
    assert [(event.name, event.chat_user, event.data) for event in announced] == [
        ("user.changed", str(person.uuid), {"fields": ["name"]})
    ]


@pytest.mark.parametrize(("email", "rests"), [("old@site.example", True), ("new@site.example", False)])
def test_a_corrected_address_need_not_wait_for_what_the_wrong_one_refused(
    support: Account, email: str, rests: bool
) -> None:
    person = make_person("Ada", "old@site.example", mail_again_at=timezone.now())
    actions.correct_details(chat_user_id=person.pk, name="Ada B.", email=email, actor=support)
    person.refresh_from_db()
    assert person.name == "Ada B."
    assert (person.mail_again_at is not None) is rests


def test_correcting_to_the_same_changes_nothing(support: Account, announced) -> None:
    person = make_person("Ada", "ada@site.example")
    assert (
        actions.correct_details(chat_user_id=person.pk, name="Ada", email="ada@site.example", actor=support)
        == []
    )
    assert not lines(person)
    assert not announced


def test_a_name_that_folds_to_eighteen_times_its_length_is_kept(support: Account) -> None:
    person = make_person()
    actions.correct_details(chat_user_id=person.pk, name="ﷺ" * 200, email="", actor=support)
    person.refresh_from_db()
    assert person.name == "ﷺ" * 200
    assert len(person.name_folded or "") == 800


def test_whoever_gets_a_name_is_identified_and_without_one_is_not(support: Account) -> None:
    person = make_person()
    actions.correct_details(chat_user_id=person.pk, name="Ada", email="", actor=support)
    person.refresh_from_db()
    assert person.identified_at is not None
    actions.correct_details(chat_user_id=person.pk, name="", email="", actor=support)
    person.refresh_from_db()
    assert person.identified_at is None
    assert person.is_anonymous


def test_vip_is_put_on_once_and_taken_off(support: Account, announced) -> None:
    person = make_person()
    assert actions.set_vip(chat_user_id=person.pk, vip=True, actor=support)
    assert not actions.set_vip(chat_user_id=person.pk, vip=True, actor=support)
    assert actions.set_vip(chat_user_id=person.pk, vip=False, actor=support)
    assert [verb for verb, _ in lines(person)] == ["user.vip_off", "user.vip_on"]
    assert [event.data for event in announced] == [{"fields": ["vip"]}] * 2


def test_blocking_returns_the_person_only_where_it_changed_something(support: Account) -> None:
    person = make_person()
    blocked = actions.set_blocked(chat_user_id=person.pk, blocked=True, actor=support)
    assert blocked is not None
    assert blocked.blocked_at is not None
    assert actions.set_blocked(chat_user_id=person.pk, blocked=True, actor=support) is None
    assert actions.set_blocked(chat_user_id=person.pk, blocked=False, actor=support) is not None
    assert [verb for verb, _ in lines(person)] == ["user.unblocked", "user.blocked"]


def test_a_tag_is_found_by_its_folded_name(support: Account) -> None:
    person, other = make_person(), make_person()
    first = actions.add_tag(chat_user_id=person.pk, name="Rückgabe", actor=support)
    again = actions.add_tag(chat_user_id=other.pk, name="RUCKGABE", actor=support)
    assert first == again
    assert Tag.objects.get().name == "Rückgabe"
    assert lines(person) == [("user.tagged", {"tag": first.pk})]


def test_the_same_tag_twice_is_one(support: Account) -> None:
    person = make_person()
    for _ in range(2):
        actions.add_tag(chat_user_id=person.pk, name="billing", actor=support)
    assert person.taggings.count() == 1
    assert len(lines(person)) == 1


def test_a_tag_comes_off_by_its_name(support: Account) -> None:
    person = make_person()
    tag = actions.add_tag(chat_user_id=person.pk, name="Billing", actor=support)
    assert actions.remove_tag(chat_user_id=person.pk, name="billing", actor=support)
    assert not actions.remove_tag(chat_user_id=person.pk, name="billing", actor=support)
    assert not person.taggings.exists()
    assert lines(person)[0] == ("user.untagged", {"tag": tag.pk})


def test_nobody_has_more_than_fifty_tags(support: Account) -> None:
    person = make_person()
    for number in range(actions.TAGS_PER_PERSON):
        actions.add_tag(chat_user_id=person.pk, name=f"tag {number}", actor=support)
    with pytest.raises(actions.TooManyTags):
        actions.add_tag(chat_user_id=person.pk, name="one more", actor=support)
    assert not Tag.objects.filter(name="one more").exists()
    assert actions.add_tag(chat_user_id=person.pk, name="tag 7", actor=support).name == "tag 7"


def test_only_its_author_deletes_a_note(support: Account, admin: Account) -> None:
    person = make_person()
    note = actions.add_note(chat_user_id=person.pk, body="Prefers e-mail.", actor=support)
    assert (note.author, note.author_name) == (support, "Sam Support")
    with pytest.raises(actions.NotYours):
        actions.delete_note(chat_user_id=person.pk, note_id=note.pk, actor=admin)
    actions.delete_note(chat_user_id=person.pk, note_id=note.pk, actor=support)
    assert not Note.objects.exists()
    assert lines(person) == [("note.deleted", {"note": note.pk}), ("note.added", {"note": note.pk})]


def test_a_note_is_not_reached_through_another_person(support: Account) -> None:
    person, other = make_person(), make_person()
    note = actions.add_note(chat_user_id=person.pk, body="Prefers e-mail.", actor=support)
    with pytest.raises(Note.DoesNotExist):
        actions.delete_note(chat_user_id=other.pk, note_id=note.pk, actor=support)


ON_SOMEBODY = [
    (actions.correct_details, {"name": "Ada", "email": ""}),
    (actions.set_vip, {"vip": True}),
    (actions.set_blocked, {"blocked": True}),
    (actions.add_tag, {"name": "billing"}),
    (actions.remove_tag, {"name": "billing"}),
    (actions.add_note, {"body": "Prefers e-mail."}),
    (actions.delete_note, {"note_id": 1}),
]


@pytest.mark.parametrize(("act", "given"), ON_SOMEBODY, ids=lambda value: getattr(value, "__name__", ""))
def test_the_erased_accept_nothing(act, given: dict, support: Account, announced) -> None:
    person = make_person(erased_at=timezone.now())
    with pytest.raises(actions.Gone):
        act(chat_user_id=person.pk, actor=support, **given)
    assert not lines(person)
    assert not announced
