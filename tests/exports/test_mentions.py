"""Where other people's messages name a person: found through the search index, redacted one by one."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from chatadmin.lib.budget import OverBudget
from chatadmin.lib.bus import Event
from chatadmin.lib.tokens import tokens
from conversations.models import Message
from conversations.redacting import redact
from exports import mentions
from exports.mentions import REDACTED, clean, mentions_of, needles_of
from search import walk
from staff import audit
from staff.models import Account
from tests.exports.people import START
from tests.factories import make_messages, make_person
from users.models import ChatUser

pytestmark = pytest.mark.django_db(transaction=True)

MOST_QUERIES = 24
EMAIL = "ana.okafor@northpine.example"


@pytest.fixture
def ana(db: None) -> ChatUser:
    return make_person(
        "Ana", EMAIL, external_id="cust-8841", traits={"phone": "+49 170 123-4567", "plan": "pro", "n": 7}
    )


def said(person: ChatUser, *bodies: str) -> list[Message]:
    return make_messages(person, *[("visitor", body) for body in bodies])


def found(person: ChatUser) -> list[str]:
    return [one.message.body for one in mentions_of(person).rows]


@pytest.mark.parametrize(
    ("body", "left"),
    [
        (f"write to {EMAIL}.", f"write to {REDACTED}."),
        (f"<{EMAIL.upper()}>", f"<{REDACTED}>"),
        ("it is CUST-8841, I think", f"it is {REDACTED}, I think"),
        ("call +49 170 123-4567 today", f"call {REDACTED} today"),
        ("call 491701234567 today", f"call {REDACTED} today"),
        (f"{EMAIL} and {EMAIL}", f"{REDACTED} and {REDACTED}"),
    ],
)
def test_what_is_theirs_is_found_and_taken_out(ana: ChatUser, admin: Account, body: str, left: str) -> None:
    bo = make_person("Bo")
    said(bo, body)
    said(ana, f"I am {EMAIL}")
    assert found(ana) == [body]
    assert clean(needles_of(ana), body) == left


@pytest.mark.parametrize(
    "body",
    [
        "write to joana.okafor@northpine.example",
        f"x{EMAIL}",
        f"{EMAIL}.evil.example",
        "cust-88412",
        "call +49 170 123-4568",
        "order 9491701234567",
        "Ana says hello",
    ],
)
def test_what_is_somebody_elses_is_not(ana: ChatUser, body: str) -> None:
    said(make_person("Bo"), body)
    assert found(ana) == []
    assert clean(needles_of(ana), body) == body


HOME_AND_WORLD = [
    *("0170 1234567", "0170/1234567", "(0170) 123 45 67", "01701234567", "0170-12-34-567", "0170.123.4567"),
    *("+49 170 1234567", "+491701234567", "0049 170 123 4567", "+49 (0)170 1234567", "+49-170-1234-567"),
    *("170 1234567", "0170 \u2013 1234567", "0 17 01 23 45 67", "(0170)1234567", "0170\u00a01234567"),
]


@pytest.mark.parametrize("held", ["+49 170 123-4567", "0170 1234567", "00491701234567"])
@pytest.mark.parametrize("written", HOME_AND_WORLD)
def test_a_number_is_found_however_it_is_written(held: str, written: str) -> None:
    ana = make_person("Ana", traits={"contact": {"phones": [held]}})
    for body in (f"call {written} today", written, f"({written})", f"It is {written}. 2 of us (3 pm)"):
        [message] = said(make_person("Bo"), body)
        assert found(ana) == [body]
        assert clean(needles_of(ana), body) == body.replace(written, REDACTED)
        message.delete()


@pytest.mark.parametrize(
    "body",
    [
        *("0170 1234568", "0171 1234567", "+41 170 1234567", "90170 1234567", "0170 12345678", "0170 123456"),
        *("4012 0170 1234567", "0170 1234567 89", "0170-1234567-89", "1/0170/1234567", "x01701234567"),
        *(
            "01701234567x",
            "0170 1234567_",
            "1234567",
            "234 567",
            "2301701234567",
            "0170 123 4567 0170 123 456",
        ),
    ],
)
def test_a_part_of_a_longer_number_or_another_one_is_not_it(body: str) -> None:
    ana = make_person("Ana", traits={"phone": "+49 170 1234567"})
    said(make_person("Bo"), body, "0170 1234567")
    assert found(ana) == ["0170 1234567"]
    assert clean(needles_of(ana), body) == body


@pytest.mark.parametrize(
    "held", ["030 1234", "0170\t1234567", "1 2 3 4 5 6 7", "\u0661\u0662\u0663\u0664\u0665\u0666\u0667"]
)
def test_a_number_is_found_as_the_profile_writes_it(held: str) -> None:
    ana = make_person("Ana", traits={"phone": held})
    said(make_person("Bo"), f"call {held} today", "call me today")
    assert found(ana) == [f"call {held} today"]
    assert clean(needles_of(ana), f"call {held} today") == f"call {REDACTED} today"


@pytest.mark.parametrize("rare", [0, 2_000], ids=["bucket by bucket", "all at once"])
def test_the_index_finds_a_number_in_every_writing_page_by_page(
    rare: int, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    """As among more messages than are read one by one."""
    monkeypatch.setattr(walk, "READ_FIRST", 1)
    monkeypatch.setattr(walk, "READ_SHARE", 10)
    monkeypatch.setattr(walk, "RARE", rare)
    monkeypatch.setattr(walk, "RARE_SECONDS", 2.0)
    ana = make_person("Ana", traits={"phone": "+49 170 123-4567"})
    bodies = [f"call {written} today" for written in HOME_AND_WORLD]
    said(ana, *bodies)
    said(make_person("Bo"), *[body for one in bodies for body in (one, "12 34 56 7 and 67, 0170 1234568")])
    seen: list[str] = []
    below = None
    while True:
        with django_assert_max_num_queries(MOST_QUERIES) as asked:
            page = mentions_of(ana, below=below, size=5)
        assert not page.partial
        assert any("unnest" in one["sql"] or " MATCH " in one["sql"] for one in asked.captured_queries)
        seen += [one.message.body for one in page.rows]
        if page.below is None:
            break
        below = page.below
    assert seen == bodies[::-1]


@pytest.mark.parametrize("trait", ["1234 56", "12.5.2026 and 7", "12345678901234567890", "12 apples 345678"])
def test_what_is_no_number_is_not_looked_for(trait: str) -> None:
    assert needles_of(make_person("Ana", traits={"said": trait})) == []


def test_what_a_form_holds_is_found_and_taken_out_too(ana: ChatUser, admin: Account) -> None:
    bo = make_person("Bo")
    [message] = said(bo, "")
    fields = {"fields": [{"label": "Friend", "value": f"{EMAIL}"}]}
    Message.objects.filter(pk=message.pk).update(kind="form", data=fields, tokens=tokens(f"Friend {EMAIL}"))
    assert len(mentions_of(ana).rows) == 1
    assert redact(message_id=message.pk, clean=lambda text: clean(needles_of(ana), text), actor=admin)
    message.refresh_from_db()
    assert message.data == {"fields": [{"label": "Friend", "value": REDACTED}]}
    assert message.tokens == "friend"
    assert mentions_of(ana).rows == []


def test_those_who_are_erased_and_oneself_are_passed_over(ana: ChatUser) -> None:
    said(ana, EMAIL)
    gone = make_person("Gone")
    said(gone, EMAIL)
    assert len(found(ana)) == 1
    ChatUser.objects.filter(pk=gone.pk).update(erased_at=gone.first_seen)
    assert found(ana) == []


def test_somebody_of_whom_nothing_is_known_has_none(db: None) -> None:
    said(make_person("Bo"), "hello 12")
    nobody = make_person("", traits={"age": 12})
    assert needles_of(nobody) == []
    assert found(nobody) == []


def test_it_is_paged_newest_first(ana: ChatUser) -> None:
    bo = make_person("Bo")
    made = said(bo, *[f"{number}: {EMAIL if number % 2 else 'cust-8841'}" for number in range(7)])
    seen: list[int] = []
    below = None
    while True:
        page = mentions_of(ana, below=below, size=3)
        assert len(page.rows) <= 3
        seen += [one.message.pk for one in page.rows]
        if page.below is None:
            break
        below = page.below
    assert seen == [message.pk for message in reversed(made)]


def test_where_the_time_runs_out_it_says_so_and_goes_on(
    ana: ChatUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    said(make_person("Bo"), EMAIL)
    monkeypatch.setattr(mentions, "SECONDS", 0.0)
    page = mentions_of(ana)
    assert page.partial and page.rows == [] and page.below is not None
    monkeypatch.setattr(mentions, "SECONDS", 2.0)
    assert len(mentions_of(ana, below=page.below).rows) == 1


def test_cut_short_again_and_again_it_misses_nothing(ana: ChatUser, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time runs out after each few messages that were read: going on from there, each is met once."""
    made = said(make_person("Bo"), *[f"{number} {EMAIL}" for number in range(9)])
    monkeypatch.setattr(mentions, "READ_AT_ONCE", 2)
    real, seen, below = mentions._read, list[int](), None
    for _ in range(20):
        reads = 0

        def once(*args: Any) -> list[Message]:
            nonlocal reads
            reads += 1
            if reads > 1:
                raise OverBudget
            return real(*args)

        monkeypatch.setattr(mentions, "_read", once)
        page = mentions_of(ana, below=below, size=3)
        seen += [one.message.pk for one in page.rows]
        if page.below is None:
            break
        assert page.partial or len(page.rows) == 3
        below = page.below
    assert seen == [message.pk for message in reversed(made)]


def test_the_page_redacts_one_and_leaves_the_others(
    admin_client: Client, admin: Account, ana: ChatUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Event] = []
    bo = make_person("Bo")
    first, second = said(bo, f"one {EMAIL}", f"two {EMAIL}")
    page = admin_client.get(f"/users/{ana.uuid}/mentions/").content.decode()
    assert re.findall(r'data-mention="(\d+)"', page) == [str(second.pk), str(first.pk)]
    assert f"/users/{bo.uuid}/conversations/?at={first.pk}" in page
    monkeypatch.setattr("chatadmin.lib.bus._publish", told.extend)
    answer = admin_client.post(f"/users/{ana.uuid}/mentions/", {"message": first.pk})
    assert answer.headers["Location"] == f"/users/{ana.uuid}/mentions/"
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.body, first.tokens) == (f"one {REDACTED}", "one redacted")
    assert second.body == f"two {EMAIL}"
    assert found(ana) == [second.body]
    [line] = audit.entries_about(bo.uuid)
    assert (line.verb, line.actor, line.detail) == ("message.redacted", admin, {"message": first.pk})
    assert Event("message.redacted", str(bo.uuid), {"id": first.pk}) in told


def test_only_what_is_the_persons_can_be_taken_out(admin_client: Client, ana: ChatUser) -> None:
    bo = make_person("Bo")
    [other] = said(bo, "nothing of hers")
    admin_client.post(f"/users/{ana.uuid}/mentions/", {"message": other.pk, "text": "nothing"})
    other.refresh_from_db()
    assert other.body == "nothing of hers"
    assert not audit.entries_about(bo.uuid).exists()


@pytest.mark.parametrize("message", ["", "x", "9" * 30, "-1", "0"])
def test_a_message_that_is_none_is_not_found(admin_client: Client, ana: ChatUser, message: str) -> None:
    assert admin_client.post(f"/users/{ana.uuid}/mentions/", {"message": message}).status_code == 404


@pytest.mark.parametrize("below", ["x", "9" * 30, ""])
def test_a_wrong_page_is_the_first(admin_client: Client, ana: ChatUser, below: str) -> None:
    said(make_person("Bo"), EMAIL)
    page = admin_client.get(f"/users/{ana.uuid}/mentions/?below={below}")
    assert page.status_code == 200 and "data-mention" in page.content.decode()


def test_the_delete_page_shows_the_first_few(admin_client: Client, ana: ChatUser) -> None:
    said(make_person("Bo"), *[f"{number} {EMAIL}" for number in range(5)])
    page = admin_client.get(f"/users/{ana.uuid}/delete/").content.decode()
    assert page.count("data-mention=") == 3
    assert f'href="/users/{ana.uuid}/mentions/"' in page
    alone = make_person("Cy", "cy@else.example")
    assert "data-mention" not in admin_client.get(f"/users/{alone.uuid}/delete/").content.decode()


def test_support_and_strangers_may_not(support_client: Client, stranger: Client, ana: ChatUser) -> None:
    address = f"/users/{ana.uuid}/mentions/"
    assert support_client.get(address).status_code == 403
    assert support_client.post(address, {"message": 1}).status_code == 403
    assert stranger.get(address).headers["Location"].startswith("/login/")


def test_an_open_page_of_the_owners_is_told(ana: ChatUser, admin: Account) -> None:
    from live.fragments import Change, View, changed

    bo = make_person("Bo")
    [message] = said(bo, f"one {EMAIL}")
    redact(message_id=message.pk, clean=lambda text: clean(needles_of(ana), text), actor=admin)
    name = str(bo.uuid)
    views: dict[str, Any] = {name: View(open=True, log=True)}
    shown = changed({name: Change(redrawn=[message.pk])}, set(), views)[name].text(views[name])
    assert f"outerHTML:[data-message='{message.pk}']" in shown
    assert "[redacted]" in shown and EMAIL not in shown


def test_what_a_hold_keeps_stays(admin_client: Client, ana: ChatUser) -> None:
    bo = make_person("Bo", held_at=START)
    [message] = said(bo, EMAIL)
    page = admin_client.post(f"/users/{ana.uuid}/mentions/", {"message": message.pk}, follow=True)
    assert "A legal hold keeps this message." in page.content.decode()
    message.refresh_from_db()
    assert message.body == EMAIL


def test_a_page_of_them_is_redacted_at_once_each_with_a_line(
    admin_client: Client, ana: ChatUser, admin: Account
) -> None:
    bo, held = make_person("Bo"), make_person("Held", held_at=START)
    mine, kept = said(bo, f"one {EMAIL}", f"two {EMAIL}"), said(held, EMAIL)
    address = f"/users/{ana.uuid}/mentions/"
    page = admin_client.get(address).content.decode()
    assert 'data-redact-all="2"' in page and "Redact all 2 on this page" in page
    assert page.count("data-kept") == 1 and page.count(">Redact</button>") == 2
    assert f'value="{kept[0].pk}"' not in page
    ids = [message.pk for message in [*mine, *kept]]
    page = admin_client.post(address, {"message": [*ids, ids[0], 2**40]}, follow=True).content.decode()
    assert "2 messages were redacted. A legal hold keeps 1." in page
    assert found(ana) == [EMAIL]
    lines = audit.entries_about(bo.uuid).filter(verb="message.redacted").order_by("pk")
    assert [(line.actor, line.detail) for line in lines] == [(admin, {"message": pk}) for pk in ids[:2]]
    many = {"message": range(1, mentions.PAGE_SIZE + 2)}
    assert admin_client.post(address, many).status_code == 404
