"""Who someone is: signed identities, joining, and what the next one at a shared computer sees."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conversations.models import MergeJournal
from staff.models import Widget
from tests.visitor import Visitor
from tests.widget.signing import signed
from users.models import ChatUser

Open = Callable[..., Visitor]


def bodies(tab: Visitor) -> list[str]:
    return [message["body"] for message in tab.messages]


def test_a_signed_hello_makes_a_verified_person(visit: Open, widget: Widget) -> None:
    tab = visit()
    welcome = tab.hello(identity=signed(widget, "customer-7", name="Mariam", traits={"plan": "pro"}))
    assert welcome["user"] | {"id": ""} == {"id": "", "name": "Mariam", "email": None, "verified": True}
    person = ChatUser.objects.get()
    assert (person.external_id, person.traits) == ("customer-7", {"plan": "pro"})


def test_the_same_external_id_on_another_device_is_the_same_person(visit: Open, widget: Widget) -> None:
    phone, laptop = visit(), visit()
    phone.hello(identity=signed(widget, "customer-7"))
    phone.say("from the phone")
    welcome = laptop.hello(identity=signed(widget, "customer-7"))
    assert welcome["user"]["id"] == phone.user["id"]
    assert bodies(laptop) == ["from the phone"]


def test_an_anonymous_visitor_becomes_known_and_keeps_what_they_said(visit: Open, widget: Widget) -> None:
    tab = visit()
    tab.hello()
    tab.say("before signing in")
    before = tab.user["id"]
    tab.send("identify", identity=signed(widget, "customer-7", name="Mariam"))
    told = tab.expect("identified")
    assert told["user"] == {"id": before, "name": "Mariam", "email": None, "verified": True}
    assert told["reload"] is False
    assert ChatUser.objects.count() == 1


def test_an_anonymous_visitor_is_joined_to_the_known_person(visit: Open, widget: Widget) -> None:
    known = visit()
    known.hello(identity=signed(widget, "customer-7"))
    known.say("last week")
    known.close()
    tab, second_tab = visit(), visit()
    tab.hello()
    tab.say("before signing in")
    second_tab.token = tab.token
    second_tab.hello()
    tab.send("identify", identity=signed(widget, "customer-7"))
    told = tab.expect("identified")
    assert told["reload"] is True and told["user"]["id"] == known.user["id"]
    assert second_tab.expect("identified")["reload"] is True
    tab.messages.clear()
    welcome = tab.hello(after=0, identity=signed(widget, "customer-7"))
    assert welcome["token"] == tab.token
    assert bodies(tab) == ["last week", "before signing in"]
    person = ChatUser.objects.get()
    assert (person.message_count, person.unread_count) == (2, 2)
    assert MergeJournal.objects.get().chat_user == person
    assert tab.say("and goes on")["id"] == second_tab.expect("message")["id"]


def test_a_visitor_who_had_an_external_id_is_not_joined_to_another(visit: Open, widget: Widget) -> None:
    tab = visit()
    tab.hello(identity=signed(widget, "customer-7"))
    tab.say("mine alone")
    tab.send("identify", identity=signed(widget, "customer-8"))
    told = tab.expect("identified")
    assert told["reload"] is True
    tab.messages.clear()
    tab.last = 0
    tab.hello(identity=signed(widget, "customer-8"))
    assert bodies(tab) == []
    assert set(ChatUser.objects.values_list("external_id", "message_count")) == {
        ("customer-7", 1),
        ("customer-8", 0),
    }


def test_the_token_of_a_known_person_alone_opens_nothing(visit: Open, widget: Widget) -> None:
    known = visit()
    known.hello(identity=signed(widget, "customer-7", name="Mariam"))
    known.say("secret")
    next_one = visit()
    next_one.token = known.token
    welcome = next_one.hello()
    assert welcome["user"]["id"] != known.user["id"] and welcome["user"]["name"] is None
    assert welcome["messages"] == [] and welcome["token"] != known.token


def test_another_widgets_secret_signs_nothing_here(visit: Open, widget: Widget) -> None:
    other = Widget.objects.create(name="Another")
    tab = visit()
    tab.send("hello", v=1, identity=signed(other, "customer-7"))
    assert tab.error()["code"] == "identity"
    assert tab.closed() == 4401


@pytest.mark.parametrize(
    "identity",
    [
        {"external_id": "a\nb", "hash": "00"},
        {"external_id": "", "hash": "00"},
        {"external_id": "x" * 201, "hash": "00"},
        {"external_id": 7, "hash": "00"},
        {"hash": "00"},
    ],
)
def test_an_external_id_that_cannot_be_one_is_invalid(visit: Open, identity: dict[str, object]) -> None:
    tab = visit()
    tab.hello()
    tab.send("identify", identity=identity)
    assert tab.error()["code"] == "invalid"
    assert tab.say("goes on")["id"]
