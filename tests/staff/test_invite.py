"""Inviting somebody, and taking it back."""

import datetime as dt
import hashlib
import re
from collections.abc import Callable

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from staff import actions
from staff.actions import Refused
from staff.models import Account, AuditEntry, Invitation, Role

Invited = Callable[..., tuple[Invitation, str]]
LINK = re.compile(r'value="(http://testserver/team/join/([\w-]{43})/)"')


def test_the_answer_shows_the_link_once(admin: Account, admin_client: Client, stranger: Client) -> None:
    response = admin_client.post("/team/invite/", {"email": "New@Team.example", "role": "admin"})
    assert response.status_code == 200
    found = LINK.search(response.content.decode())
    assert found is not None
    link, token = found.groups()
    invitation = Invitation.objects.get()
    assert (invitation.email, invitation.role) == ("new@team.example", "admin")
    assert invitation.invited_by == admin
    assert invitation.token_hash == hashlib.sha256(token.encode()).hexdigest()
    assert dt.timedelta(days=6, hours=23) < invitation.expires_at - timezone.now() <= dt.timedelta(days=7)
    assert token not in admin_client.get("/team/").content.decode()
    assert stranger.get(link).status_code == 200


def test_the_secret_is_in_no_table(admin_client: Client) -> None:
    response = admin_client.post("/team/invite/", {"email": "new@team.example", "role": "support"})
    found = LINK.search(response.content.decode())
    assert found is not None
    kept = repr(list(Invitation.objects.values())) + repr(list(AuditEntry.objects.values()))
    assert "new@team.example" in kept
    assert found[2] not in kept


def test_it_is_audited_by_id(admin: Account, invited: Invited) -> None:
    invitation, _ = invited(role=Role.ADMIN)
    line = AuditEntry.objects.get()
    assert (line.actor, line.verb) == (admin, "staff.invited")
    assert line.detail == {"invitation": invitation.pk, "role": "admin"}


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"email": "", "role": "support"}, "email"),
        ({"email": "nobody", "role": "support"}, "email"),
        ({"email": "SAM@team.example", "role": "support"}, "email"),
        ({"email": "new@team.example", "role": "king"}, "role"),
        ({"email": "new@team.example", "role": "owner"}, "role"),
        ({"email": "new@team.example"}, "role"),
        ({"email": "a" * 250 + "@team.example", "role": "support"}, "email"),
        ({"email": "a\x00@team.example", "role": "support"}, "email"),
    ],
)
def test_what_is_wrong_is_said_by_its_field(
    admin_client: Client, support: Account, fields: dict[str, str], wrong: str
) -> None:
    response = admin_client.post("/team/invite/", fields)
    assert response.status_code == 422
    page = response.content.decode()
    assert re.findall(r'data-error="(\w+)"', page) == [wrong]
    assert f'aria-describedby="id_{wrong}_error"' in page
    assert not Invitation.objects.exists()


def test_support_may_not(support: Account, support_client: Client) -> None:
    assert (
        support_client.post("/team/invite/", {"email": "x@team.example", "role": "support"}).status_code
        == 403
    )
    with pytest.raises(Refused, match="not_allowed"):
        actions.invite(actor=support, email="x@team.example", role=Role.SUPPORT)
    assert not Invitation.objects.exists()


def test_only_owners_invite_owners(admin: Account, owner: Account) -> None:
    with pytest.raises(Refused, match="owners_only"):
        actions.invite(actor=admin, email="x@team.example", role=Role.OWNER)
    assert actions.invite(actor=owner, email="x@team.example", role=Role.OWNER)[0].role == Role.OWNER


def test_who_was_disabled_meanwhile_may_not(admin: Account) -> None:
    Account.objects.filter(pk=admin.pk).update(is_active=False)
    assert admin.is_active
    with pytest.raises(Refused, match="not_allowed"):
        actions.invite(actor=admin, email="x@team.example", role=Role.SUPPORT)


def test_somebody_who_is_here_is_not_invited(admin: Account, support: Account) -> None:
    with pytest.raises(Refused, match="has_account"):
        actions.invite(actor=admin, email=support.email.upper(), role=Role.SUPPORT)


def test_a_second_link_replaces_the_first(invited: Invited, stranger: Client) -> None:
    first, first_link = invited()
    second, second_link = invited(role=Role.ADMIN)
    first.refresh_from_db()
    assert (first.state, second.state) == ("revoked", "open")
    assert stranger.get(first_link).status_code == 410
    assert stranger.get(second_link).status_code == 200


def test_an_admin_does_not_replace_an_owner_s_link(
    admin_client: Client, owner: Account, invited: Invited
) -> None:
    invitation, _ = invited(role=Role.OWNER, actor=owner)
    response = admin_client.post("/team/invite/", {"email": invitation.email, "role": "support"})
    assert response.status_code == 422
    assert 'data-error="email"' in response.content.decode()
    invitation.refresh_from_db()
    assert invitation.state == "open"


def test_revoking_makes_the_link_useless(admin_client: Client, invited: Invited, stranger: Client) -> None:
    invitation, link = invited()
    assert stranger.get(link).status_code == 200
    response = admin_client.post(f"/team/invitations/{invitation.pk}/revoke/", follow=True)
    assert "its link no longer works" in response.content.decode()
    assert stranger.get(link).status_code == 410
    line = AuditEntry.objects.order_by("-pk")[0]
    assert (line.verb, line.detail) == ("staff.invitation_revoked", {"invitation": invitation.pk})


def test_revoking_twice_or_nothing_changes_nothing(admin_client: Client, invited: Invited) -> None:
    invitation, _ = invited()
    for address in (invitation.pk, invitation.pk, 999_999):
        assert admin_client.post(f"/team/invitations/{address}/revoke/").status_code == 302
    assert AuditEntry.objects.filter(verb="staff.invitation_revoked").count() == 1


def test_an_admin_can_not_revoke_an_owner_s(
    admin: Account, admin_client: Client, owner: Account, invited: Invited
) -> None:
    invitation, _ = invited(role=Role.OWNER, actor=owner)
    response = admin_client.post(f"/team/invitations/{invitation.pk}/revoke/")
    assert response.status_code == 409
    assert "Only an owner may" in response.content.decode()
    invitation.refresh_from_db()
    assert invitation.state == "open"


def test_reading_changes_nothing(admin_client: Client, invited: Invited) -> None:
    invitation, _ = invited()
    assert admin_client.get(f"/team/invitations/{invitation.pk}/revoke/").status_code == 405
    assert admin_client.get("/team/invite/").status_code == 405


def test_it_is_mailed_where_mail_is_on(admin_client: Client, settings: Settings) -> None:
    settings.MAIL_ON = True
    response = admin_client.post("/team/invite/", {"email": "new@team.example", "role": "support"})
    page = response.content.decode()
    found = LINK.search(page)
    assert found is not None
    assert "It is mailed to them, too." in page
    assert [message.to for message in mail.outbox] == [["new@team.example"]]
    assert found[1] in mail.outbox[0].body
    assert "Dana Whitfield invites you" in mail.outbox[0].body


def test_without_mail_it_says_so(admin_client: Client) -> None:
    response = admin_client.post("/team/invite/", {"email": "new@team.example", "role": "support"})
    assert "Hand it over yourself" in response.content.decode()
    assert mail.outbox == []


def test_a_mail_server_that_is_down_costs_nothing_but_the_mail(
    admin_client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_args: object, **_fields: object) -> int:
        raise ConnectionRefusedError

    monkeypatch.setattr("staff.mail.send_mail", down)
    settings.MAIL_ON = True
    response = admin_client.post("/team/invite/", {"email": "new@team.example", "role": "support"})
    page = response.content.decode()
    assert LINK.search(page)
    assert "Hand it over yourself" in page
