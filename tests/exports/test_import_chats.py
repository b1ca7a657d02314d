"""`manage.py import_chats chatadmin`: what was exported comes back, and twice the same changes nothing."""

from __future__ import annotations

import datetime as dt
import json
import zipfile
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conversations.counters import wrong
from conversations.models import ActivityEvent, Conversation, MergeJournal, Message
from exports.erasure import Held, erase
from exports.holds import lift_hold, place_hold
from exports.importing import talks
from exports.importing.lock import alone
from exports.models import Approval, Erasure, Hold
from exports.stream import Form
from staff import audit
from staff.models import Account, AuditEntry
from tests.exports.importing import bring_in, content, counted, counts, forget_everyone, write
from tests.exports.people import START, make_marked
from tests.factories import make_messages, make_person, make_visit
from users.models import ChatUser, Note, Tag, Visit

pytestmark = pytest.mark.django_db
FORMS = pytest.mark.parametrize("form", [Form.JSON, Form.CSV])


@FORMS
def test_everything_comes_back(tmp_path: Path, form: Form) -> None:
    person = counted("zebrafin")
    held = content(person.uuid)
    path = write(person, tmp_path, form)
    forget_everyone()
    status, said = bring_in(path)
    assert (status, counts(said, "people"), counts(said, "conversations"), counts(said, "messages")) == (
        0,
        (1, 0, 0, 0),
        (2, 0, 0, 0),
        (5, 0, 0, 0),
    )
    assert counts(said, "other rows") == (5, 0, 0, 0)
    assert content(person.uuid) == held
    assert held["notes"][0]["body"] == "-prefers notezebrafin"
    assert list(wrong()) == []


@FORMS
def test_the_second_time_nothing_changes(tmp_path: Path, form: Form) -> None:
    person = counted("zebrafin")
    path = write(person, tmp_path, form)
    forget_everyone()
    bring_in(path)
    held, lines = content(person.uuid), AuditEntry.objects.count()
    ids = list(Message.objects.order_by("pk").values_list("pk", flat=True))
    status, said = bring_in(path)
    assert (status, counts(said, "people"), counts(said, "messages")) == (0, (0, 0, 1, 0), (0, 0, 5, 0))
    assert counts(said, "other rows") == (0, 0, 5, 0)
    assert (content(person.uuid), AuditEntry.objects.count()) == (held, lines)
    assert list(Message.objects.order_by("pk").values_list("pk", flat=True)) == ids


@FORMS
def test_where_it_was_made_it_changes_nothing(tmp_path: Path, form: Form) -> None:
    person = counted("zebrafin")
    held = content(person.uuid)
    status, said = bring_in(write(person, tmp_path, form))
    assert (status, counts(said, "conversations"), counts(said, "messages")) == (
        0,
        (0, 0, 2, 0),
        (0, 0, 5, 0),
    )
    assert content(person.uuid) == held


def test_ids_are_below_zero_in_the_order_of_time_over_all_files(tmp_path: Path) -> None:
    ana, ben = make_person("Ana"), make_person("Ben")
    for person, minutes in ((ana, 0), (ben, 1)):
        for step in range(3):
            at = START + dt.timedelta(minutes=minutes + 10 * step)
            make_messages(person, ("visitor", f"{minutes + 10 * step}"), start=at)
    paths = [write(ana, tmp_path), write(ben, tmp_path)]
    forget_everyone()
    bring_in(*paths)
    found = Message.objects.order_by("pk").values_list("pk", "body")
    assert [body for _, body in found] == ["0", "1", "10", "11", "20", "21"]
    assert [pk for pk, _ in found] == list(range(-6, 0))
    make_messages(make_person("Cara"), ("visitor", "live"))
    late = make_person("Dan")
    make_messages(late, ("visitor", "late"), start=START)
    path = write(late, tmp_path)
    late.messages.all().delete()
    late.conversations.all().delete()
    bring_in(path)
    assert late.messages.get().pk == -7


def test_what_follows_a_bad_row_goes_in(tmp_path: Path) -> None:
    person = make_person("Ana", "ana@northpine.example")
    make_messages(person, *[("visitor", f"number {number}") for number in range(6)], start=START)
    make_visit(person, started_at=START)
    path = write(person, tmp_path)
    lines = path.read_text().split("\n")
    at = {body: next(n for n, line in enumerate(lines) if f"number {body}" in line) for body in range(6)}
    lines[at[1]] = lines[at[1]].replace('"from":"visitor"', '"from":"nobody"')
    lines[at[2]] = lines[at[2]].replace('"kind":', '"kind"')
    lines[at[3]] = lines[at[3]].replace('"number 3"', '"number\\u0000 3"')
    lines[at[5]] = lines[at[5]].replace('"kind":', "kind:")
    path.write_text("\n".join(lines))
    forget_everyone()
    status, said = bring_in(path)
    assert status == 2
    told = said.splitlines()
    assert [line.split(": ")[0] for line in told[:4]] == [f"{path.name}:{at[n] + 1}" for n in (1, 2, 3, 5)]
    assert "ana@" not in said and "number" not in said, "no line quotes what it refuses"
    assert counts(said, "messages") == (2, 0, 0, 4)
    assert list(Message.objects.order_by("pk").values_list("body", flat=True)) == ["number 0", "number 4"]
    assert Visit.objects.count() == 1 and list(wrong()) == []


def test_a_broken_conversation_leaves_the_others(tmp_path: Path) -> None:
    person = counted("zebrafin")
    path = write(person, tmp_path)
    text = path.read_text()
    assert '"status":"closed",' in text
    path.write_text(text.replace('"status":"closed",', '"status":closed,', 1))
    forget_everyone()
    status, said = bring_in(path)
    assert status == 2
    assert counts(said, "conversations") == (1, 0, 0, 1)
    assert counts(said, "messages") == (3, 0, 0, 2)
    assert counts(said, "other rows") == (5, 0, 0, 0)


def test_a_bad_table_row_is_named_by_its_line(tmp_path: Path) -> None:
    person = make_person("Ana")
    make_messages(person, ("visitor", "one\ntwo"), ("visitor", "three"), ("visitor", "four"), start=START)
    whole = write(person, tmp_path, Form.CSV)
    broken = tmp_path / "broken.zip"
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(broken, "w") as new:
        for name in old.namelist():
            text = old.read(name)
            new.writestr(name, text.replace(b"visitor,text,three", b"visitor,text,three,more"))
    forget_everyone()
    status, said = bring_in(broken)
    assert status == 2
    assert said.startswith("broken.zip/messages.csv:4: ")
    assert counts(said, "messages") == (2, 0, 0, 1)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "ends early"),
        ("[]", "should be a {"),
        ('{"schema":"other/1"}', "schema isn't chatadmin.user/1"),
        ('{"schema":"chatadmin.user/1"}', "without a profile"),
        ('{"profile":{"uuid":"x"}}', "no schema"),
        ('{"schema":"chatadmin.user/1","profile":{"uuid":"x"}}', "Invalid UUID"),
        ("{" * 100_000, "should be a name"),
    ],
)
def test_what_is_no_export_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "some.json"
    path.write_text(text)
    status, said = bring_in(path)
    assert status == 2
    assert reason in said and counts(said, "people")[0] == 0
    assert not ChatUser.objects.exists()


def test_a_file_that_is_not_there_and_a_broken_zip(tmp_path: Path) -> None:
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK\x03\x04 and no more")
    ana = make_person("Ana")
    status, said = bring_in(tmp_path / "absent.json", broken, write(ana, tmp_path))
    assert status == 2
    assert "absent.json: No such file" in said and "a broken ZIP" in said
    assert counts(said, "people") == (0, 0, 1, 0)


def test_other_formats_are_unknown(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="Unknown format tidio: give one of chatadmin"):
        call_command("import_chats", "tidio", str(tmp_path / "x.json"))


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    path = write(counted("zebrafin"), tmp_path)
    forget_everyone()
    status, said = bring_in(path, dry_run=True)
    assert (status, counts(said, "people"), counts(said, "messages")) == (0, (1, 0, 0, 0), (5, 0, 0, 0))
    assert not (ChatUser.objects.exists() or Tag.objects.exists() or AuditEntry.objects.exists())


def test_a_truncated_document_keeps_what_came_before(tmp_path: Path) -> None:
    person = make_person("Ana")
    make_messages(person, *[("visitor", f"number {number}") for number in range(6)], start=START)
    path = write(person, tmp_path)
    text = path.read_text()
    path.write_text(text[: text.index("number 4")])
    forget_everyone()
    status, said = bring_in(path)
    assert status == 2 and "Unterminated" in said
    assert ChatUser.objects.count() == 1


def test_newer_rows_of_a_known_person_go_in_beside_what_is_there(tmp_path: Path) -> None:
    person = make_person("Ana")
    make_messages(person, ("visitor", "one"), ("visitor", "one"), start=START)
    path = write(person, tmp_path)
    found = json.loads(path.read_text())
    said = found["conversations"][0]["messages"]
    said[0]["read_at"] = "2026-03-02T00:00:00Z"
    said.append({**said[1], "id": 99, "at": "2026-03-01T10:00:00Z", "body": "two"})
    found["profile"]["name"] = "Ana Okafor"
    path.write_text(json.dumps(found, sort_keys=True, indent=2))
    status, out = bring_in(path)
    assert (status, counts(out, "people"), counts(out, "messages")) == (0, (0, 1, 0, 0), (1, 1, 1, 0))
    person.refresh_from_db()
    assert (person.name, person.message_count, person.unread_count) == ("Ana Okafor", 3, 2)
    assert person.name_folded == "ana okafor"
    assert list(wrong()) == []


def test_what_ended_here_is_not_opened_again(tmp_path: Path) -> None:
    person = make_person("Ana")
    make_messages(person, ("visitor", "one"), start=START)
    make_visit(person, started_at=START)
    path = write(person, tmp_path)
    Conversation.objects.update(status="closed", closed_at=START + dt.timedelta(days=2))
    Visit.objects.update(ended_at=START + dt.timedelta(days=1), how_ended="left")
    status, out = bring_in(path)
    assert (status, counts(out, "conversations"), counts(out, "other rows")) == (
        0,
        (0, 0, 1, 0),
        (0, 0, 1, 0),
    )
    assert Conversation.objects.get().status == "closed" and Visit.objects.get().how_ended == "left"


def test_a_hold_and_a_block_come_back_and_are_not_lifted(tmp_path: Path) -> None:
    person = make_person("Ana")
    free = write(person, tmp_path)
    ChatUser.objects.update(held_at=START, blocked_at=START)
    assert bring_in(free)[0] == 0
    person.refresh_from_db()
    assert person.held_at == person.blocked_at == START
    path = write(person, tmp_path)
    forget_everyone()
    assert bring_in(path, dry_run=True)[0] == 0
    assert not Hold.objects.exists()
    bring_in(path)
    assert ChatUser.objects.get().held_at == START


def test_a_hold_that_came_with_a_file_is_lifted_as_any_other(admin: Account, tmp_path: Path) -> None:
    person = make_person("Ana", held_at=START)
    path = write(person, tmp_path)
    forget_everyone()
    for _ in range(2):
        assert bring_in(path)[0] == 0
    hold = Hold.objects.get()
    assert (hold.reason, hold.placed_at, hold.placed_by, hold.lifted_at) == ("imported", START, None, None)
    person = ChatUser.objects.get()
    [line] = audit.entries_about(person.uuid).filter(verb="user.held")
    assert (line.actor, line.detail["hold"]) == (None, str(hold.pk))
    with pytest.raises(Held):
        erase(chat_user_uuid=person.uuid, actor=admin, reason="test")
    assert lift_hold(chat_user_uuid=person.uuid, actor=admin) == 1
    assert not Hold.objects.filter(lifted_at=None).exists()
    erase(chat_user_uuid=person.uuid, actor=admin, reason="test")
    assert not ChatUser.objects.exists()


def test_a_hold_of_theirs_that_stands_here_already_is_no_second_one(admin: Account, tmp_path: Path) -> None:
    person = make_person("Ana")
    hold = place_hold(chat_user_uuid=person.uuid, actor=admin, reason="duty")
    path = write(person, tmp_path)
    assert bring_in(path)[0] == 0
    assert Hold.objects.get() == hold
    forget_everyone()
    assert bring_in(path)[0] == 0
    assert Hold.objects.get() == hold
    assert lift_hold(chat_user_uuid=person.uuid, actor=admin) == 1


def test_who_was_erased_here_stays_erased(tmp_path: Path) -> None:
    marked = make_marked("zebrafin")
    path = write(marked.person, tmp_path)
    erase(chat_user_uuid=marked.person.uuid, actor=None, reason="test")
    status, said = bring_in(path)
    assert status == 2 and "was erased here" in said
    assert counts(said, "messages") == (0, 0, 0, 5)
    assert not ChatUser.objects.exists()
    assert not [mark for mark in marked.marks if mark in said]


def test_an_erasure_that_was_only_asked_for_keeps_nobody_out(tmp_path: Path) -> None:
    person = make_person("Ana")
    path = write(person, tmp_path)
    hash_ = audit.person_hash(person.uuid)
    Erasure.objects.create(person_hash=hash_, reason="test", approval=Approval.REFUSED)
    forget_everyone()
    assert counts(bring_in(path)[1], "people") == (1, 0, 0, 0)


def test_an_external_id_or_a_merge_of_somebody_else_is_refused(tmp_path: Path) -> None:
    person = counted("zebrafin")
    path = write(person, tmp_path)
    merged = MergeJournal.objects.get().merged_uuid
    forget_everyone()
    other = make_person("Other", external_id="extidzebrafin")
    status, said = bring_in(path)
    assert status == 2 and "external_id is another person's" in said
    ChatUser.objects.update(external_id=None)
    MergeJournal.objects.create(chat_user=other, merged_uuid=merged, profile={}, moved={}, at=START)
    status, said = bring_in(path)
    assert status == 2 and "joined into another person" in said
    assert counts(said, "messages") == (5, 0, 0, 0)


def test_many_rows_in_small_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talks, "CHUNK_ROWS", 4)
    person = make_person("Ana")
    make_messages(person, *[("visitor", "same")] * 11, start=START)
    Message.objects.update(created_at=START)
    Conversation.objects.update(started_at=START, last_message_at=START)
    ChatUser.objects.update(first_contact=START)
    path = write(person, tmp_path)
    forget_everyone()
    assert counts(bring_in(path)[1], "messages") == (11, 0, 0, 0)
    assert counts(bring_in(path)[1], "messages") == (0, 0, 11, 0)
    assert Message.objects.count() == 11


def test_as_many_queries_for_a_chunk_however_full(tmp_path: Path) -> None:
    def asked(number: int) -> int:
        person = make_person("Ana")
        make_messages(person, *[("visitor", "hello")] * number, start=START)
        path = write(person, tmp_path)
        person.delete()
        with CaptureQueriesContext(connection) as captured:
            bring_in(path)
        return len(captured)

    asked(2)  # the first begins the chain of the audit log
    # SQLite takes the rows of a chunk 76 at a time.
    assert asked(200) <= asked(2) + 2


def test_it_is_one_line_in_the_audit_log(tmp_path: Path) -> None:
    person = make_person("Ana")
    path = write(person, tmp_path)
    forget_everyone()
    bring_in(path)
    line = audit.entries_about(person.uuid).get()
    assert (line.verb, line.detail, line.actor) == ("user.imported", {"by": "command"}, None)
    assert Note.objects.count() == 0


def test_a_second_import_beside_it_is_refused(tmp_path: Path) -> None:
    path = write(make_person("Ana"), tmp_path)
    with alone(), pytest.raises(CommandError, match="Another import is at work"):
        bring_in(path)
    assert bring_in(path)[0] == 0


def test_who_is_erased_while_it_comes_in_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = counted("zebrafin")
    path = write(person, tmp_path)
    forget_everyone()
    lock = talks.Chunks._lock

    def gone(chunks: talks.Chunks) -> bool:
        ChatUser.objects.filter(uuid=person.uuid).update(erased_at=START)
        return lock(chunks)

    monkeypatch.setattr(talks.Chunks, "_lock", gone)
    status, said = bring_in(path)
    assert (status, counts(said, "messages")) == (2, (0, 0, 0, 5))
    assert not Message.objects.exists()


def test_a_damaged_member_stops_no_other(tmp_path: Path) -> None:
    ana, ben = make_person("Ana"), make_person("Ben")
    make_messages(ana, *[("visitor", f"number {number}") for number in range(300)], start=START)
    path = tmp_path / "two.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        for person in (ana, ben):
            zipped.write(write(person, tmp_path), f"{person.uuid}.json")
    raw = bytearray(path.read_bytes())
    raw[600:700] = b"\xff" * 100
    path.write_bytes(raw)
    forget_everyone()
    status, said = bring_in(path)
    assert status == 2 and "can't be read" in said
    assert ChatUser.objects.filter(name="Ben").exists()


def test_times_of_other_hands_are_understood(tmp_path: Path) -> None:
    person = make_person("Ana")
    make_messages(person, ("visitor", "one"), ("visitor", "two"), start=START)
    path = write(person, tmp_path)
    text = path.read_text().replace("2026-03-01T09:30:15.250000Z", "2026-03-01T11:30:15.250000123+02:00")
    path.write_text(text)
    forget_everyone()
    status, said = bring_in(path)
    assert (status, counts(said, "messages")) == (0, (2, 0, 0, 0))
    assert Message.objects.order_by("pk").first().created_at == START


HALF = "\\ud83d"


def _document(**sections: str) -> str:
    profile = '{"uuid": "6a5a1c62-7b38-4f5e-8a0e-3d1c5b1f2a90", "first_seen": "2026-01-01T00:00:00Z"}'
    given = {"schema": '"chatadmin.user/1"', "profile": profile} | sections
    return "{" + ", ".join(f'"{name}": {value}' for name, value in given.items()) + "}"


@pytest.mark.parametrize("text", [HALF, "\\u0000"])
@pytest.mark.parametrize("shape", ['{"a": "%s"}', '{"a": [{"b": ["%s"]}]}', '{"%s": 1}', '{"a": {"%s": 1}}'])
def test_what_no_text_can_hold_is_refused_however_deep(tmp_path: Path, text: str, shape: str) -> None:
    """On SQLite it would go in, and could then be neither shown nor erased."""
    path, inner = tmp_path / "d.json", shape % text
    at = "2026-01-01T00:00:00Z"
    rest = {
        "merges": f'[{{"uuid": "6a5a1c62-7b38-4f5e-8a0e-3d1c5b1f2a91", "at": "{at}", "profile": {inner}}}]',
        "activity": f'[{{"kind": "page", "at": "{at}", "data": {inner}}}]',
    }
    path.write_text(_document(**rest))
    status, said = bring_in(path)
    assert status == 2
    assert said.count("holds what no text can") == 2
    assert ChatUser.objects.count() == 1
    assert not MergeJournal.objects.exists() and not ActivityEvent.objects.exists()
    forget_everyone()
    profile = f'{{"uuid": "6a5a1c62-7b38-4f5e-8a0e-3d1c5b1f2a90", "first_seen": "{at}", "traits": {inner}}}'
    path.write_text(_document(profile=profile))
    assert "traits holds what no text can" in bring_in(path)[1]
    assert not ChatUser.objects.exists()


@pytest.mark.parametrize("value", ['["email"]', '"text"', "7"])
def test_a_merge_or_an_event_that_is_no_object_is_refused(tmp_path: Path, value: str) -> None:
    path, at = tmp_path / "d.json", "2026-01-01T00:00:00Z"
    merge = f'{{"uuid": "6a5a1c62-7b38-4f5e-8a0e-3d1c5b1f2a91", "at": "{at}", "profile": %s}}'
    event = f'{{"kind": "page", "at": "{at}", "data": %s}}'
    path.write_text(
        _document(merges=f"[{merge % value}, {merge % '{}'}]", activity=f"[{event % value}, {event % '{}'}]")
    )
    status, said = bring_in(path)
    assert (status, counts(said, "other rows")) == (2, (2, 0, 0, 2))
    assert MergeJournal.objects.get().profile == ActivityEvent.objects.get().data == {}


def test_a_section_that_comes_twice_is_refused(tmp_path: Path) -> None:
    def talk(body: str, month: int) -> str:
        at = f"2026-0{month}-01T00:00:00Z"
        message = {"from": "visitor", "body": body, "at": at}
        whole = {"status": "closed", "started_at": at, "last_message_at": at, "closed_at": at}
        return json.dumps([whole | {"messages": [message]}])

    path = tmp_path / "d.json"
    path.write_text(
        _document(conversations=talk("first", 1))[:-1] + f', "conversations": {talk("second", 2)}}}'
    )
    status, said = bring_in(path)
    assert status == 2
    assert "conversations is there twice" in said and "second" not in said
    [message] = Message.objects.all()
    assert (message.body, message.conversation.started_at.month) == ("first", 1)


@FORMS
@pytest.mark.parametrize("data", ["plain text", "5", "null", "'=1", "", [1, "a"], 5, True, None])
def test_data_of_a_message_comes_back_whatever_it_is(tmp_path: Path, form: Form, data: object) -> None:
    person = make_person("Ana", last_active=START)
    [message] = make_messages(person, ("visitor", "hello"), start=START)
    Message.objects.filter(pk=message.pk).update(data=data)
    path = write(person, tmp_path, form)
    forget_everyone()
    assert bring_in(path)[0] == 0
    found = Message.objects.get().data
    assert (found, type(found)) == (data, type(data))
