"""Keys for programs: who makes them, what is kept of them, and what opens nothing."""

from __future__ import annotations

import datetime as dt
import html
import re

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from staff import actions, api_keys
from staff.models import Account, ApiKey, AuditEntry, Scope
from staff.permissions import Role


def made_on(page: str) -> str:
    """The key that a page shows."""
    found = re.search(r'value="(ck_[0-9a-f_]+)"[^>]*data-made-key', page)
    assert found, "no key is shown"
    return html.unescape(found[1])


def make(client: Client, **fields: object) -> str:
    response = client.post("/api-keys/", {"name": "Shop <b>", "scopes": ["users:export"], **fields})
    assert response.status_code == 200
    return made_on(response.content.decode())


def test_admins_alone_see_and_make_keys(
    support_client: Client, admin_client: Client, owner_client: Client
) -> None:
    for response in (
        support_client.get("/api-keys/"),
        support_client.post("/api-keys/", {"name": "x", "scopes": ["users:export"]}),
        support_client.post("/api-keys/1/revoke/"),
    ):
        assert response.status_code == 403
    assert not ApiKey.objects.exists()
    assert 'href="/api-keys/"' not in support_client.get("/account/").content.decode()
    for client in (admin_client, owner_client):
        page = client.get("/api-keys/").content.decode()
        assert 'href="/api-keys/"' in page
        assert "There is no key" in page


def test_a_key_is_shown_once_and_not_kept(admin: Account, admin_client: Client) -> None:
    text = make(admin_client, scopes=["users:erase", "users:export"])
    key = ApiKey.objects.get()
    assert text.startswith(f"{key.prefix}_")
    assert key.scopes == ["users:erase", "users:export"]
    assert key.made_by == admin
    kept = " ".join(str(value) for value in ApiKey.objects.values_list().get())
    assert key.prefix in kept
    assert text.removeprefix(f"{key.prefix}_") not in kept
    page = admin_client.get("/api-keys/").content.decode()
    assert key.prefix in page
    assert "Shop &lt;b&gt;" in page
    assert text not in page
    line = AuditEntry.objects.get(verb="api_key.made")
    assert (line.actor, line.detail) == (admin, {"key": key.prefix, "scopes": key.scopes})


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("scopes", {"scopes": []}),
        ("scopes", {"scopes": ["users:everything"]}),
        ("name", {"name": ""}),
        ("name", {"name": "two\nlines"}),
        ("name", {"name": "x" * 101}),
    ],
)
def test_what_cant_be_a_key_is_said_by_its_field(admin_client: Client, field: str, fields: dict) -> None:
    response = admin_client.post("/api-keys/", {"name": "Shop", "scopes": ["users:export"], **fields})
    page = response.content.decode()
    assert response.status_code == 422
    assert f'data-error="{field}"' in page
    assert "data-made-key" not in page
    assert not ApiKey.objects.exists()


def test_it_is_found_by_its_whole_text_alone(admin: Account) -> None:
    key, text = api_keys.make_key(actor=admin, name="Shop", scopes=[Scope.EXPORT])
    _, other = api_keys.make_key(actor=admin, name="Other", scopes=[Scope.EXPORT])
    assert api_keys.key_of(text) == key
    mixed = f"{key.prefix}_{other.split('_')[2]}"
    wrong = [
        "",
        key.prefix,
        text[:-1],
        text + "0",
        text.upper(),
        f" {text}",
        mixed,
        key.key_hash,
        "ck_\x00",
        "é",
    ]
    for guess in wrong:
        assert api_keys.key_of(guess) is None, guess


def test_a_revoked_key_opens_nothing_and_stays_so(admin: Account, admin_client: Client) -> None:
    key, text = api_keys.make_key(actor=admin, name="Shop", scopes=[Scope.EXPORT])
    assert api_keys.key_of(text) == key
    assert (
        f'data-api-key="{key.prefix}" data-active="true"' in admin_client.get("/api-keys/").content.decode()
    )
    for _ in range(2):
        response = admin_client.post(f"/api-keys/{key.pk}/revoke/", follow=True)
        assert f'data-api-key="{key.prefix}" data-active="false"' in response.content.decode()
    assert api_keys.key_of(text) is None
    line = AuditEntry.objects.get(verb="api_key.revoked")
    assert (line.actor, line.detail) == (admin, {"key": key.prefix})


def test_a_key_that_there_isnt_cant_be_revoked(admin_client: Client) -> None:
    for number in (1, 2**70):
        assert admin_client.post(f"/api-keys/{number}/revoke/").status_code == 404
    assert admin_client.get("/api-keys/1/revoke/").status_code == 405


def test_its_use_is_noted_once_a_minute(
    admin: Account, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    key, text = api_keys.make_key(actor=admin, name="Shop", scopes=[Scope.EXPORT])
    with django_assert_num_queries(2):
        api_keys.key_of(text)
    key.refresh_from_db()
    first = key.last_used_at
    assert first is not None and timezone.now() - first < dt.timedelta(seconds=10)
    with django_assert_num_queries(1):
        api_keys.key_of(text)
    ApiKey.objects.update(last_used_at=first - dt.timedelta(minutes=2))
    api_keys.key_of(text)
    key.refresh_from_db()
    assert key.last_used_at >= first


def test_another_scope_or_none_is_no_key(admin: Account) -> None:
    for scopes in ([], ["users:everything"]):
        with pytest.raises(ValueError, match="scopes"):
            api_keys.make_key(actor=admin, name="Shop", scopes=scopes)


@pytest.mark.parametrize("count", [1, 40])
def test_the_list_asks_as_often_for_many(
    admin: Account, admin_client: Client, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(count):
        api_keys.make_key(actor=admin, name=f"Shop {number}", scopes=[Scope.EXPORT])
    with django_assert_num_queries(1):
        assert [key.made_by for key in api_keys.keys_page().rows] == [admin] * count
    assert admin_client.get("/api-keys/").content.decode().count("data-api-key=") == count


def test_the_list_goes_on(admin: Account, admin_client: Client) -> None:
    for number in range(api_keys.PAGE_SIZE + 3):
        api_keys.make_key(actor=admin, name=f"Shop {number}", scopes=[Scope.EXPORT])
    page = admin_client.get("/api-keys/").content.decode()
    older = re.search(r'href="(\?after=[^"]+)"', page)
    assert older
    rest = admin_client.get(f"/api-keys/{older[1]}").content.decode()
    assert rest.count("data-api-key=") == 3
    shown = re.findall(r'data-api-key="(\w+)"', page + rest)
    assert len(set(shown)) == api_keys.PAGE_SIZE + 3
    assert admin_client.get("/api-keys/?after=x").status_code == 200


@pytest.fixture
def theirs(owner: Account, admin: Account) -> str:
    """A key that an admin made, beside one of the owner's."""
    _, text = api_keys.make_key(actor=admin, name="Shop", scopes=[Scope.EXPORT])
    _, other = api_keys.make_key(actor=owner, name="Other", scopes=[Scope.EXPORT])
    assert api_keys.key_of(text) and api_keys.key_of(other)
    return text


def revoked() -> list[str]:
    assert ApiKey.objects.get(name="Other").revoked_at is None
    lines = AuditEntry.objects.filter(verb="api_key.revoked")
    return [line.detail["key"] for line in lines]


def test_a_disabled_accounts_keys_open_nothing(theirs: str, owner: Account, admin: Account) -> None:
    actions.disable(actor=owner, account_id=admin.pk)
    assert api_keys.key_of(theirs) is None
    key = ApiKey.objects.get(name="Shop")
    assert key.revoked_at is not None and revoked() == [key.prefix]
    assert AuditEntry.objects.get(verb="api_key.revoked").actor == owner
    actions.enable(actor=owner, account_id=admin.pk)
    assert api_keys.key_of(theirs) is None


@pytest.mark.parametrize(("role", "opens"), [(Role.SUPPORT, False), (Role.OWNER, True)])
def test_a_role_that_may_make_no_keys_has_none(
    theirs: str, owner: Account, admin: Account, role: str, opens: bool
) -> None:
    actions.change_role(actor=owner, account_id=admin.pk, role=role)
    assert (api_keys.key_of(theirs) is not None) is opens
    assert len(revoked()) == (0 if opens else 1)


@pytest.mark.parametrize("values", [{"is_active": False}, {"role": Role.SUPPORT}], ids=str)
def test_who_lost_it_before_keys_were_revoked_with_it_opens_nothing(
    theirs: str, admin: Account, values: dict[str, object]
) -> None:
    Account.objects.filter(pk=admin.pk).update(**values)
    assert api_keys.key_of(theirs) is None
    assert revoked() == []
