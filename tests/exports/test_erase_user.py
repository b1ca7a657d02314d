"""`manage.py erase_user`: the same erasure as the button, with a server or without."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from exports.models import Erasure
from tests.exports.people import START, make_marked
from tests.exports.sweep import places_of
from tests.exports.test_erasure import COUNTS
from tests.factories import make_person
from tests.visitor import Visitor
from users.models import ChatUser
from users.queries import living

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exports.waiting.TAKEN_WITHIN_SECONDS", 0.05)


@pytest.mark.usefixtures("quick")
def test_where_no_server_runs_it_does_it_itself(capsys: Any) -> None:
    goes, stays = make_marked("zebrafin").person, make_marked("quokkabay").person
    call_command("erase_user", str(goes.uuid), "--reason=subject_request", "--ticket=CS-7")
    row = Erasure.objects.get()
    said = capsys.readouterr().out
    assert (
        f"{sum(COUNTS.values())} rows. Receipt: /erasures/{row.pk}/receipt/" in said
        and "zebrafin" not in said
    )
    assert (row.reason, row.ticket, row.actor, row.actor_name) == ("subject_request", "CS-7", None, "")
    assert row.receipt
    assert places_of("zebrafin") == set()
    assert living().get() == stays


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--reason=because"], "invalid choice"),
        ([], "required"),
        (["--reason=test", "--ticket=Ana Okafor"], "letters, digits and dashes"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_goes(words: list[str], said: str) -> None:
    person = make_person("Ana")
    with pytest.raises(CommandError, match=said):
        call_command("erase_user", str(person.uuid), *words)
    assert living().exists() and not Erasure.objects.exists()


@pytest.mark.usefixtures("quick")
def test_nobody_and_the_held_are_refused() -> None:
    with pytest.raises(CommandError, match="no person"):
        call_command("erase_user", str(uuid.uuid4()), "--reason=test")
    person = make_person("Ana", held_at=START)
    with pytest.raises(CommandError, match="legal hold"):
        call_command("erase_user", str(person.uuid), "--reason=test")
    assert living().exists()


def test_a_running_server_takes_it_and_its_sockets_hear_of_it(visit: Callable[..., Visitor]) -> None:
    tab = visit()
    welcome = tab.hello()
    person = welcome["user"]["id"]
    tab.say("zebrafin")
    call_command("erase_user", person, "--reason=abuse")
    assert tab.expect("forget", 15)
    assert not ChatUser.objects.filter(uuid=person).exists()
    assert Erasure.objects.get().receipt
