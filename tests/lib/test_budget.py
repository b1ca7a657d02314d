"""A read that takes longer than its budget is broken off by the database, and what comes after is not."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection, transaction

from chatadmin.lib.budget import Budget, OverBudget

ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 100000000) SELECT count(*) FROM n"


def ask(sql: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


@pytest.mark.django_db(transaction=True)
def test_it_is_broken_off_and_the_next_is_not() -> None:
    budget = Budget(0.05)
    with pytest.raises(OverBudget), budget.limit():
        ask(ENDLESS)
    assert budget.left <= 0
    assert ask("SELECT 7") == 7
    with pytest.raises(OverBudget), budget.limit():
        pytest.fail("nothing is read where nothing is left")


@pytest.mark.django_db
def test_a_transaction_around_it_goes_on_without_a_limit() -> None:
    with transaction.atomic():
        with pytest.raises(OverBudget), Budget(0.05).limit():
            ask(ENDLESS)
        with Budget(30).limit():
            assert ask("SELECT 7") == 7
        if connection.vendor == "postgresql":
            assert ask("SHOW statement_timeout") == "0"


@pytest.mark.django_db
def test_what_a_part_spends_the_whole_has_spent() -> None:
    whole = Budget(10)
    part = whole.part(0.05)
    with pytest.raises(OverBudget), part.limit():
        ask(ENDLESS)
    assert whole.left < 10 - 0.05
    assert whole.part(60).left <= whole.left
    with whole.limit():
        assert ask("SELECT 7") == 7


@pytest.mark.django_db
def test_another_error_stays_what_it_is() -> None:
    with transaction.atomic():
        with pytest.raises(Exception, match=r"no_such_table") as raised, Budget(5).limit():
            ask("SELECT 1 FROM no_such_table")
        assert not isinstance(raised.value, OverBudget)
        if connection.vendor == "sqlite":
            assert isinstance(raised.value, OperationalError)
