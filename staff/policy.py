"""What holds for the whole installation, and who changes it."""

from __future__ import annotations

from django.db import transaction

from staff import audit
from staff.models import Account, Policy
from staff.permissions import MATRIX


class WaitsForSecond(Exception):
    """It was asked for, and another admin has to agree."""


def policy() -> Policy:
    """What holds now. Unsaved where nobody ever changed anything."""
    return Policy.objects.select_related("off_asked_by").filter(pk=Policy.ONLY).first() or Policy()


def erasure_needs_second() -> bool:
    """Whether deleting somebody needs a second admin."""
    return Policy.objects.filter(pk=Policy.ONLY, erasure_needs_second=True).exists()


def change_policy(*, erasure_needs_second: bool, actor: Account) -> None:
    """Sets it; the same again changes nothing, but that switching it on takes back that somebody asked for its end.

    Switching it off needs a second admin as well, or nobody would be held by it: the first to ask only asks, and
    WaitsForSecond is raised. Who is the only one left decides alone.
    """
    with transaction.atomic():
        Policy.objects.get_or_create(pk=Policy.ONLY)
        policy = Policy.objects.select_for_update().get(pk=Policy.ONLY)
        waits = policy.erasure_needs_second and not erasure_needs_second and not _agrees(policy, actor)
        if waits:
            _ask(policy, actor)
        else:
            _set(policy, erasure_needs_second, actor)
    if waits:
        raise WaitsForSecond


def _agrees(policy: Policy, actor: Account) -> bool:
    """Whether somebody else has asked for it, or there is nobody else who could."""
    if policy.off_asked_by_id is not None and policy.off_asked_by_id != actor.pk:
        return True
    admins = Account.objects.filter(is_active=True, role__in=MATRIX["team.manage"])
    return not admins.exclude(pk=actor.pk).exists()


def _ask(policy: Policy, actor: Account) -> None:
    if policy.off_asked_by_id != actor.pk:
        policy.off_asked_by = actor
        policy.save()
        audit.record(actor=actor, verb="policy.off_asked")


def _set(policy: Policy, on: bool, actor: Account) -> None:
    is_new = policy.erasure_needs_second != on
    if not is_new and policy.off_asked_by_id is None:
        return
    policy.erasure_needs_second, policy.off_asked_by = on, None
    policy.save()
    if is_new:
        audit.record(actor=actor, verb="policy.changed", detail={"erasure_needs_second": on})
    else:
        audit.record(actor=actor, verb="policy.off_refused")
