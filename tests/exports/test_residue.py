"""The residue check: it finds what is planted, in every place, and nothing where there is nothing."""

from __future__ import annotations

import json
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import OperationalError, connection

from chatadmin.lib import redis_store
from chatadmin.lib.limits import Quota, limits
from chatadmin.lib.models import Job
from conversations.models import MergeJournal
from exports import concluding, export_files, residue
from exports.erasure import erase, file, resume_unfinished
from exports.known import Known, known_of, seal, unseal
from exports.models import Claim, Erasure, Export, ExportedPerson, Request
from exports.residue import WHERE, Case, look
from search.models import SavedView
from staff import audit
from staff.models import Account
from staff.session_engine import SessionStore
from tests.exports.people import Marked, make_marked
from tests.factories import make_person
from users import presence
from users.models import ChatUser

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def goes(settings: Any, tmp_path: Path) -> Marked:
    settings.VAR_DIR = tmp_path
    return make_marked("zebrafin")


@pytest.fixture
def case(goes: Marked) -> Case:
    """The person as they are known, whose rows are gone."""
    case = Case(goes.person.pk, known_of(goes.person))
    ChatUser.objects.filter(pk=goes.person.pk).delete()
    return case


def found(case: Case) -> dict[str, int | None]:
    [own] = look([case])
    assert set(own) == set(WHERE) - ({"redis"} if not redis_store.configured() else set())
    return {place: count for place, count in own.items() if count != 0}


def test_where_nothing_is_left_nothing_is_found(case: Case) -> None:
    assert found(case) == {}


def test_every_table_is_asked(goes: Marked) -> None:
    left = found(Case(goes.person.pk, known_of(goes.person)))
    tables = {place for place in WHERE if place.startswith("table.")}
    assert left.keys() == tables
    assert left["table.messages"] == 5


def _view(known: Known) -> None:
    SavedView.objects.create(
        name="Whose",
        name_folded="whose",
        query="q=emailzebrafin%40northpine.example",
        is_shared=True,
        position=9,
    )


def _view_name(known: Known) -> None:
    SavedView.objects.create(
        name="NameZebrafin  Okafor".replace("  ", " "),
        name_folded="x",
        query="vip=yes",
        is_shared=True,
        position=9,
    )


def _job(known: Known) -> None:
    Job.objects.create(kind="bulk", payload={"people": [known.uuids[0]]})


def _session(known: Known) -> None:
    session = SessionStore()
    session["search"] = "EXTIDzebrafin"
    session.create()
    assert Session.objects.exists()


def _audit(known: Known) -> None:
    audit.record(
        actor=None, verb="user.edited", person=uuid.UUID(known.uuids[0]), detail={"was": "extidzebrafin"}
    )


def _cache(known: Known) -> None:
    cache.set("page", {"html": f"<b>{known.marks[0]}</b>"})


def _limit(known: Known) -> None:
    limits().count(f"export:{known.uuids[0]}", Quota(5, 60))


def _exported(known: Known, name: str = "exports/7/people.json") -> None:
    path = Path(residue.settings.VAR_DIR) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"id": known.uuids[0]}))


def _zipped(known: Known) -> None:
    path = Path(residue.settings.VAR_DIR) / "exports" / "people.zip"
    path.parent.mkdir(parents=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.json", "x" * 3_000_000 + f" {known.marks[0]}")


def _log(known: Known) -> None:
    _exported(known, "server.log")


def _long_log(known: Known) -> None:
    path = Path(residue.settings.VAR_DIR) / "server.log"
    path.write_text("x" * (residue.FILE_BYTES + 1_000) + known.uuids[0])


def _in_a_file(known: Known) -> None:
    export = Export.objects.create(total=1)
    person_hash = audit.person_hash(uuid.UUID(known.uuids[0]))
    ExportedPerson.objects.create(export=export, person_hash=person_hash)
    path = export_files.path_of(export)
    path.write_bytes(b"PK, and larger than what is read")


PLANTS: list[tuple[Callable[[Known], None], str]] = [
    (_view, "saved_views"),
    (_view_name, "saved_views"),
    (_job, "jobs"),
    (_session, "sessions"),
    (_audit, "audit"),
    (_exported, "exported_files"),
    (_zipped, "exported_files"),
    (_log, "logs"),
    (_long_log, "logs"),
    (_in_a_file, "exports"),
    (_cache, "redis" if redis_store.configured() else "memory"),
    (_limit, "redis" if redis_store.configured() else "memory"),
]


@pytest.mark.parametrize(("plant", "place"), PLANTS)
def test_what_is_planted_is_found(case: Case, plant: Callable[[Known], None], place: str) -> None:
    assert case.known is not None
    plant(case.known)
    try:
        assert found(case).keys() == {place}
        nobody = Case(-1, Known([str(uuid.uuid4())], ["nobody@else.example"], ["nobody else"]))
        assert found(nobody) == {}
    finally:
        cache.clear()
        _forget_limits()


def _forget_limits() -> None:
    held = limits()
    if hasattr(held, "counts"):
        held.counts.clear()


def test_a_lease_that_came_back_is_dropped(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(residue, "PAUSE_SECONDS", 0.01)
    assert case.known
    presence.store().touch([(case.known.uuids[0], "socket")])
    assert found(case) == {}
    assert not presence.online([uuid.UUID(case.known.uuids[0])])


def test_what_can_not_be_looked_at_is_said(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable() -> Any:
        raise PermissionError

    places = tuple(
        (name, unreadable if name == "logs" else texts, surely) for name, texts, surely in residue.PLACES
    )
    monkeypatch.setattr(residue, "PLACES", places)
    assert found(case) == {"logs": None}


def _damaged(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a", "hello world" * 100)
    raw = bytearray(path.read_bytes())
    raw[200] ^= 255
    path.write_bytes(raw)


def _encrypted(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a", "hello world")
    raw = bytearray(path.read_bytes())
    raw[6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)


def _broken_stream(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", "".join(map(str, range(5_000))))
    raw = bytearray(path.read_bytes())
    raw[31:60] = b"\xff" * 29
    path.write_bytes(raw)


@pytest.mark.parametrize("spoil", [_damaged, _encrypted, _broken_stream])
@pytest.mark.parametrize(("name", "place"), [("logs/old.zip", "logs"), ("exports/1.zip", "exported_files")])
def test_a_damaged_file_keeps_nobody_from_being_erased(
    admin: Account, goes: Marked, spoil: Callable[[Path], None], name: str, place: str
) -> None:
    path = Path(residue.settings.VAR_DIR) / name
    path.parent.mkdir()
    spoil(path)
    with pytest.raises(Exception), zipfile.ZipFile(path) as archive:  # noqa: B017, PT011
        archive.read("a")
    erase(chat_user_uuid=goes.person.uuid, actor=admin, reason="test")
    row = Erasure.objects.get()
    assert row.finished_at and row.known is None
    receipt = json.loads(row.receipt)
    assert receipt["checked"][place] is None
    assert receipt["not_checked"] == [place]


def test_one_that_can_not_be_finished_keeps_no_other(
    admin: Account, goes: Marked, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [goes.person, make_marked("quaggatail").person, make_marked("okapileg").person]
    filed = [file(chat_user_uuid=person.uuid, actor=admin, reason="test") for person in people]
    real = residue._here

    def failing(cases: list[Case]) -> list[int | None]:
        if any(case.person_id == people[1].pk for case in cases):
            raise OperationalError
        return real(cases)

    monkeypatch.setattr(residue, "_here", failing)
    assert resume_unfinished() == 2
    assert list(Erasure.objects.filter(finished_at=None).values_list("pk", flat=True)) == [filed[1]]
    monkeypatch.setattr(residue, "_here", real)
    assert resume_unfinished() == 1


def test_with_another_secret_only_the_rows_are_asked(case: Case, settings: Any) -> None:
    assert case.known
    sealed = seal(case.known)
    assert "zebrafin" not in sealed
    assert unseal(sealed) == case.known
    settings.SECRET_KEY = "another " * 8
    assert unseal(sealed) is None
    left = found(Case(case.person_id, None))
    assert not [place for place in left if place.startswith("table.") or place == "search_index"]
    assert left["logs"] is None and left["jobs"] is None


def test_the_erasure_looks_and_says(admin: Account, goes: Marked, monkeypatch: pytest.MonkeyPatch) -> None:
    known = known_of(goes.person)
    _view(known)
    seen: list[Any] = []
    real = residue.look

    def looked(cases: list[Case]) -> Any:
        seen.extend(cases)
        return real(cases)

    monkeypatch.setattr(concluding.residue, "look", looked)
    erase(chat_user_uuid=goes.person.uuid, actor=admin, reason="test")
    row = Erasure.objects.get()
    assert seen[0].known == known
    assert {place for place, count in row.checked.items() if count} == {"saved_views"}
    assert json.loads(row.receipt)["checked"]["saved_views"] == 1


def test_half_of_a_letter_keeps_nobody_from_being_erased(admin: Account, goes: Marked) -> None:
    """SQLite's JSON takes it; PostgreSQL's does not, so there the row is as it is without."""
    half = "Half\ud83d Name" if connection.vendor == "sqlite" else "Half Name"
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE conversations_mergejournal SET profile = %s WHERE chat_user_id = %s",
            [json.dumps({"name": half, "email": half}), goes.person.pk],
        )
    assert MergeJournal.objects.get().profile["name"] == half
    erase(chat_user_uuid=goes.person.uuid, actor=admin, reason="test")
    assert Erasure.objects.get().finished_at


def _known_as(name: str = "", email: str = "", **fields: Any) -> Case:
    person = make_person(name, email, **fields)
    case = Case(person.pk, known_of(person))
    ChatUser.objects.filter(pk=person.pk).delete()
    return case


def _lines(text: str) -> None:
    (Path(residue.settings.VAR_DIR) / "server.log").write_text(text)


def _saved(name: str = "A view", query: str = "vip=yes") -> None:
    SavedView.objects.create(name=name, name_folded=name.casefold(), query=query, is_shared=True, position=9)


@pytest.mark.usefixtures("goes")
def test_a_short_number_is_not_looked_for_where_it_means_anything_else() -> None:
    case = _known_as("Ana", external_id="2026")
    _lines("2026-11-30T10:00:00Z started, 2026 times\n")
    _saved(query="from=2026-01-01")
    Job.objects.create(kind="bulk", payload={"people": [2026]})
    assert found(case) == {}
    assert case.known and "short_id" in case.known.unsought
    assert found(_known_as("Bo", external_id="123456789")) == {}
    _lines("for 123456789.\n")
    assert found(_known_as("Bo", external_id="123456789")) == {"logs": 1}
    assert found(_known_as("Bo", external_id="12345678")) == {}


@pytest.mark.usefixtures("goes")
@pytest.mark.parametrize("text", ["customer-17", "x customer-17, y", '"\\ncustomer-17"', "CUSTOMER-17"])
def test_a_mark_is_found_where_it_stands_alone(text: str) -> None:
    case = _known_as(external_id="customer-17")
    _lines(text)
    assert found(case) == {"logs": 1}


@pytest.mark.usefixtures("goes")
@pytest.mark.parametrize("text", ["customer-178", "mycustomer-17", "_customer-17"])
def test_and_not_within_another(text: str) -> None:
    case = _known_as(external_id="customer-17")
    _lines(text)
    assert found(case) == {}


@pytest.mark.usefixtures("goes")
@pytest.mark.parametrize(
    ("name", "query"),
    [("Mariam", "vip=yes"), ("Of mariam", "vip=yes"), ("A view", "q=mariam"), ("A", "q=x+MARIAM+y")],
)
def test_one_word_of_a_name_is_found_in_saved_views_by_word(name: str, query: str) -> None:
    case = _known_as("Mariam")
    _saved(name, query)
    assert found(case) == {"saved_views": 1}
    assert found(_known_as("Mari")) == {}
    # What a parameter is called says nothing.
    assert found(_known_as("vip" if "vip" in query else "q")) == {}


@pytest.mark.usefixtures("goes")
@pytest.mark.parametrize("text", ["call +49 30 1234567", "tel=493012345678."])
def test_a_telephone_number_of_the_profile_is_looked_for(text: str) -> None:
    case = _known_as("Ana", traits={"phone": "+49 30 1234567" if "+" in text else "+49 30 12345678"})
    _lines(text)
    assert found(case) == {"logs": 1}


@pytest.mark.usefixtures("goes")
def test_the_address_that_a_request_came_from_is_looked_for() -> None:
    person = make_person("Ana", "new@x.example")
    asked = Request.objects.create(kind="access", proof="mailbox")
    Claim.objects.create(request=asked, chat_user=person, email="old@x.example")
    case = Case(person.pk, known_of(person))
    person.delete()
    _lines("old@x.example")
    assert found(case) == {"logs": 1}
