"""The staff socket: who may open it, what a page hears, and what closes it."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from conversations.models import Message
from staff.models import Account, Role
from tests.factories import make_account, make_messages, make_person
from tests.server import Server
from tests.staff_http import StaffBrowser, StaffPage
from tests.visitor import Visitor
from users.models import ChatUser
from widget.identity import new_tokens

Open = Callable[..., Visitor]


def test_a_stranger_is_closed_4401(server: Server) -> None:
    assert StaffPage(server.url, "").closed() == 4401


def test_a_made_up_session_is_closed_4401(server: Server) -> None:
    assert StaffPage(server.url, "chatadmin_session=abcdefghijklmnopqrstuvwxyz012345").closed() == 4401


def test_a_disabled_account_is_closed_4401(dana: StaffBrowser, server: Server) -> None:
    Account.objects.update(is_active=False)
    assert dana.live().closed() == 4401


def test_another_origin_is_closed_4403(dana: StaffBrowser, server: Server) -> None:
    assert StaffPage(server.url, dana.cookies, origin="http://evil.example").closed() == 4403


def test_an_open_page_is_closed_when_its_session_ends(dana: StaffBrowser) -> None:
    with dana.live() as page:
        page.watch()
        status, _ = dana.post("/logout/")
        assert status == 302
        assert page.closed() == 4401


def test_an_open_page_is_closed_when_its_account_is_disabled(server: Server, sam: StaffBrowser) -> None:
    olu = StaffBrowser(server, make_account("olu@team.example", Role.OWNER))
    shown = str(make_person("Mariam").uuid)
    with sam.live() as page, olu.live() as other:
        page.watch(shown)
        other.watch(shown)
        status, _ = olu.post(f"/team/{sam.account.pk}/disable/")
        assert status == 302
        assert page.closed() == 4401
        assert shown in other.watch(shown)


def test_an_open_page_is_closed_when_the_role_changes(server: Server, sam: StaffBrowser) -> None:
    olu = StaffBrowser(server, make_account("olu@team.example", Role.OWNER))
    with sam.live() as page:
        page.watch()
        status, _ = olu.post(f"/team/{sam.account.pk}/role/", role="admin")
        assert status == 302
        assert page.closed() == 4401


@pytest.mark.parametrize(
    "frame",
    [
        "nonsense",
        "{}",
        '{"type": "watch", "users": ["x"]}',
        f'{{"type": "watch", "unread": {[7] * 1001}}}',
        '{"type": "nothing"}',
        "[]",
    ],
)
def test_what_no_page_of_ours_sends_closes_4400(dana: StaffBrowser, frame: str) -> None:
    page = dana.live()
    page.socket.send(frame)
    assert page.closed() == 4400


def test_the_list_hears_of_coming_typing_messages_and_going(visit: Open, sam: StaffBrowser) -> None:
    tab = visit()
    tab.hello()
    user = tab.user["id"]
    with sam.live() as page:
        state = page.watch(user)
        assert 'data-presence="online"' in state and f"[data-user='{user}'] [data-slot='dot']" in state
        tab.send("typing", on=True)
        assert 'data-typing="true"' in page.expect("data-typing")
        tab.say("hello")
        told = page.expect('data-field="messages"')
        assert ">1<" in told and "1 unread" in told and 'data-typing="false"' in told
        tab.close()
        assert 'data-presence="offline"' in page.expect("data-presence", seconds=15)


def test_a_page_does_not_hear_of_people_that_it_does_not_show(visit: Open, sam: StaffBrowser) -> None:
    shown, hidden = visit(), visit()
    shown.hello()
    hidden.hello()
    with sam.live() as page:
        page.watch(shown.user["id"])
        hidden.say("nobody looks at me")
        shown.say("they look at me")
        told = page.expect('data-field="messages"')
        assert shown.user["id"] in told and hidden.user["id"] not in told


def test_the_profile_gets_the_message_from_the_template_of_the_page(visit: Open, sam: StaffBrowser) -> None:
    tab = visit()
    tab.hello()
    with sam.live() as page:
        page.watch(tab.user["id"], open=tab.user["id"], last=0)
        ack = tab.say("<b>bold</b> & brave")
        told = page.expect(f'data-message="{ack["id"]}"')
        assert 'data-from="visitor"' in told and 'data-kind="text"' in told and 'data-read="false"' in told
        assert "&lt;b&gt;bold&lt;/b&gt; &amp; brave" in told
        assert 'data-event="message_sent"' in told


def test_the_list_is_not_sent_the_words(visit: Open, sam: StaffBrowser) -> None:
    tab = visit()
    tab.hello()
    with sam.live() as page:
        page.watch(tab.user["id"])
        tab.say("only for the profile")
        assert "only for the profile" not in page.expect('data-field="messages"')


def test_reading_is_told_to_the_other_pages(visit: Open, dana: StaffBrowser, sam: StaffBrowser) -> None:
    tab = visit()
    tab.hello()
    ack = tab.say("read me")
    user = tab.user["id"]
    with dana.live() as reading, sam.live() as watching:
        reading.watch(user, open=user)
        watching.watch(user, open=user)
        reading.send("read", user=user, up_to=ack["id"])
        told = watching.expect(f"read-{ack['id']}")
        assert 'data-read-mark="true"' in told
    assert Message.objects.get(pk=ack["id"]).read_at is not None
    assert ChatUser.objects.get().unread_count == 0


def test_however_much_is_read_at_once_is_told(visit: Open, sam: StaffBrowser) -> None:
    person = make_person("Mariam")
    ids = [message.pk for message in make_messages(person, *[("staff", "line")] * 300)]
    tab = visit()
    tab.hello(token=new_tokens([person])[0])
    with sam.live() as page:
        page.watch(open=str(person.uuid), last=ids[-1], unread=ids)
        tab.send("read", up_to=ids[-1])
        told = page.expect("data-read-mark")
        assert all(f'data-slot="read-{pk}"' in told for pk in ids)


def test_colleagues_see_who_is_replying_and_the_writer_does_not(
    visit: Open, dana: StaffBrowser, sam: StaffBrowser
) -> None:
    tab = visit()
    tab.hello()
    user = tab.user["id"]
    with dana.live() as writing, sam.live() as watching:
        writing.watch(open=user)
        watching.watch(open=user)
        writing.send("typing", user=user, on=True)
        assert "Dana Whitfield is replying" in watching.expect("replying")
        assert "Dana Whitfield is replying" not in writing.expect("replying")


def test_typing_ends_by_itself(visit: Open, sam: StaffBrowser) -> None:
    tab = visit()
    tab.hello()
    with sam.live() as page:
        page.watch(tab.user["id"])
        tab.send("typing", on=True)
        assert 'data-typing="true"' in page.expect("data-typing")
        assert 'data-typing="false"' in page.expect('data-typing="false"', seconds=9)


def test_a_page_that_comes_back_gets_what_it_missed(server: Server, sam: StaffBrowser) -> None:
    person = make_person("Mariam")
    first, second, third = make_messages(person, ("visitor", "one"), ("staff", "two"), ("visitor", "three"))
    with sam.live() as page:
        state = page.watch(str(person.uuid), open=str(person.uuid), last=first.pk)
        assert f'data-message="{second.pk}"' in state and f'data-message="{third.pk}"' in state
        assert f'data-message="{first.pk}"' not in state


def test_a_page_that_missed_too_much_is_told_to_reload(server: Server, sam: StaffBrowser) -> None:
    person = make_person("Mariam")
    make_messages(person, *[("visitor", "line")] * 250)
    with sam.live() as page:
        page.send("watch", users=[], open=str(person.uuid), last=0)
        page.expect('"reload"')


def test_the_visitor_sees_that_staff_are_here(visit: Open, sam: StaffBrowser) -> None:
    shown = make_person("Mariam")
    with sam.live() as page:
        page.watch(str(shown.uuid))
        assert visit().hello()["staff_online"] is True
    deadline = time.monotonic() + 20
    while visit().hello()["staff_online"]:
        assert time.monotonic() < deadline, "staff are here long after their last page was closed"
        time.sleep(0.5)


def test_closing_the_conversation_is_told_to_the_other_pages(
    server: Server, dana: StaffBrowser, sam: StaffBrowser
) -> None:
    person = make_person("Mariam")
    (message,) = make_messages(person, ("visitor", "hello"))
    user = str(person.uuid)
    with sam.live() as page:
        page.watch(open=user, last=message.pk)
        for status in ("closed", "open"):
            assert dana.post(f"/conversations/{message.conversation_id}/status/", status=status)[0] == 302
            assert f'data-status="{status}"' in page.expect("data-status")
