"""The daily sweep: what is due goes, to the day; nothing else does, and nothing that is held."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from chatadmin.lib import queue
from chatadmin.lib.models import Job
from conversations.models import ActivityEvent, Conversation, Message
from exports import holds, ledger, periods, retention, retention_work
from exports.models import Erasure, RequestKind
from exports.requests import refuse
from exports.retention_forecast import forecast
from exports.retention_models import RetentionRule, RetentionRun
from staff import audit
from staff.audit_proof import findings
from staff.models import Account, AuditEntry
from tests.exports.asked import claim_about, make_request
from tests.exports.people import make_marked
from tests.exports.retaining import ago, make_rule, make_talker, sweep, work_off
from tests.exports.sweep import places_of
from tests.factories import make_person
from tests.mails import new_address
from tests.staff.chain import sealed
from users.models import ChatUser, Visit

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    # A server that other tests started on this database takes jobs too, but not of a kind that it doesn't know.
    monkeypatch.setattr(retention, "KIND", "retention.tested")


def living() -> set[str]:
    return set(ChatUser.objects.filter(erased_at=None).values_list("name", flat=True))


def test_inactive_people_are_erased_each_by_an_erasure_of_their_own(admin: Account) -> None:
    make_rule("everything", admin)
    for name, day in (("Old", 91), ("Older", 400), ("Edge", 90), ("New", 2)):
        make_talker(name, day)
    [run] = sweep()
    assert living() == {"Edge", "New"}
    assert run.state == "done"
    assert run.counts == {"people": 2, "messages": 4, "left": 0}
    assert set(Erasure.objects.values_list("reason", flat=True)) == {"retention"}
    assert Erasure.objects.filter(rows_gone_at__isnull=False).count() == 2


def test_the_boundary_is_midnight(admin: Account) -> None:
    rule = make_rule("everything", admin, days=90)
    cut = periods.cutoff(90, "days", periods.today())
    make_person("Before", last_active=cut - dt.timedelta(microseconds=1))
    make_person("After", last_active=cut)
    assert forecast(rule).people == 1
    sweep()
    assert living() == {"After"}


def test_only_those_the_rule_is_about(admin: Account) -> None:
    make_rule("everything", admin, whose="anonymous")
    for fields in ({}, {"email": "a@site.example"}, {"external_id": "7"}):
        make_person("", last_active=ago(100), **fields)
    make_person("Ana", last_active=ago(100))
    sweep()
    left = ChatUser.objects.order_by("pk").values_list("name", "email", "external_id")
    assert list(left) == [("", "a@site.example", None), ("", "", "7"), ("Ana", "", None)]
    make_rule("everything", admin, whose="identified")
    make_person("", last_active=ago(100))
    sweep()
    assert [person.is_anonymous for person in ChatUser.objects.all()] == [True]


def test_somebody_who_was_imported_and_never_came_counts_from_their_first_day(admin: Account) -> None:
    make_rule("everything", admin)
    make_person("Never", last_active=None, first_seen=ago(100))
    make_person("Lately", last_active=None, first_seen=ago(10))
    assert sweep()[0].counts["people"] == 1
    assert living() == {"Lately"}


def test_a_hold_stops_every_rule(admin: Account) -> None:
    for what in ("everything", "messages", "visits", "activity"):
        make_rule(what, admin)
    held, gone = make_talker("Held", 100, 200), make_talker("Gone", 100, 200)
    holds.place_hold(chat_user_uuid=held.uuid, actor=admin, reason="duty")
    sweep()
    assert living() == {"Held"}
    assert not Message.objects.filter(chat_user=gone.pk).exists()
    assert (held.messages.count(), held.visits.count(), held.events.count()) == (4, 2, 2)
    holds.lift_hold(chat_user_uuid=held.uuid, actor=admin)
    RetentionRun.objects.all().delete()
    sweep()
    assert living() == set()


@pytest.mark.parametrize("kind", [RequestKind.ACCESS, RequestKind.ERASURE])
def test_who_waits_for_an_answer_is_not_erased_by_age_before_it(admin: Account, kind: RequestKind) -> None:
    asks = make_talker("Asks", 100, email=new_address())
    make_talker("Old", 100)
    request = make_request(asks.email, kind)
    rule = make_rule("everything", admin)
    assert forecast(rule).people == 1
    sweep()
    assert living() == {"Asks"}
    refuse(actor=admin, claim_id=claim_about(request, asks).pk, code="duplicate")
    assert forecast(rule).people == 1
    retention.file_due(again=True)
    work_off()
    assert living() == set()


def test_old_messages_go_and_what_is_left_of_conversations_is_right(admin: Account) -> None:
    make_rule("messages", admin)
    person = make_talker("Ana", 100, 95, 10)
    [talk] = person.conversations.all()
    closed = make_talker("Bo", 120)
    conversation = closed.conversations.get()
    conversation.status, conversation.closed_at = "closed", ago(119)
    conversation.save()
    make_line = Message.objects.create
    make_line(conversation=conversation, chat_user=closed, sender="system", kind="system", created_at=ago(1))
    [run] = sweep()
    assert run.counts == {"people": 2, "messages": 7, "conversations": 1}
    person.refresh_from_db()
    assert list(person.messages.order_by("created_at").values_list("body", flat=True)) == [
        "said 10 days ago",
        "answered 10",
    ]
    assert (person.message_count, person.unread_count, person.first_contact) == (2, 1, ago(10))
    talk.refresh_from_db()
    assert talk.unread_count == 1
    closed.refresh_from_db()
    assert (closed.message_count, closed.unread_count, closed.first_contact) == (0, 0, None)
    assert not Conversation.objects.filter(chat_user=closed).exists()
    assert living() == {"Ana", "Bo"}
    assert sweep() == [], "once a day"


def test_nothing_is_left_of_their_words(admin: Account) -> None:
    make_rule("messages", admin, days=30)
    for word in ("zebrafin", "quokkabay"):
        make_marked(word)
    Message.objects.filter(body__contains="quokkabay").update(created_at=timezone.now())
    person = ChatUser.objects.get(name__contains="quokkabay")
    person.first_contact = person.messages.exclude(sender="system").order_by("created_at").first().created_at  # type: ignore[union-attr]
    person.save()
    assert "conversations_message" in places_of("bodyzebrafin")
    sweep()
    assert places_of("bodyzebrafin") == places_of("secondzebrafin") == places_of("datazebrafin") == set()
    assert "conversations_message" in places_of("bodyquokkabay")
    assert not RetentionRule.objects.filter(freed_at__isnull=False).exists(), "the bytes are overwritten"


def test_visits_go_with_the_device_and_activity_goes_by_its_own_rule(admin: Account) -> None:
    make_rule("visits", admin)
    both, old = make_talker("Both", 100, 10), make_talker("Old", 100)
    make_person("Here")
    assert sweep()[0].counts == {"visits": 2}
    for person, visits, browser in ((both, 1, "Firefox"), (old, 0, "")):
        person.refresh_from_db()
        assert (person.visit_count, person.browser) == (visits, browser)
    assert ActivityEvent.objects.count() == 3
    make_rule("activity", admin)
    assert sweep()[0].counts == {"activity": 2}
    assert ActivityEvent.objects.get().visit == Visit.objects.get()


def test_an_open_visit_stays_however_old(admin: Account) -> None:
    make_rule("visits", admin)
    person = make_talker("Ana", 100)
    Visit.objects.update(ended_at=None, how_ended="")
    sweep()
    assert person.visits.count() == 1


@pytest.mark.parametrize("what", ["everything", "messages", "visits", "activity"])
def test_the_forecast_is_what_then_goes(what: str, admin: Account) -> None:
    for number, days in enumerate([(200,), (150, 95), (91, 3), (90,), (89,), (1,)]):
        make_talker(f"Person {number}", *days)
    rule = make_rule(what, admin, on=False)
    expected = forecast(rule)
    counted: dict[str, Any] = {
        "everything": ChatUser,
        "messages": Message,
        "visits": Visit,
        "activity": ActivityEvent,
    }
    before = counted[what].objects.count()
    assert sweep() == [], "it is off"
    assert counted[what].objects.count() == before
    retention.switch_rule(rule_id=rule.pk, on=True, actor=admin)
    [run] = sweep()
    assert before - counted[what].objects.count() == expected.rows > 0
    named = run.counts.get("people" if what == "everything" else what)
    assert named == expected.rows
    assert forecast(rule).rows == 0
    assert forecast(rule).people == 0


def test_the_months_of_the_forecast_are_what_goes_in_them(admin: Account) -> None:
    rule = make_rule("everything", admin, on=False)
    for days in (200, 100, 89, 85, 60, 30, 2):
        make_person("", last_active=ago(days))
    found = forecast(rule)
    assert (found.people, found.oldest) == (2, ago(200))
    for month in found.months:
        until = periods.later(month.start.replace(day=1), 1)
        due = [
            person
            for person in ChatUser.objects.all()
            if month.start <= periods.goes_on(90, "days", person.last_active) < until  # type: ignore[arg-type]
        ]
        assert len(due) == month.rows, month
    starts = [(month.start.year, month.start.month) for month in found.months]
    assert len(set(starts)) == len(starts), "each month has one bar"
    assert sum(month.rows for month in found.months) == 5


@pytest.mark.parametrize(
    ("day", "first", "count"),
    [("2026-11-30", "2026-12-01", 12), ("2026-11-01", "2026-11-02", 13), ("2028-02-28", "2028-02-29", 13)],
)
def test_the_forecast_goes_by_the_calendar(admin: Account, day: str, first: str, count: int) -> None:
    found = forecast(make_rule("everything", admin, on=False), dt.date.fromisoformat(day))
    starts = [month.start for month in found.months]
    assert (str(starts[0]), len(starts)) == (first, count)
    assert all(start.day == 1 for start in starts[1:])


def test_a_forecast_that_meets_its_bound_says_so(admin: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exports.retention_forecast.MOST_ROWS", 3)
    rule = make_rule("messages", admin, on=False)
    make_talker("Ana", 200, 100)
    found = forecast(rule)
    assert found.is_partial
    assert found.messages == 3
    assert found.oldest == ago(200)


def test_many_go_in_chunks_and_a_sweep_that_was_killed_goes_on(
    admin: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention_work, "ROWS", 3)
    make_rule("messages", admin)
    for name in ("Ana", "Bo", "Cy"):
        make_talker(name, 100, 99, 2)
    retention.file_due()
    work_off(chunks=2)
    job = Job.objects.get()
    assert job.done == 6
    assert Message.objects.count() == 18 - 6
    # Whoever had it is dead: the lease runs out, and another goes on.
    Job.objects.update(leased_until=timezone.now() - dt.timedelta(seconds=1))
    sweep()
    job.refresh_from_db()
    assert (job.state, job.done) == ("done", 12)
    assert Message.objects.count() == 6
    assert RetentionRun.objects.get().counts == {"people": 3, "messages": 12, "conversations": 0}


def test_who_was_not_buried_for_a_kill_is_buried_later(
    admin: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention_work, "BURIED", 2)
    make_rule("everything", admin)
    for name in ("Ana", "Bo", "Cy"):
        make_talker(name, 100)
    retention.file_due()
    bury = retention_work.bury
    buried: list[int] = []

    def killed(people: list[ChatUser], *args: Any) -> Any:
        bury(people, *args)
        buried.append(len(people))
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(retention_work, "bury", killed)
        with pytest.raises(KeyboardInterrupt):
            work_off(chunks=1)
    assert buried == [2]
    assert len(living()) == 3
    Job.objects.update(leased_until=timezone.now() - dt.timedelta(seconds=1))
    sweep()
    assert living() == set()
    assert RetentionRun.objects.get().counts == {"people": 3, "messages": 6, "left": 0}


def test_whoever_cannot_be_buried_is_left_for_another_day(
    admin: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_rule("everything", admin)
    make_talker("Ana", 100)
    stuck = make_talker("Stuck", 100)
    make_talker("Bo", 100)
    bury = retention_work.bury

    def failing(people: list[ChatUser], *args: Any) -> Any:
        rows = bury(people, *args)
        if stuck in people:
            raise RuntimeError
        return rows

    monkeypatch.setattr(retention_work, "bury", failing)
    [run] = sweep()
    assert living() == {"Stuck"}
    assert run.counts == {"people": 2, "messages": 4, "left": 1}
    assert run.state == "done"
    told = ledger.read(Path(settings.ERASURE_LEDGER))
    assert audit.person_hash(stuck.uuid) not in told.erased, "withdrawn"


def test_a_rule_that_is_switched_off_meanwhile_deletes_nothing_more(
    admin: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention_work, "ROWS", 2)
    rule = make_rule("messages", admin)
    make_talker("Ana", 100, 99)
    retention.file_due()
    work_off(chunks=1)
    assert Message.objects.count() == 2
    retention.switch_rule(rule_id=rule.pk, on=False, actor=admin)
    Job.objects.update(leased_until=timezone.now() - dt.timedelta(seconds=1))
    work_off()
    assert Message.objects.count() == 2
    assert RetentionRun.objects.get().state == "stopped"
    retention.switch_rule(rule_id=rule.pk, on=True, actor=admin)
    sweep()
    assert Message.objects.count() == 0


def test_each_rule_runs_once_a_day_and_one_run_at_a_time(admin: Account) -> None:
    make_rule("messages", admin)
    assert len(retention.file_due()) == 1
    assert retention.file_due() == []
    work_off()
    assert retention.file_due() == []
    RetentionRun.objects.update(day=periods.today() - dt.timedelta(days=1))
    assert len(retention.file_due()) == 1


def test_a_run_whose_job_is_gone_does_not_keep_the_rule_from_running(admin: Account) -> None:
    make_rule("messages", admin)
    retention.file_due()
    Job.objects.all().delete()
    retention.file_due()
    assert RetentionRun.objects.get().state == "failed"
    assert queue.take({retention.KIND}) is None


def test_the_audit_log_is_cut_and_stays_provable(admin: Account, settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path
    sealed(5, days=1_100)
    rule = make_rule("audit", admin, days=1_000, on=False)
    assert (forecast(rule).rows, forecast(rule).people) == (5, 0)
    retention.switch_rule(rule_id=rule.pk, on=True, actor=admin)
    [run] = sweep()
    assert run.counts == {"audit": 5}
    assert forecast(rule).rows == 0
    assert AuditEntry.objects.filter(verb="audit.cut").count() == 1
    assert list(findings()) == []
    RetentionRun.objects.update(day=periods.today() - dt.timedelta(days=1))
    assert sweep()[0].counts == {"audit": 0}


def test_every_change_and_every_run_has_its_audit_line(admin: Account) -> None:
    rule = make_rule("messages", admin)
    sweep()
    with pytest.raises(retention.IsOn):
        retention.remove_rule(rule_id=rule.pk, actor=admin)
    with pytest.raises(retention.Doubled):
        make_rule("messages", admin)
    retention.switch_rule(rule_id=rule.pk, on=False, actor=admin)
    retention.remove_rule(rule_id=rule.pk, actor=admin)
    lines = AuditEntry.objects.filter(verb__startswith="retention.").order_by("pk")
    assert [(line.verb.removeprefix("retention."), line.actor) for line in lines] == [
        ("added", admin),
        ("switched_on", admin),
        ("ran", None),
        ("switched_off", admin),
        ("removed", admin),
    ]
    assert lines[0].detail == {"rule": rule.pk, "whose": "everyone", "what": "messages", "keeps": "90 days"}


def test_who_is_there_again_before_they_are_locked_stays(
    admin: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_rule("everything", admin)
    make_talker("Old", 91)
    make_talker("Back", 91)
    found = retention_work._next
    seen: list[int] = []

    def and_then_somebody_writes(*given: Any) -> list[int]:
        ids = found(*given)
        seen.extend(ids)
        ChatUser.objects.filter(name="Back").update(last_active=timezone.now())
        return ids

    monkeypatch.setattr(retention_work, "_next", and_then_somebody_writes)
    sweep()
    assert len(seen) == 2, "both were due"
    assert living() == {"Back"}
