"""Who looked, exported, changed."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.test import Client
from django.utils import timezone

from conversations.merging import merge
from staff import audit
from staff.audit_words import WORDS, lines
from staff.models import Account, AuditEntry
from tests.factories import make_person
from tests.users.pages import errors_of, text_of
from users import actions
from users.profile_queries import ENTRIES_PER_PAGE

pytestmark = pytest.mark.django_db


def verbs(page: str) -> list[str]:
    return re.findall(r'data-verb="([^"]+)"', page)


def test_what_was_done_is_told_newest_first_with_who_did_it(
    support: Account, admin: Account, admin_client: Client
) -> None:
    person = make_person("Ada")
    actions.correct_details(chat_user_id=person.pk, name="Ada L", email="a@site.example", actor=support)
    audit.record(actor=support, verb="user.exported", person=person.uuid, detail={"format": "json"})
    page = text_of(admin_client.get(f"/users/{person.uuid}/access/"))
    assert verbs(page) == ["user.exported", "user.edited"]
    rows = page.partition("<tbody>")[2]
    assert rows.count("Sam Support") == 2
    assert "JSON" in rows
    assert "name, e-mail" in rows


def test_lines_about_others_are_not_told(support: Account, admin_client: Client) -> None:
    person, other = make_person("Ada"), make_person("Bo")
    admin_client.get(f"/users/{person.uuid}/")
    actions.set_vip(chat_user_id=other.pk, vip=True, actor=support)
    assert verbs(text_of(admin_client.get(f"/users/{person.uuid}/access/"))) == ["user.viewed"]
    assert "user.vip_on" in verbs(text_of(admin_client.get(f"/users/{other.uuid}/access/")))


def test_lines_about_visitors_who_were_joined_into_them_are_theirs(
    support: Account, admin_client: Client
) -> None:
    first, second, known, other = make_person(), make_person(), make_person("Ada"), make_person("Bo")
    actions.set_vip(chat_user_id=first.pk, vip=True, actor=support)
    audit.record(actor=support, verb="user.exported", person=second.uuid, detail={"format": "json"})
    audit.record(actor=support, verb="user.blocked", person=other.uuid)
    assert verbs(text_of(admin_client.get(f"/users/{known.uuid}/access/"))) == []
    merge(source_id=first.pk, target_id=second.pk)
    merge(source_id=second.pk, target_id=known.pk)
    found = verbs(text_of(admin_client.get(f"/users/{known.uuid}/access/")))
    assert found == ["user.merged", "user.merged", "user.viewed", "user.exported", "user.vip_on"]
    known.merges.filter(merged_uuid=first.uuid).update(undone_at=timezone.now())
    assert "user.vip_on" not in verbs(text_of(admin_client.get(f"/users/{known.uuid}/access/")))


def test_long_lists_have_pages(support: Account, admin_client: Client) -> None:
    person = make_person("Ada")
    at = timezone.now() - dt.timedelta(days=2)
    AuditEntry.objects.bulk_create(
        AuditEntry(at=at, verb="user.viewed", person_hash=audit.person_hash(person.uuid), actor=support)
        for _ in range(ENTRIES_PER_PAGE + 1)
    )
    AuditEntry.objects.create(
        at=at - dt.timedelta(days=1), verb="user.blocked", person_hash=audit.person_hash(person.uuid)
    )
    first = admin_client.get(f"/users/{person.uuid}/access/")
    assert len(verbs(text_of(first))) == ENTRIES_PER_PAGE
    second = admin_client.get(f"/users/{person.uuid}/access/", {"after": first.context["page"].after})
    assert verbs(text_of(second)) == ["user.viewed", "user.blocked"]
    assert second.context["page"].after is None


def test_a_broken_link_shows_the_newest_and_says_so(admin_client: Client) -> None:
    person = make_person("Ada")
    admin_client.get(f"/users/{person.uuid}/")
    answer = admin_client.get(f"/users/{person.uuid}/access/", {"before": "%%%"})
    assert answer.status_code == 200
    assert list(errors_of(answer)) == ["before"]
    assert verbs(text_of(answer)) == ["user.viewed"]


def test_a_verb_without_words_is_shown_as_it_is() -> None:
    entry = AuditEntry(verb="user.levitated", at=timezone.now(), actor_name="")
    (line,) = lines([entry])
    assert (line.what, line.actor) == ("user.levitated", "The system")
    assert all(str(words) for words in WORDS.values())
