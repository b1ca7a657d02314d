"""Why somebody is a VIP: given with the mark, changed later, gone with it."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from staff.audit import entries_about
from staff.models import Account
from tests.announcements import listen
from tests.factories import make_person, make_visit
from tests.users.pages import errors_of, text_of
from users import actions
from users.models import ChatUser

pytestmark = pytest.mark.django_db


def vip(client: Client, person: ChatUser, **given: str) -> tuple[bool, str | None]:
    assert client.post(f"/users/{person.uuid}/vip/", given).status_code == 302
    person.refresh_from_db()
    return person.is_vip, person.vip_reason


def pill(page: str, kind: str) -> str:
    found = re.search(
        rf'<span class="tag {kind}".*?(?=<span class="tag|</span></span></span>|</div>)', page, re.DOTALL
    )
    assert found, kind
    return found[0]


def test_the_reason_comes_changes_and_goes_with_the_mark(support_client: Client) -> None:
    person = make_person("Ada")
    assert vip(support_client, person, vip="yes", reason="  Press contact ") == (True, "Press contact")
    assert vip(support_client, person, vip="yes") == (True, "Press contact")
    assert vip(support_client, person, vip="yes", reason="Board") == (True, "Board")
    assert vip(support_client, person, vip="yes", reason="") == (True, None)
    assert vip(support_client, person, vip="yes", reason="\u200b\u2060") == (True, None)
    assert vip(support_client, person, vip="yes", reason="Board") == (True, "Board")
    assert vip(support_client, person, vip="no", reason="Board") == (False, None)
    assert vip(support_client, person, vip="yes") == (True, None)


def test_it_is_shown_where_the_mark_is(support_client: Client) -> None:
    person = make_person("Ada", is_vip=True, vip_reason='Press & "TV" <b>')
    for address in ("/users/", f"/users/{person.uuid}/"):
        shown = pill(text_of(support_client.get(address)), "vip")
        assert 'title="Press &amp; &quot;TV&quot; &lt;b&gt;"' in shown
        assert "<bdi>Press &amp; &quot;TV&quot; &lt;b&gt;</bdi>" in shown
    page = text_of(support_client.get(f"/users/{person.uuid}/"))
    assert 'name="reason" value="Press &amp; &quot;TV&quot; &lt;b&gt;"' in page


def test_without_a_reason_the_mark_stands_alone(support_client: Client) -> None:
    person = make_person("Ada", is_vip=True)
    shown = pill(text_of(support_client.get(f"/users/{person.uuid}/")), "vip")
    assert "VIP" in shown and "title=" not in shown and "pill-more" not in shown


@pytest.mark.parametrize("reason", ["x" * 201, "a\nb", "a\x00b"])
def test_what_can_not_be_a_reason_stays_in_the_form(reason: str, support_client: Client) -> None:
    person = make_person("Ada")
    answer = support_client.post(f"/users/{person.uuid}/vip/", {"vip": "yes", "reason": reason})
    assert answer.status_code == 422
    assert list(errors_of(answer)) == ["reason"]
    assert 'value="yes" selected' in text_of(answer)
    if len(reason) > 200:
        assert reason in text_of(answer)
    person.refresh_from_db()
    assert (person.is_vip, person.vip_reason) == (False, None)


def test_the_log_has_no_words_of_it(support: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    told = listen(monkeypatch)
    person = make_person("Ada")
    for given in ({"reason": "Press"}, {"reason": "Press"}, {"reason": "Board"}, {}):
        actions.set_vip(chat_user_id=person.pk, vip=True, actor=support, **given)
    actions.set_vip(chat_user_id=person.pk, vip=False, actor=support)
    assert list(entries_about(person.uuid).values_list("verb", "detail")) == [
        ("user.vip_off", {}),
        ("user.vip_reason", {}),
        ("user.vip_on", {}),
    ]
    assert [event.name for event in told] == ["user.changed"] * 3
    assert "Press" not in str(told) and "Board" not in str(told)


def test_a_repeat_visitor_is_marked_with_the_number_of_visits(support_client: Client) -> None:
    person, once = make_person("Ada", visit_count=1_233), make_person("Bo")
    make_visit(person)
    make_visit(once)
    for address in ("/users/", f"/users/{person.uuid}/"):
        page = text_of(support_client.get(address))
        assert page.count(">repeat visitor<") == 1
        shown = pill(page, "repeat")
        assert 'title="1,234 visits"' in shown and "<bdi>1,234 visits</bdi>" in shown
    assert ">repeat visitor<" not in text_of(support_client.get(f"/users/{once.uuid}/"))
