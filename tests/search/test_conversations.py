"""The conversation list as a page: what is on it, what each row says, how much it asks of the database."""

from __future__ import annotations

import datetime as dt
import re
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations.actions import NewMessage, mark_read, set_status, write_message
from conversations.models import Conversation
from search import conversation_queries
from tests.factories import make_messages, make_person, make_visit
from tests.search.pages import field, link, text_of, total
from tests.search.talks import PART, T, ids, make_talk, preview, row_of, say, talks

pytestmark = pytest.mark.django_db
MINUTE = dt.timedelta(minutes=1)


def crowd(count: int, **fields: object) -> None:
    person = make_person("Crowd", "crowd@site.example")
    Conversation.objects.bulk_create(
        Conversation(
            chat_user=person,
            status="closed",
            closed_at=T,
            last_message_at=T + MINUTE * at,
            started_at=T,
            **fields,
        )
        for at in range(count)
    )


def test_a_stranger_is_sent_to_sign_in(stranger: Client) -> None:
    assert stranger.get("/conversations/").headers["Location"] == "/login/?next=/conversations/"


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_it_is_only_read(method: str, support_client: Client) -> None:
    assert getattr(support_client, method)("/conversations/").status_code == 405


def test_a_row_says_what_the_contract_names(support_client: Client) -> None:
    person = make_person("Mariam Okafor", "mariam@northpine.example")
    said = [("visitor", "Hello?"), ("staff", "Hello!"), ("visitor", "Where is\n my order?")]
    talk = make_talk(person, *said, status="open", turn="staff", unread_count=2)
    html = row_of(talks(support_client), talk)
    assert f'data-user="{person.uuid}"' in html
    assert 'data-status="open" data-turn="staff" data-unread="2"' in html
    assert field(html, "name") == "Mariam Okafor"
    assert field(html, "email") == "mariam@northpine.example"
    assert preview(html) == "Visitor: Where is my order?"
    assert 'data-presence="offline"' in html and "2 unread" in html
    assert "Open" in html and "Our turn" in html
    assert re.findall(r'<time datetime="([^"]+)"', html) == ["2026-11-01T11:57:00Z", "2026-11-01T12:00:00Z"]


def test_the_row_opens_the_history_at_the_last_message(support_client: Client) -> None:
    person = make_person("Ada")
    old = make_talk(person, ("visitor", "Old words"), at=T)
    make_talk(person, *[("visitor", f"New {at}") for at in range(80)], at=T + dt.timedelta(days=2))
    message = old.messages.get()
    found = re.search(r'<a class="row-link" href="([^"]+)"', row_of(talks(support_client), old))
    assert found
    assert found[1] == f"/users/{person.uuid}/conversations/?at={message.pk}#m{message.pk}"
    page = text_of(support_client.get(found[1]))
    assert re.search(rf'class="message found" id="m{message.pk}"', page)


@pytest.mark.parametrize(
    ("sender", "fields", "said"),
    [
        ("staff", {"author_name": "Dana"}, "Dana: Words"),
        ("staff", {}, "Staff: Words"),
        ("bot", {}, "Bot: Words"),
        (
            "visitor",
            {"kind": "image", "data": {"name": "photo.png"}, "body": ""},
            "Visitor: Image · photo.png",
        ),
        ("visitor", {"kind": "file", "data": {"name": "bill.pdf"}}, "Visitor: File · bill.pdf · Words"),
        ("visitor", {"kind": "file", "data": "nonsense", "body": ""}, "Visitor: File"),
        (
            "visitor",
            {"kind": "form", "data": {"fields": [{"label": "Size", "value": "38"}]}, "body": ""},
            "Visitor: Form · Size: 38",
        ),
    ],
)
def test_the_last_message_is_previewed_by_what_it_is(
    sender: str, fields: dict, said: str, support_client: Client
) -> None:
    talk = make_talk(None, ("visitor", "Earlier"))
    say(talk, sender, fields.pop("body", "Words"), at=T, **fields)
    assert preview(row_of(talks(support_client), talk)) == said


def test_our_own_notices_are_not_the_last_message(support_client: Client) -> None:
    person = make_person("Ada")
    write_message(NewMessage(chat_user_id=person.pk, sender="visitor", body="Hello?"))
    talk = person.conversations.get()
    for status in ("closed", "open"):
        set_status(conversation_id=talk.pk, status=status, actor=None)
        html = row_of(talks(support_client), talk)
        assert f'data-status="{status}"' in html
        assert preview(html) == "Visitor: Hello?"


def test_a_conversation_of_notices_alone_leads_to_the_profile(support_client: Client) -> None:
    talk = make_talk(None, ("system", "Conversation closed"))
    html = row_of(talks(support_client), talk)
    assert "Nothing is left of what was said" in html
    assert f'href="/users/{talk.chat_user.uuid}/"' in html


def test_each_conversation_has_its_own_last_message(support_client: Client) -> None:
    person = make_person("Ada")
    made = [make_talk(person, ("visitor", f"Word {at}"), at=T + MINUTE * (at // 2)) for at in range(4)]
    page = talks(support_client)
    assert [preview(row_of(page, talk)) for talk in made] == [f"Visitor: Word {at}" for at in range(4)]


def test_words_are_text_whatever_they_hold(support_client: Client) -> None:
    talk = make_talk(make_person("<b>Bobby</b>"), ("visitor", "refund <script>alert(1)</script>"))
    for page in (talks(support_client), talks(support_client, q="refund")):
        html = row_of(page, talk)
        assert "<b>" not in html and "<script" not in html
        assert field(html, "name") == "<b>Bobby</b>"
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_the_unread_come_first_then_the_newest(support_client: Client) -> None:
    read_new, unread_old, read_old, unread_new = (
        make_talk(make_person(f"P{at}"), unread_count=unread, at=T + MINUTE * minute)
        for at, (unread, minute) in enumerate([(0, 9), (1, 1), (0, 2), (5, 5)])
    )
    page = talks(support_client)
    assert ids(page) == [talk.pk for talk in (unread_new, unread_old, read_new, read_old)]
    assert total(page) == "4"


def test_the_erased_are_not_listed_nor_counted_nor_found(support_client: Client) -> None:
    here = make_talk(make_person("Here"), ("visitor", "refund"))
    gone = make_talk(make_person("Gone", erased_at=timezone.now()), ("visitor", "refund"), unread_count=1)
    assert Conversation.objects.filter(pk=gone.pk).exists()
    for parameters in ({}, {"q": "refund"}, {"q": "refund", "in": "messages"}):
        page = talks(support_client, **parameters)
        assert ids(page) == [here.pk] and total(page) == "1"
    for parameters in ({"unread": "yes"}, {"q": "gone"}, {"q": "Gone", "in": "name"}):
        page = talks(support_client, **parameters)
        assert ids(page) == [] and total(page) == "0"


FILTERS = [
    ({"status": "open"}, {"ouz", "tuz"}),
    ({"status": "closed"}, {"ou1", "tu1", "oc"}),
    ({"unread": "yes"}, {"ou1", "tu1"}),
    ({"turn": "staff"}, {"ouz", "ou1", "oc"}),
    ({"turn": "visitor"}, {"tuz", "tu1"}),
    ({"turn": "visitor", "status": "open"}, {"tuz"}),
    ({"turn": "visitor", "unread": "yes", "status": "closed"}, {"tu1"}),
    ({"turn": "visitor", "unread": "yes", "status": "open"}, set()),
]


@pytest.mark.parametrize("search", [{}, {"q": "crowd", "in": "name"}, {"q": "refund", "in": "messages"}])
@pytest.mark.parametrize(("parameters", "expected"), FILTERS)
def test_filters_combine_with_each_other_and_with_search(
    parameters: dict[str, str], expected: set[str], search: dict[str, str], support_client: Client
) -> None:
    made = {
        name: make_talk(
            make_person(f"Crowd {name}"),
            ("visitor", "a refund"),
            status=status,
            turn=turn,
            unread_count=unread,
        )
        for name, status, turn, unread in (
            ("ouz", "open", "staff", 0),
            ("tuz", "open", "visitor", 0),
            ("ou1", "closed", "staff", 1),
            ("tu1", "closed", "visitor", 1),
            ("oc", "closed", "staff", 0),
        )
    }
    assert len(ids(talks(support_client, **search))) == len(made)
    page = talks(support_client, **parameters, **search)
    assert set(ids(page)) == {made[name].pk for name in expected}
    assert total(page) == str(len(expected))


def test_chips_put_filters_on_and_take_themselves_away(support_client: Client) -> None:
    make_talk()
    parameters = {"q": "a", "unread": "yes", "turn": "staff", "sent_from": "2026-02-28", "status": "bogus"}
    html = text_of(talks(support_client, **parameters))
    links = re.findall(
        r'<a class="chip( on)?" href="([^"]+)"><span class="sr">(\w+) filter </span>([^<]+?) ?<', html
    )
    assert {(on, does) for on, _href, does, _label in links} == {(" on", "Remove"), ("", "Add")}
    chips = {label: (bool(on), unescape(href)) for on, href, _does, label in links}
    rest = "q=a&sent_from=2026-02-28"
    assert chips == {
        "Unread": (True, f"/conversations/?{rest}&turn=staff"),
        "Open": (False, f"/conversations/?{rest}&status=open&unread=yes&turn=staff"),
        "Closed": (False, f"/conversations/?{rest}&status=closed&unread=yes&turn=staff"),
        "Our turn": (True, f"/conversations/?{rest}&unread=yes"),
        "Visitor&#x27;s turn": (False, f"/conversations/?{rest}&unread=yes&turn=visitor"),
        "Sent from 28 Feb 2026": (True, "/conversations/?q=a&unread=yes&turn=staff"),
    }


def test_a_search_keeps_the_filters(support_client: Client) -> None:
    html = text_of(talks(support_client, unread="yes", turn="visitor", status="bogus"))
    form = html[html.index('role="search"') : html.index('id="results" data-total')]
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]+)">', form)
    assert hidden == [("unread", "yes"), ("turn", "visitor")]


def test_fifty_a_page(support_client: Client) -> None:
    crowd(51)
    first = talks(support_client)
    assert len(ids(first)) == 50 and total(first) == "51"
    assert link(first, "prev") is None
    second = support_client.get(link(first, "next") or "")
    assert len(ids(second)) == 1 and total(second) == "51"
    assert link(second, "next") is None and link(second, "prev") is not None


@pytest.mark.parametrize(("count", "said"), [(1000, "1000"), (1001, "1000+")])
def test_the_total_is_exact_up_to_a_thousand(count: int, said: str, support_client: Client) -> None:
    crowd(count, unread_count=1)
    for parameters in ({}, {"unread": "yes"}, {"q": "Crowd", "in": "name"}):
        page = talks(support_client, **parameters)
        assert total(page) == said
        assert len(ids(page)) == 50
    assert total(talks(support_client, status="open")) == "0"


@pytest.mark.parametrize("query", [{}, {"unread": "yes"}, {"q": "crowd"}, {"q": "hello", "in": "messages"}])
def test_as_many_questions_to_the_database_for_two_as_for_fifty(
    query: dict[str, str], support_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    # How large everything is, is asked once in a while.
    monkeypatch.setattr(conversation_queries, "is_small", lambda: True)
    counts = []
    for count in (2, 48):
        for at in range(count):
            person = make_person(f"Crowd {at}", is_vip=True)
            make_visit(person)
            make_talk(person, ("visitor", "Hello?"), at=T + MINUTE * at, unread_count=1)
        # The first such search of a minute is a line of the audit log.
        talks(support_client, **query)
        with CaptureQueriesContext(connection) as captured:
            listed = ids(talks(support_client, **query))
        assert len(listed) == Conversation.objects.count()
        counts.append(len(captured))
    assert counts[0] == counts[1] <= (10 if "q" not in query else 24)


def test_for_htmx_only_the_part_that_changes(support_client: Client) -> None:
    make_talk(make_person("Ada"))
    make_talk(make_person("Bob"))
    whole = talks(support_client, q="Ada", unread="")
    part = support_client.get("/conversations/", {"q": "Ada", "in": "any", "unread": ""}, headers=PART)
    assert "<html" in text_of(whole) and "<html" not in text_of(part)
    assert ids(part) == ids(whole) != [] and total(part) == "1"
    assert part.headers["HX-Push-Url"] == "/conversations/?q=Ada"
    assert re.search(r'hx-swap-oob="innerHTML:#found">1 conversation\s*<', text_of(part))
    for response in (whole, part):
        assert "HX-Request" in response.headers["Vary"]
        assert "no-store" in response.headers["Cache-Control"]


def test_nothing_yet_tells_how_to_begin(support_client: Client, admin_client: Client) -> None:
    page = text_of(talks(admin_client))
    assert "No conversations yet" in page and 'class="btn primary" href="/widget/"' in page
    page = text_of(talks(support_client))
    assert "No conversations yet" in page and 'class="btn primary" href="/widget/"' not in page


def test_no_match_says_so_and_leads_back(support_client: Client) -> None:
    make_talk()
    page = talks(support_client, q="<zzz>")
    assert ids(page) == [] and total(page) == "0"
    assert "No conversation matches “<bdi>&lt;zzz&gt;</bdi>”" in text_of(page)
    assert '<a class="btn" href="/conversations/">Show all conversations' in text_of(page)
    assert "No conversation matches" in text_of(talks(support_client, unread="yes"))


def test_a_page_that_everything_has_left_leads_to_the_first(support_client: Client) -> None:
    crowd(51)
    older = link(talks(support_client), "next") or ""
    Conversation.objects.order_by("last_message_at")[:1].get().delete()
    page = support_client.get(older)
    assert ids(page) == []
    assert "No conversation is on this page any more" in text_of(page)
    assert '<a class="btn" href="/conversations/">To the first page' in text_of(page)


def test_the_navigation_leads_here_and_counts_what_waits(support_client: Client) -> None:
    person = make_person("Ada")
    make_talk(person, unread_count=2)
    make_messages(person, ("visitor", "Hello?"))
    for address, current in (("/conversations/", ' aria-current="page"'), ("/users/", "")):
        page = text_of(support_client.get(address))
        entry = re.search(rf'<a href="/conversations/"{current}>.*?</a>', page, re.DOTALL)
        assert entry and "2 unread" in entry[0]


def test_the_badge_is_live_where_it_is_the_persons(support_client: Client) -> None:
    person = make_person("Ada")
    talk = make_talk(person, ("visitor", "Hello?"), status="open", unread_count=1)
    leaf = 'data-slot="unread"'
    assert leaf in row_of(talks(support_client), talk)
    older = make_talk(person, ("visitor", "Anybody?"), at=T - MINUTE, unread_count=3)
    page = talks(support_client)
    for each, count in ((talk, 1), (older, 3)):
        assert leaf not in row_of(page, each)
        assert f"{count} unread" in row_of(page, each)


def test_what_is_read_leaves_the_unread(support_client: Client) -> None:
    person = make_person("Ada")
    stored = write_message(NewMessage(chat_user_id=person.pk, sender="visitor", body="Hello?"))
    assert ids(talks(support_client, unread="yes")) == [stored.message.conversation_id]
    mark_read(chat_user_id=person.pk, side="staff", up_to=stored.message.pk)
    assert ids(talks(support_client, unread="yes")) == []
    assert ids(talks(support_client)) == [stored.message.conversation_id]
