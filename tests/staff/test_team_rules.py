"""Who may disable, enable and change whom."""

import threading

import pytest
from django.db import connection, transaction
from django.test import Client

from chatadmin.lib.bus import Event
from staff import actions
from staff.actions import Refused
from staff.models import Account, AuditEntry, Role
from tests.factories import make_account


def test_an_admin_disables_and_enables_support(
    admin: Account, support: Account, admin_client: Client
) -> None:
    response = admin_client.post(f"/team/{support.pk}/disable/", follow=True)
    assert "The account is disabled" in response.content.decode()
    support.refresh_from_db()
    assert not support.is_active
    response = admin_client.post(f"/team/{support.pk}/enable/", follow=True)
    assert "The account is enabled" in response.content.decode()
    support.refresh_from_db()
    assert support.is_active
    lines = AuditEntry.objects.order_by("pk").values_list("actor", "verb", "detail")
    assert list(lines) == [
        (admin.pk, "staff.disabled", {"account": support.pk}),
        (admin.pk, "staff.enabled", {"account": support.pk}),
    ]


def test_an_admin_changes_roles_up_to_admin(admin: Account, support: Account, admin_client: Client) -> None:
    response = admin_client.post(f"/team/{support.pk}/role/", {"role": "admin"}, follow=True)
    assert "The role is changed" in response.content.decode()
    support.refresh_from_db()
    assert support.role == Role.ADMIN
    line = AuditEntry.objects.get()
    assert line.verb == "staff.role_changed"
    assert line.detail == {"account": support.pk, "from": "support", "to": "admin"}


@pytest.mark.parametrize("role", ["owner", "king", ""])
def test_a_role_that_is_not_offered_is_an_error_by_its_field(
    support: Account, admin_client: Client, role: str
) -> None:
    response = admin_client.post(f"/team/{support.pk}/role/", {"role": role})
    assert response.status_code == 422
    assert 'data-error="role"' in response.content.decode()
    support.refresh_from_db()
    assert support.role == Role.SUPPORT


@pytest.mark.parametrize("deed", ["disable", "enable", "role"])
def test_support_may_do_none_of_it(admin: Account, support_client: Client, deed: str) -> None:
    assert support_client.post(f"/team/{admin.pk}/{deed}/", {"role": "support"}).status_code == 403
    admin.refresh_from_db()
    assert (admin.is_active, admin.role) == (True, Role.ADMIN)


@pytest.mark.parametrize("deed", ["disable", "role"])
def test_an_admin_does_not_touch_an_owner(admin_client: Client, owner: Account, deed: str) -> None:
    make_account("second@team.example", Role.OWNER)
    response = admin_client.post(f"/team/{owner.pk}/{deed}/", {"role": "support"})
    assert response.status_code == 409
    assert "Only an owner may" in response.content.decode()
    owner.refresh_from_db()
    assert (owner.is_active, owner.role) == (True, Role.OWNER)


def test_an_admin_does_not_enable_an_owner(admin: Account, owner: Account) -> None:
    gone = make_account("gone@team.example", Role.OWNER, is_active=False)
    with pytest.raises(Refused, match="owners_only"):
        actions.enable(actor=admin, account_id=gone.pk)
    assert actions.enable(actor=owner, account_id=gone.pk).is_active


def test_only_an_owner_makes_an_owner(admin: Account, owner: Account, support: Account) -> None:
    with pytest.raises(Refused, match="owners_only"):
        actions.change_role(actor=admin, account_id=support.pk, role=Role.OWNER)
    assert actions.change_role(actor=owner, account_id=support.pk, role=Role.OWNER).role == Role.OWNER


@pytest.mark.parametrize("deed", ["disable", "role"])
def test_nobody_does_it_to_themself(admin: Account, admin_client: Client, owner: Account, deed: str) -> None:
    response = admin_client.post(f"/team/{admin.pk}/{deed}/", {"role": "support"})
    assert response.status_code == 409
    assert "Nobody can" in response.content.decode()
    admin.refresh_from_db()
    assert (admin.is_active, admin.role) == (True, Role.ADMIN)


def test_the_last_active_owner_stays(owner: Account, owner_client: Client) -> None:
    make_account("gone@team.example", Role.OWNER, is_active=False)
    for response in (
        owner_client.post(f"/team/{owner.pk}/disable/"),
        owner_client.post(f"/team/{owner.pk}/role/", {"role": "admin"}),
    ):
        assert response.status_code == 409
        assert "This is the last active owner" in response.content.decode()
    owner.refresh_from_db()
    assert (owner.is_active, owner.role) == (True, Role.OWNER)


def test_one_of_two_owners_can_go(owner: Account) -> None:
    other = make_account("other@team.example", Role.OWNER)
    assert not actions.disable(actor=owner, account_id=other.pk).is_active


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("deed", [actions.disable, lambda **who: actions.change_role(role=Role.ADMIN, **who)])
def test_two_owners_at_once_can_not_remove_each_other(deed) -> None:  # type: ignore[no-untyped-def]
    first = make_account("first@team.example", Role.OWNER)
    second = make_account("second@team.example", Role.OWNER)
    outcome: list[str] = []

    def strike_back() -> None:
        try:
            deed(actor=second, account_id=first.pk)
            outcome.append("done")
        except Refused as refused:
            outcome.append(refused.reason.value)
        finally:
            connection.close()

    with transaction.atomic():
        deed(actor=first, account_id=second.pk)
        thread = threading.Thread(target=strike_back)
        thread.start()
        # Without the lock it is through by now, for it sees a second owner who is still active.
        thread.join(0.5)
        assert outcome == []
    thread.join(30)
    assert outcome == ["not_allowed" if deed is actions.disable else "owners_only"]
    assert Account.objects.filter(role=Role.OWNER, is_active=True).get() == first


def test_a_right_that_was_taken_meanwhile_is_gone(admin: Account, support: Account) -> None:
    Account.objects.filter(pk=admin.pk).update(role=Role.SUPPORT)
    assert admin.role == Role.ADMIN
    with pytest.raises(Refused, match="not_allowed"):
        actions.disable(actor=admin, account_id=support.pk)


def test_who_is_not_there_is_not_found(admin_client: Client) -> None:
    for deed in ("disable", "enable", "role"):
        assert admin_client.post(f"/team/999999/{deed}/", {"role": "admin"}).status_code == 404


def test_reading_changes_nothing(admin_client: Client, support: Account) -> None:
    for deed in ("disable", "enable", "role"):
        assert admin_client.get(f"/team/{support.pk}/{deed}/").status_code == 405


def test_what_is_so_already_is_no_news(announced: list[Event]) -> None:
    admin = make_account("dana@team.example", Role.ADMIN)
    support = make_account("sam@team.example")
    actions.enable(actor=admin, account_id=support.pk)
    actions.change_role(actor=admin, account_id=support.pk, role=Role.SUPPORT)
    assert announced == []
    assert not AuditEntry.objects.exists()
    actions.disable(actor=admin, account_id=support.pk)
    actions.disable(actor=admin, account_id=support.pk)
    assert announced == [Event("staff.changed", data={"account": support.pk})]
    assert AuditEntry.objects.count() == 1


def test_open_pages_are_told_after_the_commit(announced: list[Event]) -> None:
    admin = make_account("dana@team.example", Role.ADMIN)
    support = make_account("sam@team.example")
    with transaction.atomic():
        actions.change_role(actor=admin, account_id=support.pk, role=Role.ADMIN)
        assert announced == []
    assert announced == [Event("staff.changed", data={"account": support.pk})]
