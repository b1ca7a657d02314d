"""Invitations: a link that makes one account, once, within a week."""

from __future__ import annotations

import datetime as dt
import secrets

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from staff import audit
from staff.actions.authority import Reason, Refused, check_may_manage, locked
from staff.models import Account, Invitation, InvitationState, Role
from staff.queries import open_invitations, token_hash

VALID_SECONDS = 7 * 24 * 3600


def invite(*, actor: Account, email: str, role: str) -> tuple[Invitation, str]:
    """Makes an invitation, instead of an earlier one to the same address.

    Returns it and the secret of its link, which is kept nowhere. Raises Refused.
    """
    email = email.strip().lower()
    with transaction.atomic():
        actor = locked(actor.pk)[actor.pk]
        check_may_manage(actor, role)
        if Account.objects.filter(email=email).exists():
            raise Refused(Reason.HAS_ACCOUNT)
        earlier = open_invitations().filter(email=email)
        check_may_manage(actor, *earlier.values_list("role", flat=True))
        _revoke(earlier, actor)
        token = secrets.token_urlsafe(32)
        invitation = Invitation.objects.create(
            email=email,
            role=role,
            token_hash=token_hash(token),
            invited_by=actor,
            expires_at=timezone.now() + dt.timedelta(seconds=VALID_SECONDS),
        )
        audit.record(
            actor=actor, verb="staff.invited", detail={"invitation": invitation.pk, "role": invitation.role}
        )
    return invitation, token


def revoke_invitation(*, actor: Account, invitation_id: int) -> None:
    """Makes the link useless; one that is used or has expired stays as it is. Raises Refused."""
    with transaction.atomic():
        actor = locked(actor.pk)[actor.pk]
        wanted = open_invitations().filter(pk=invitation_id)
        check_may_manage(actor, *wanted.values_list("role", flat=True))
        _revoke(wanted, actor)


def withdraw_links_of(account: Account) -> None:
    """Revokes the account's open invitations that it could not make now: else it could let itself in by one."""
    kept = [Role.SUPPORT, Role.ADMIN] if account.can("team.manage") else []
    if account.can("team.manage_owners"):
        kept.append(Role.OWNER)
    _revoke(open_invitations().filter(invited_by=account).exclude(role__in=kept), account)


def _revoke(invitations: QuerySet[Invitation], actor: Account) -> None:
    for invitation in invitations.select_for_update():
        invitation.revoked_at = timezone.now()
        invitation.save(update_fields=["revoked_at"])
        audit.record(actor=actor, verb="staff.invitation_revoked", detail={"invitation": invitation.pk})


def accept_invitation(*, token: str, name: str, password: str) -> Account:
    """Makes the invited account and uses the link up.

    Raises Refused where the link is unknown, used, revoked or expired, or the address has an account by now.
    """
    with transaction.atomic():
        invitation = Invitation.objects.select_for_update().filter(token_hash=token_hash(token)).first()
        if invitation is None or invitation.state != InvitationState.OPEN:
            raise Refused(Reason.GONE)
        try:
            with transaction.atomic():
                account = Account.objects.create_user(
                    invitation.email, password, name=name, role=invitation.role
                )
        except IntegrityError:
            raise Refused(Reason.HAS_ACCOUNT) from None
        invitation.accepted_at = timezone.now()
        invitation.save(update_fields=["accepted_at"])
        audit.record(
            actor=account, verb="staff.joined", detail={"invitation": invitation.pk, "role": account.role}
        )
    return account
