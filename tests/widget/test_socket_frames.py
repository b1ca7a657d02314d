"""Each frame that a visitor may send, and what comes of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from conversations.models import ActivityEvent, Conversation, Message
from staff.models import Account, Role
from tests.factories import make_account, make_messages, make_person
from tests.server import Server
from tests.staff_http import StaffBrowser
from tests.visitor import Visitor
from users.models import ChatUser, Visit

Open = Callable[..., Visitor]


@pytest.fixture
def dana(server: Server) -> StaffBrowser:
    account: Account = make_account("dana@team.example", Role.ADMIN, name="Dana Whitfield")
    return StaffBrowser(server, account)


def person_of(tab: Visitor) -> ChatUser:
    return ChatUser.objects.get(uuid=tab.user["id"])


def test_hello_makes_an_anonymous_person_with_a_visit(visit: Open) -> None:
    tab = visit(
        headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"}
    )
    welcome = tab.hello(
        page={"url": "http://site.example/pricing", "title": "Pricing", "referrer": "http://a.example/"}
    )
    assert welcome["user"] == {"id": welcome["user"]["id"], "name": None, "email": None, "verified": False}
    assert (welcome["messages"], welcome["more"], welcome["unread"]) == ([], False, 0)
    person = person_of(tab)
    assert person.is_anonymous and person.visit_count == 1 and person.first_contact is None
    assert person.device == "Firefox · Linux"
    seen = Visit.objects.get(chat_user=person)
    assert (seen.landing_url, seen.referrer) == ("http://site.example/pricing", "http://a.example/")
    assert seen.network == "127.0.0.0/24"
    assert [event.kind for event in person.events.all()] == ["first_visit"]


def test_hello_without_a_page_is_enough(visit: Open) -> None:
    tab = visit()
    tab.send("hello", v=1, token=None)
    assert tab.expect("welcome")["token"]


def test_hello_with_the_token_is_the_same_person_in_the_same_visit(visit: Open) -> None:
    first = visit()
    first.hello()
    first.say("hello there")
    first.close()
    second = visit()
    second.token = first.token
    welcome = second.hello()
    assert welcome["token"] == first.token and welcome["user"]["id"] == first.user["id"]
    assert [message["body"] for message in welcome["messages"]] == ["hello there"]
    assert Visit.objects.count() == 1


def test_hello_with_an_unknown_token_is_a_stranger(visit: Open) -> None:
    tab = visit()
    tab.token = "no-such-token"
    welcome = tab.hello()
    assert welcome["token"] != "no-such-token" and welcome["messages"] == []


def test_hello_pages_through_a_long_history(visit: Open) -> None:
    tab = visit()
    tab.hello()
    make_messages(person_of(tab), *[("staff", f"line {number}") for number in range(450)])
    other = visit()
    other.token = tab.token
    sizes, more = [], True
    while more:
        welcome = other.hello()
        sizes.append(len(welcome["messages"]))
        more = welcome["more"]
    assert sizes == [200, 200, 50]
    assert [message["body"] for message in other.messages] == [f"line {number}" for number in range(450)]


def test_message_is_acknowledged_once_stored_as_sent(visit: Open) -> None:
    tab = visit()
    tab.hello()
    body = "  ｆｕｌｌ width\n‮right to left‬ 🎉 a\u0301 "
    ack = tab.say(body)
    message = Message.objects.get()
    assert (message.pk, message.body, message.sender, message.kind) == (ack["id"], body, "visitor", "text")
    assert ack["at"].endswith("Z")
    person = person_of(tab)
    assert (person.message_count, person.unread_count) == (1, 1)
    assert person.first_contact == message.created_at
    conversation = Conversation.objects.get()
    assert (conversation.status, conversation.turn, conversation.unread_count) == ("open", "staff", 1)


def test_the_same_client_id_twice_is_one_message_and_the_same_ack(visit: Open) -> None:
    tab = visit()
    tab.hello()
    key = str(uuid.uuid4())
    first, second = tab.say("once", key), tab.say("once", key)
    assert first == second
    assert Message.objects.count() == 1
    assert person_of(tab).message_count == 1


def test_a_message_reaches_the_other_tab_and_is_not_told_to_its_own(visit: Open) -> None:
    tab, other = visit(), visit()
    tab.hello()
    other.token = tab.token
    other.hello()
    key = str(uuid.uuid4())
    ack = tab.say("from the first tab", key)
    told = other.expect("message")
    assert (told["id"], told["body"], told["from"], told["client_id"]) == (
        ack["id"],
        "from the first tab",
        "visitor",
        key,
    )
    assert (told["kind"], told["data"], told["at"]) == ("text", None, ack["at"])
    assert tab.silent()


def test_a_reply_arrives_with_its_author(visit: Open, dana: StaffBrowser) -> None:
    tab = visit()
    tab.hello()
    tab.say("anyone?")
    dana.reply(tab.user["id"], "Yes, hello!")
    told = tab.expect("message")
    assert (told["from"], told["body"], told["author"]) == ("staff", "Yes, hello!", "Dana Whitfield")
    assert "client_id" not in told


def test_typing_reaches_staff_and_back(visit: Open, dana: StaffBrowser) -> None:
    tab = visit()
    tab.hello()
    with dana.live() as page:
        page.watch(open=tab.user["id"])
        tab.send("typing", on=True)
        assert 'data-typing="true"' in page.expect("data-typing")
        tab.send("typing", on=False)
        assert 'data-typing="false"' in page.expect("data-typing")
        page.send("typing", user=tab.user["id"], on=True)
        assert tab.expect("typing")["on"] is True
        page.send("typing", user=tab.user["id"], on=False)
        assert tab.expect("typing")["on"] is False


def test_read_marks_go_both_ways(visit: Open, dana: StaffBrowser) -> None:
    tab = visit()
    tab.hello()
    asked = tab.say("is it read?")
    with dana.live() as page:
        page.watch(open=tab.user["id"])
        page.send("read", user=tab.user["id"], up_to=asked["id"])
        told = tab.expect("read")
    assert told["up_to"] == asked["id"] and told["at"].endswith("Z")
    assert person_of(tab).unread_count == 0
    dana.reply(tab.user["id"], "It is.")
    answer = tab.expect("message")
    assert Message.objects.get(pk=answer["id"]).read_at is None
    tab.send("read", up_to=answer["id"])
    tab.send("ping")
    tab.expect("pong")
    assert Message.objects.get(pk=answer["id"]).read_at is not None


def test_unread_counts_ours_that_the_widget_has_not_shown(visit: Open, dana: StaffBrowser) -> None:
    tab = visit()
    tab.hello()
    tab.say("hello?")
    dana.reply(tab.user["id"], "one")
    dana.reply(tab.user["id"], "two")
    again = visit()
    again.token = tab.token
    assert again.hello()["unread"] == 2


@pytest.mark.parametrize(("event", "kind"), [("opened", "widget_opened"), ("closed", "widget_closed")])
def test_widget_is_on_the_timeline(visit: Open, event: str, kind: str) -> None:
    tab = visit()
    tab.hello()
    tab.send("widget", event=event)
    tab.send("ping")
    tab.expect("pong")
    assert ActivityEvent.objects.filter(chat_user=person_of(tab), kind=kind, visit__isnull=False).count() == 1


def test_page_is_on_the_timeline_once(visit: Open) -> None:
    tab = visit()
    tab.hello()
    for _ in range(2):
        tab.send("page", url="http://site.example/docs", title="Docs")
    tab.send("ping")
    tab.expect("pong")
    event = ActivityEvent.objects.get(kind="page")
    assert event.data == {"url": "http://site.example/docs", "title": "Docs"}


def test_identify_takes_claims_and_null_clears_them(visit: Open) -> None:
    tab = visit()
    tab.hello()
    tab.send("identify", name=" Zoë ", email="Zoe@Site.example")
    told = tab.expect("identified")
    assert told["reload"] is False
    assert told["user"] | {"id": ""} == {
        "id": "",
        "name": "Zoë",
        "email": "Zoe@site.example",
        "verified": False,
    }
    person = person_of(tab)
    assert (person.name_folded, person.email_folded) == ("zoe", "zoe@site.example")
    assert person.identified_at is not None and not person.verified
    tab.send("identify", name=None)
    told = tab.expect("identified")
    assert (told["user"]["name"], told["user"]["email"]) == (None, "Zoe@site.example")


def test_a_claimed_address_opens_nobody_elses_history(visit: Open) -> None:
    known = visit()
    known.hello()
    known.send("identify", email="mariam@site.example")
    known.expect("identified")
    known.say("my secret")
    stranger = visit()
    stranger.hello()
    stranger.send("identify", email="mariam@site.example")
    assert stranger.expect("identified")["reload"] is False
    welcome: dict[str, Any] = stranger.hello(after=0)
    assert welcome["messages"] == [] and welcome["user"]["id"] != known.user["id"]


def test_ping_gets_a_pong_and_a_pong_gets_nothing(visit: Open) -> None:
    tab = visit()
    tab.hello()
    tab.send("pong")
    tab.send("ping")
    assert tab.expect("pong") == {"type": "pong"}
    assert tab.silent()


def test_a_refused_second_hello_leaves_the_tab_as_it_was(visit: Open) -> None:
    tab, other = visit(), visit()
    tab.hello()
    other.token = tab.token
    other.hello()
    tab.send("hello", v=1, token=tab.token, identity={"external_id": "x\ny", "hash": "00"})
    assert tab.error()["code"] == "invalid"
    other.say("still heard?")
    assert tab.expect("message")["body"] == "still heard?"


def test_messages_sent_again_past_the_budget_get_their_acks(visit: Open) -> None:
    """A client that lost its connection sends again what it has no ack for, however much that is."""
    tab = visit()
    tab.hello()
    keys = [str(uuid.uuid4()) for _ in range(10)]
    acks = [tab.say(f"line {number}", key) for number, key in enumerate(keys)]
    again = visit()
    again.token = tab.token
    again.hello()
    assert [again.say(f"line {number}", key) for number, key in enumerate(keys)] == acks
    assert Message.objects.count() == 10


def test_what_is_redacted_changes_in_all_tabs_of_its_person_and_in_no_other(
    visit: Open, dana: StaffBrowser
) -> None:
    goes = make_person("Ana Okafor", "ana.okafor@northpine.example")
    first, second, stranger = visit(), visit(), visit()
    first.hello()
    second.token = first.token
    second.hello()
    stranger.hello()
    said = first.say("Write to ana.okafor@northpine.example please")
    assert second.expect("message")["body"] == "Write to ana.okafor@northpine.example please"
    status, _ = dana.post(f"/users/{goes.uuid}/mentions/", message=str(said["id"]))
    assert status == 302
    for tab in (first, second):
        assert tab.expect("redacted") == {
            "type": "redacted",
            "id": said["id"],
            "body": "Write to [redacted] please",
            "data": None,
        }
    stranger.send("ping")
    assert stranger.expect_any("redacted", "pong")["type"] == "pong"
    assert "ana.okafor" not in str(visit_again(visit, first)["messages"])


def visit_again(visit: Open, tab: Visitor) -> dict[str, Any]:
    """What a new tab of the same person is told."""
    again = visit()
    again.token = tab.token
    return again.hello()
