"""Two admins for a deletion: switching that off needs two as well."""

from __future__ import annotations

import pytest
from django.test import Client

from staff.models import Account, AuditEntry
from staff.policy import WaitsForSecond, change_policy, erasure_needs_second

pytestmark = pytest.mark.django_db


@pytest.fixture
def needed(owner: Account) -> None:
    change_policy(erasure_needs_second=True, actor=owner)


def verbs() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("verb", flat=True))


def test_one_asks_and_another_agrees(
    needed: None, admin: Account, admin_client: Client, owner_client: Client
) -> None:
    for _ in range(2):
        page = admin_client.post("/team/policy/", {}, follow=True).content.decode()
        assert "until a second admin agrees" in page and "data-off-asked" in page
        assert erasure_needs_second(), "nobody gets past it alone"
    assert "data-off-asked" in owner_client.get("/team/").content.decode()
    page = owner_client.post("/team/policy/", {}, follow=True).content.decode()
    assert 'data-policy="off"' in page and "data-off-asked" not in page
    assert not erasure_needs_second()
    assert verbs() == ["policy.changed", "policy.off_asked", "policy.changed"]


def test_another_keeps_it(needed: None, admin: Account, owner: Account) -> None:
    with pytest.raises(WaitsForSecond):
        change_policy(erasure_needs_second=False, actor=admin)
    change_policy(erasure_needs_second=True, actor=owner)
    assert erasure_needs_second()
    with pytest.raises(WaitsForSecond):
        change_policy(erasure_needs_second=False, actor=owner)
    assert verbs() == ["policy.changed", "policy.off_asked", "policy.off_refused", "policy.off_asked"]


@pytest.mark.usefixtures("support")
def test_who_is_left_alone_decides_alone(needed: None, owner: Account, admin: Account) -> None:
    with pytest.raises(WaitsForSecond):
        change_policy(erasure_needs_second=False, actor=owner)
    Account.objects.filter(pk=admin.pk).update(is_active=False)
    change_policy(erasure_needs_second=False, actor=owner)
    assert not erasure_needs_second()
