"""What pages of other rooms show of a person's data rights."""

from __future__ import annotations

from typing import Any

from django import template

from exports.asked_for import Counts, counts_for
from exports.matters import matters_of
from staff.models import Account
from users.models import ChatUser

register = template.Library()


@register.inclusion_tag("exports/matters.html")
def matters(person: ChatUser, account: Account) -> dict[str, Any]:
    """What is under way about the person, as far as the account may know. No query where it may know nothing."""
    found = matters_of(person, erasures=account.can("users.erase"), requests=account.can("requests.manage"))
    return {"waiting": found.waiting, "claims": found.claims, "joined": found.joined}


@register.simple_tag
def to_decide(account: Account) -> Counts:
    """How much there is to decide for the account, for the navigation."""
    return counts_for(account)
