"""`manage.py demo`: the same people for the same seed, whole, of every kind; never among real ones unasked."""

from __future__ import annotations

import datetime as dt
import io
import itertools
import random
from collections import Counter
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Count, F, Q

from chatadmin.lib.tokens import tokens
from conversations.counters import wrong
from conversations.demo import AlreadyLoaded, Loaded, RealPeople, load_demo
from conversations.demo.speech import languages, parse_line, products, zipf
from conversations.models import ActivityEvent, Conversation, EventKind, Kind, Message, Sender, Status
from staff.models import Account
from tests.factories import make_account, make_person
from users.models import ChatUser, Note, Tag, Tagging, Visit

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 24, 12, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def load(users: int = 60, messages: int = 900, **fields: Any) -> Loaded:
    return load_demo(users=users, messages=messages, **{"seed": 5, "now": NOW, **fields})


def everything(**shift: dt.datetime) -> list[Any]:
    """Every row's content but its ids, times as their distance from the moment of loading."""
    now = shift.get("now", NOW)
    rows: list[Any] = []
    for model in (ChatUser, Visit, Conversation, Message, ActivityEvent, Tagging, Note):
        columns = [
            field.attname
            for field in model._meta.concrete_fields
            if not field.primary_key and field.related_model is None
        ]
        for values in model._default_manager.order_by("pk").values_list(*columns):
            rows.append([now - value if isinstance(value, dt.datetime) else value for value in values])  # noqa: PERF401
    return rows


def test_exactly_so_many_people_and_messages() -> None:
    loaded = load(users=61, messages=917)
    assert (loaded.people, loaded.messages) == (61, 917)
    assert ChatUser.objects.count() == 61
    assert Message.objects.exclude(sender=Sender.SYSTEM).count() == 917
    assert sum(ChatUser.objects.values_list("message_count", flat=True)) == 917
    assert loaded.system_lines == Message.objects.filter(sender=Sender.SYSTEM).count() > 0
    assert loaded.conversations == Conversation.objects.count()
    assert loaded.visits == Visit.objects.count()
    assert loaded.events == ActivityEvent.objects.count()


@pytest.mark.parametrize(
    ("users", "messages"), [(0, 0), (1, 0), (1, 1), (1, 500), (3, 2), (40, 0), (5, 5000)]
)
def test_any_numbers_fit(users: int, messages: int) -> None:
    load(users=users, messages=messages)
    assert ChatUser.objects.count() == users
    assert Message.objects.exclude(sender=Sender.SYSTEM).count() == messages
    assert list(wrong()) == []


def test_messages_of_nobody_are_refused() -> None:
    with pytest.raises(ValueError, match="people"):
        load(users=0, messages=1)


def test_the_same_seed_gives_the_same_rows() -> None:
    load()
    first = everything()
    ChatUser.objects.all().delete()
    later = NOW + dt.timedelta(days=3, minutes=7)
    load(now=later)
    assert everything(now=later) == first


def test_another_seed_gives_other_people() -> None:
    load(users=20, messages=100)
    first = set(ChatUser.objects.values_list("uuid", flat=True))
    load(users=20, messages=100, seed=6)
    assert ChatUser.objects.exclude(uuid__in=first).count() == 20


def test_the_same_seed_twice_is_refused() -> None:
    load(users=5, messages=10)
    with pytest.raises(AlreadyLoaded):
        load(users=5, messages=10)
    assert ChatUser.objects.count() == 5


@pytest.mark.parametrize("traits", [{}, {"demo": False}, {"demo": "true"}, {"plan": "plus"}])
def test_real_people_are_left_alone(traits: dict[str, object]) -> None:
    load(users=5, messages=10)
    make_person("Rosa Real", traits=traits)
    with pytest.raises(RealPeople):
        load(users=5, messages=10, seed=6)
    assert ChatUser.objects.count() == 6
    load(users=5, messages=10, seed=6, force=True)
    assert ChatUser.objects.count() == 11


def test_every_counter_agrees_with_the_rows() -> None:
    load(users=120, messages=3000)
    assert list(wrong()) == []


def test_few_people_write_most() -> None:
    load(users=200, messages=4000)
    counts = sorted(ChatUser.objects.values_list("message_count", flat=True), reverse=True)
    assert sum(counts[:20]) > 2000
    assert counts[0] > 20 * counts[100] > 0
    assert counts[-1] == 0


def test_every_kind_of_message_with_its_data() -> None:
    load()
    kinds = Counter(Message.objects.values_list("sender", "kind"))
    for pair in [
        (Sender.VISITOR, Kind.TEXT),
        (Sender.VISITOR, Kind.IMAGE),
        (Sender.VISITOR, Kind.FILE),
        (Sender.VISITOR, Kind.FORM),
        (Sender.STAFF, Kind.TEXT),
        (Sender.STAFF, Kind.FILE),
        (Sender.BOT, Kind.TEXT),
        (Sender.SYSTEM, Kind.SYSTEM),
    ]:
        assert kinds[pair] > 0, pair
    for data in Message.objects.filter(kind__in=[Kind.FILE, Kind.IMAGE]).values_list("data", flat=True):
        assert set(data) == {"name", "size", "type", "url"}
        assert data["url"].startswith("https://files.shop.example/")
        assert data["size"] > 0
    for data in Message.objects.filter(kind=Kind.FORM).values_list("data", flat=True):
        assert all(set(item) == {"label", "value"} for item in data["fields"])
        assert "{" not in str([item["value"] for item in data["fields"]])
    assert not Message.objects.filter(body__contains="{order}").exists()


def test_people_of_every_sort() -> None:
    load(users=200, messages=4000)
    people = ChatUser.objects.all()
    assert people.filter(name="", email="", external_id=None).exists()
    assert people.filter(is_vip=True, vip_reason=None).exists()
    assert people.get(name="Greta Holm").vip_reason
    assert {"", "blue"} <= set(Tag.objects.values_list("color", flat=True))
    assert people.filter(verified_at__isnull=False, external_id__isnull=False).exists()
    assert people.filter(blocked_at__isnull=False).count() == 1
    assert people.filter(message_count=0, visit_count__gt=0).exists()
    assert people.filter(visit_count__gt=1).exists()
    assert people.filter(unread_count__gt=0).exists()
    assert max(len(name) for name in people.values_list("name", flat=True)) == 200
    assert all(
        email.endswith(".example") for email in people.exclude(email="").values_list("email", flat=True)
    )
    tags = set(Tagging.objects.values_list("tag__name", flat=True))
    assert {"billing", "shipping", "wholesale", "beta", "press", "jp"} <= tags
    assert Note.objects.exists()


def test_every_language_is_heard() -> None:
    load(users=400, messages=6000)
    said = " ".join(Message.objects.values_list("body", flat=True))
    for code, language in languages().items():
        lines = [line.text for talk in language.talks for line in talk if line.text and "{" not in line.text]
        assert any(line in said for line in lines), code


def test_visits_and_conversations_keep_the_rules_of_time() -> None:
    load(users=120, messages=3000)
    for person in ChatUser.objects.prefetch_related("visits", "conversations"):
        visits = sorted(person.visits.all(), key=lambda visit: visit.started_at)
        for earlier, later in itertools.pairwise(visits):
            assert later.started_at - earlier.last_seen_at > HOUR / 2
        talks = sorted(person.conversations.all(), key=lambda talk: talk.started_at)
        for earlier_talk, later_talk in itertools.pairwise(talks):
            assert earlier_talk.closed_at is not None
            assert earlier_talk.closed_at < later_talk.started_at
        for talk in talks:
            assert (talk.status == Status.OPEN) == (talk.closed_at is None)
            if talk.status == Status.OPEN:
                assert NOW - talk.last_message_at < 24 * HOUR
    assert Conversation.objects.filter(status=Status.OPEN).exists()
    assert not Message.objects.filter(Q(created_at__gt=NOW) | Q(read_at__lt=F("created_at"))).exists()
    assert not Visit.objects.filter(Q(ended_at=None) | Q(ended_at__gt=NOW)).exists()


def test_what_a_visitor_wrote_lies_within_a_visit() -> None:
    load(users=60, messages=900)
    visits: dict[int, list[tuple[dt.datetime, dt.datetime]]] = {}
    for owner, start, end in Visit.objects.values_list("chat_user", "started_at", "ended_at"):
        visits.setdefault(owner, []).append((start, end))
    written = Message.objects.filter(sender=Sender.VISITOR).values_list("chat_user", "created_at")
    assert written
    for owner, at in written:
        assert any(start <= at <= end for start, end in visits[owner])


def test_ids_grow_in_time_for_each_person() -> None:
    load(users=60, messages=900)
    newest: dict[int, dt.datetime] = {}
    for owner, at in Message.objects.order_by("pk").values_list("chat_user", "created_at"):
        assert owner not in newest or at > newest[owner]
        newest[owner] = at


def test_unread_messages_are_the_newest_of_a_visitor() -> None:
    load(users=120, messages=2000)
    waiting = ChatUser.objects.filter(unread_count__gt=0)
    assert waiting
    for person in waiting:
        read = person.messages.filter(sender=Sender.VISITOR, read_at__isnull=False).order_by("-pk").first()
        unread = person.messages.filter(sender=Sender.VISITOR, read_at=None).order_by("pk").first()
        assert unread is not None
        assert read is None or read.pk < unread.pk


def test_events_agree_with_visits() -> None:
    load(users=60, messages=900)
    people = ChatUser.objects.annotate(
        firsts=Count("events", filter=Q(events__kind=EventKind.FIRST_VISIT)),
        others=Count("events", filter=Q(events__kind=EventKind.VISIT)),
    )
    assert all((person.firsts, person.others) == (1, person.visit_count - 1) for person in people)
    kinds = set(ActivityEvent.objects.values_list("kind", flat=True))
    assert {"page", "widget_opened", "widget_closed", "identified", "blocked"} <= kinds
    within = ActivityEvent.objects.filter(visit__isnull=False)
    assert not within.exclude(visit__chat_user=F("chat_user")).exists()
    assert not within.exclude(at__gte=F("visit__started_at"), at__lte=F("visit__ended_at")).exists()


def test_staff_answer_under_their_own_name(admin: Account) -> None:
    sam = make_account("sam@team.example", name="Sam Support")
    load(users=40, messages=600, staff=[admin, sam])
    by = Counter(Message.objects.filter(sender=Sender.STAFF).values_list("author", "author_name"))
    assert set(by) == {(admin.pk, "Dana Whitfield"), (sam.pk, "Sam Support")}
    assert not Message.objects.filter(sender=Sender.VISITOR).exclude(author=None, author_name="").exists()
    assert set(Note.objects.values_list("author", flat=True)) <= {admin.pk, sam.pk}


def test_without_staff_the_answers_have_a_name_and_no_account() -> None:
    load(users=20, messages=200)
    by = set(Message.objects.filter(sender=Sender.STAFF).values_list("author", "author_name"))
    assert by == {(None, "Support")}


def test_a_signature_ends_a_fifth_of_all_messages_and_changes_nothing_else() -> None:
    load(users=400, messages=9_000)
    plain = list(Message.objects.order_by("pk").values_list("body", flat=True))
    assert not Message.objects.filter(body__contains="Northpine care").exists()
    ChatUser.objects.all().delete()
    load(users=400, messages=9_000, signature="Northpine care")
    signed = list(Message.objects.order_by("pk").values_list("body", "sender", "kind", "tokens"))
    ends = [row for row in signed if row[0].endswith("\nNorthpine care")]
    assert 0.17 < len(ends) / len(signed) < 0.23
    assert {row[1:3] for row in ends} == {(Sender.STAFF, Kind.TEXT)}
    assert all(row[3].endswith(" northpine care") for row in ends)
    assert [body.removesuffix("\nNorthpine care") for body, *_ in signed] == plain


def test_the_word_index_holds_what_was_loaded() -> None:
    load(users=60, messages=900)
    message = Message.objects.filter(body__contains="tracking number").first()
    assert message is not None
    word = next(word for word in message.tokens.split() if word[0].isdigit() and len(word) == 10)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "SELECT rowid FROM conversations_message_fts WHERE conversations_message_fts MATCH %s", [word]
            )
        else:
            cursor.execute(
                "SELECT id FROM conversations_message WHERE to_tsvector('simple', tokens) @@ to_tsquery('simple', %s)",
                [word],
            )
        assert message.pk in [pk for (pk,) in cursor.fetchall()]


def test_later_rows_get_ids_and_index_entries_of_their_own() -> None:
    load(users=10, messages=50)
    person = make_person("After The Load")
    talk = Conversation.objects.create(chat_user=person)
    said = Message.objects.create(
        conversation=talk, chat_user=person, sender=Sender.VISITOR, body="zebrafinch", tokens="zebrafinch"
    )
    assert person.pk == max(ChatUser.objects.values_list("pk", flat=True))
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT rowid FROM conversations_message_fts WHERE conversations_message_fts MATCH 'zebrafinch'"
            )
            assert cursor.fetchall() == [(said.pk,)]


def test_every_line_of_every_language_can_be_said() -> None:
    slots = dict.fromkeys(("order", "product", "amount", "track", "town", "code", "days"), "7")
    for language in languages().values():
        for line in [*language.bot, *language.nudges, *language.late, *itertools.chain(*language.talks)]:
            body = line.text.format_map(slots)
            assert body.strip() or line.kind != "text"
            assert "{" not in body
            assert tokens(body) or line.kind != "text"
        for talk in language.talks:
            assert talk[0].sender == "visitor"


@pytest.mark.parametrize("text", ["hello", "x hello", "v[video] a | b | 1 | c", "v[file] a | b"])
def test_what_is_no_line_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"line|kind|unpack"):
        parse_line(text)


def test_things_are_named_by_zipfs_law() -> None:
    drawn = zipf(random.Random(1), products())
    counts = Counter(next(drawn) for _ in range(40_000))
    ranked = [counts[name] for name in products()]
    assert ranked[0] > 1.5 * ranked[2] > 3 * ranked[20] > 0
    assert sum(1 for count in counts.values() if count == 1) > 1000


def test_the_command_says_what_it_did() -> None:
    out = io.StringIO()
    call_command("demo", "--users=12", "--messages=80", "--seed=3", "--now=2026-11-24T12:00:00", stdout=out)
    assert "12 people" in out.getvalue()
    assert "80 messages" in out.getvalue()
    assert ChatUser.objects.filter(last_active__lte=NOW).count() == 12


def test_the_command_refuses_real_people_and_repeats() -> None:
    make_person("Rosa Real")
    with pytest.raises(CommandError, match="--force"):
        call_command("demo", users=2, messages=4)
    call_command("demo", users=2, messages=4, force=True, stdout=io.StringIO())
    with pytest.raises(CommandError, match="--seed"):
        call_command("demo", users=2, messages=4, force=True)
    with pytest.raises(CommandError, match="people"):
        call_command("demo", users=0, messages=4, seed=9, force=True)
