"""What holds for the whole installation, and who changes it."""

from __future__ import annotations

from django.db import transaction

from staff import audit
from staff.models import Account, Policy


def erasure_needs_second() -> bool:
    """Whether deleting somebody needs a second admin."""
    return Policy.objects.filter(pk=Policy.ONLY, erasure_needs_second=True).exists()


def change_policy(*, erasure_needs_second: bool, actor: Account) -> None:
    """Sets it; the same again changes nothing. Who switches it off stands in the audit log."""
    with transaction.atomic():
        Policy.objects.get_or_create(pk=Policy.ONLY)
        policy = Policy.objects.select_for_update().get(pk=Policy.ONLY)
        if policy.erasure_needs_second == erasure_needs_second:
            return
        policy.erasure_needs_second = erasure_needs_second
        policy.save()
        audit.record(
            actor=actor, verb="policy.changed", detail={"erasure_needs_second": erasure_needs_second}
        )
