"""Search by name, e-mail address and id: any part of the folded form, and both databases find the same."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatadmin.lib.tokens import folded
from search import names as names_
from search.names import matching
from tests.factories import make_person
from tests.search.pages import asked, names, total
from users.models import ChatUser
from users.queries import living

pytestmark = pytest.mark.django_db

PEOPLE = {
    "Mariam Okafor": "mariam@northpine.example",
    "Élodie Groß": "elodie@fjord.example",
    "山本 彩": "aya@hoshi.example",
    "محمد عبد الرحمن": "m.abd@site.example",
    "ﬁona O'Hara": "fi_ona%50@site.example",
    "Ann": "ann@northpine.example",
    "Joanna": "jo@site.example",
    "🎉🎉🎉 Party": "",
    'Say "hi" AND NOT': "",
    "back\\slash": "",
}


@pytest.fixture
def people() -> None:
    start = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    for at, (name, email) in enumerate(PEOPLE.items()):
        make_person(name, email, last_active=start - dt.timedelta(days=at))


@pytest.mark.parametrize(
    ("q", "place", "expected"),
    [
        ("okaf", "any", ["Mariam Okafor"]),
        ("OKAFOR", "any", ["Mariam Okafor"]),
        ("  mariam   okafor ", "any", ["Mariam Okafor"]),
        ("m okaf", "any", ["Mariam Okafor"]),
        ("okafor mariam", "any", []),
        ("élodie", "any", ["Élodie Groß"]),
        ("elo", "any", ["Élodie Groß"]),
        ("gross", "any", ["Élodie Groß"]),
        ("fiona", "any", ["ﬁona O'Hara"]),
        ("o'h", "any", ["ﬁona O'Hara"]),
        ("本 彩", "any", ["山本 彩"]),
        ("山", "any", ["山本 彩"]),
        ("彩", "any", []),
        ("عبد", "any", ["محمد عبد الرحمن"]),
        ("ann", "name", ["Ann", "Joanna"]),
        ("an", "name", ["Ann"]),
        ("an", "email", ["Ann"]),
        ("northpine", "any", ["Mariam Okafor", "Ann"]),
        ("northpine", "email", ["Mariam Okafor", "Ann"]),
        ("northpine", "name", []),
        ("mariam", "email", ["Mariam Okafor"]),
        ("okafor", "email", []),
        ("%50", "any", ["ﬁona O'Hara"]),
        ("%%%", "any", []),
        ("i_o", "any", ["ﬁona O'Hara"]),
        ("___", "any", []),
        ("k\\sl", "any", ["back\\slash"]),
        ('"hi"', "any", ['Say "hi" AND NOT']),
        ("AND NOT", "any", ['Say "hi" AND NOT']),
        ("ann OR joanna", "any", []),
        ("ann*", "any", []),
        ("name_folded:ann", "any", []),
        ("🎉🎉🎉", "any", ["🎉🎉🎉 Party"]),
        ("🎉", "any", ["🎉🎉🎉 Party"]),
        ("par", "name", ["🎉🎉🎉 Party"]),
        ("\u200b", "any", []),
    ],
)
def test_who_is_found(q: str, place: str, expected: list[str], people: None, support_client: Client) -> None:
    page = asked(support_client, q=q, **{"in": place})
    assert names(page) == expected
    assert total(page) == str(len(expected))


@pytest.mark.parametrize(("q", "expected"), [("northpine", 2), ("%50", 1), ("___", 0), ("عبد", 1)])
def test_a_common_word_is_found_on_a_walk(
    q: str, expected: int, people: None, support_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names_, "GATHERED", 0)
    assert len(names(asked(support_client, q=q))) == expected


def test_nothing_asked_is_everyone(people: None, support_client: Client) -> None:
    assert len(names(asked(support_client, q="   "))) == len(PEOPLE)


def test_without_a_place_it_is_any(people: None, support_client: Client) -> None:
    assert names(asked(support_client, q="northpine")) == ["Mariam Okafor", "Ann"]


@pytest.mark.parametrize(
    "q",
    [
        "7f3a2c91-0dab-4000-8000-000000000001",
        "7F3A2C910DAB40008000000000000001",
        "7F3A-2C91",
        "7f3a-2c91",
        "7f3a2c91",
        " 7F3A-2C91 ",
    ],
)
def test_an_id_finds_its_person(q: str, support_client: Client) -> None:
    make_person("Ada", uuid=uuid.UUID("7f3a2c91-0dab-4000-8000-000000000001"))
    make_person("Bob", uuid=uuid.UUID("7f3a2c92-0dab-4000-8000-000000000001"))
    assert names(asked(support_client, q=q)) == ["Ada"]
    assert names(asked(support_client, q=q, **{"in": "name"})) == []


def test_an_external_id_finds_its_person_exactly(support_client: Client) -> None:
    make_person("Ada", external_id="Cust-9001")
    make_person("Bob", external_id="Cust-90010")
    assert names(asked(support_client, q="Cust-9001")) == ["Ada"]
    assert names(asked(support_client, q="ust-9")) == []


def test_a_corrected_name_is_found_and_the_old_one_is_not(support_client: Client) -> None:
    person = make_person("Wrong Name")
    ChatUser.objects.filter(pk=person.pk).update(name="Right Name", name_folded=folded("Right Name"))
    assert names(asked(support_client, q="right")) == ["Right Name"]
    assert names(asked(support_client, q="wrong")) == []


def test_the_erased_are_not_found(support_client: Client) -> None:
    person = make_person("Ada", "ada@site.example", external_id="x-1")
    assert names(asked(support_client, q="x-1")) == ["Ada"]
    ChatUser.objects.filter(pk=person.pk).update(erased_at=person.last_active)
    for q in ("ada", "ada@site.example", "x-1", str(person.uuid), person.short_id):
        assert total(asked(support_client, q=q)) == "0"


LETTERS = st.text(st.sampled_from("aAbßéeﬁ山彩アбй ُمد%_\\\"'*🎉-"), max_size=6)


@pytest.mark.parametrize("gathered", [names_.GATHERED, 0])
@settings(
    max_examples=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(known=st.lists(st.tuples(LETTERS, LETTERS), max_size=5), q=LETTERS)
def test_it_finds_exactly_those_whose_folded_form_has_it(
    gathered: int, known: list[tuple[str, str]], q: str
) -> None:
    ChatUser.objects.all().delete()
    for name, email in known:
        make_person(name, email)
    asked_for = folded(q)

    def has(text: str | None) -> bool:
        if text is None or asked_for is None:
            return False
        return asked_for in text if len(asked_for) >= 3 else text.startswith(asked_for)

    everyone = list(ChatUser.objects.all())
    for place, columns in (("name", ["name"]), ("email", ["email"]), ("any", ["name", "email"])):
        expected = {
            person.pk
            for person in everyone
            if any(has(getattr(person, f"{column}_folded")) for column in columns)
        }
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(names_, "GATHERED", gathered)
            assert set(living().filter(matching(q, place)).values_list("pk", flat=True)) == expected
