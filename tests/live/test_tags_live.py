"""Tags on open pages: a change to a tag, and a visit that makes somebody a repeat visitor, are seen at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django.utils import timezone

from tests.factories import make_person, make_visit
from tests.staff_http import StaffBrowser
from tests.visitor import Visitor
from users import actions
from users.models import ChatUser, Tag, VisitorToken
from widget.identity import token_hash


def tagged(person: ChatUser, name: str, by: StaffBrowser) -> Tag:
    return actions.add_tag(chat_user_id=person.pk, name=name, actor=by.account)


def test_a_tag_that_changes_is_drawn_anew_on_every_row(dana: StaffBrowser, sam: StaffBrowser) -> None:
    person, other = make_person("Ada"), make_person("Bo")
    tag = tagged(person, "billing", sam)
    with sam.live() as page:
        state = page.watch(str(person.uuid), str(other.uuid))
        assert "billing" in state and "tag-teal" not in state
        assert dana.post(f"/tags/{tag.pk}/", name="invoices", color="teal")[0] == 302
        told = page.expect("invoices")
        assert f"[data-user='{person.uuid}'] [data-slot='tags']" in told
        assert '<span class="tag tag-teal"><bdi>invoices</bdi>' in told and "billing" not in told


def test_a_merge_and_a_deletion_are_seen_at_once(dana: StaffBrowser, sam: StaffBrowser) -> None:
    person = make_person("Ada")
    tag, kept = tagged(person, "bilings", sam), tagged(make_person("Bo"), "billing", sam)
    with sam.live() as page:
        assert "bilings" in page.watch(open=str(person.uuid))
        assert dana.post(f"/tags/{tag.pk}/merge/", into="billing")[0] == 302
        assert "bilings" not in page.expect("<bdi>billing</bdi>")
        assert dana.post(f"/tags/{kept.pk}/delete/")[0] == 302
        assert "billing" not in page.expect('data-slot="tags"')


def test_a_second_visit_puts_the_mark_on(visit: Callable[..., Visitor], sam: StaffBrowser) -> None:
    person = make_person("Ada")
    yesterday = timezone.now() - dt.timedelta(days=1)
    make_visit(person, started_at=yesterday, ended_at=yesterday)
    VisitorToken.objects.create(chat_user=person, token_hash=token_hash("a" * 43))
    with sam.live() as page:
        assert "repeat visitor" not in page.watch(str(person.uuid))
        tab = visit()
        tab.token = "a" * 43
        tab.hello()
        assert tab.user["id"] == str(person.uuid)
        assert 'title="2 visits"' in page.expect("repeat visitor")
