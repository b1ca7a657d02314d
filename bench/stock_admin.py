"""What it is compared with: Django's admin over the same rows, with `search_fields`, as anybody would set it up."""

from __future__ import annotations

import time
from typing import Any

from django.contrib import admin
from django.test import RequestFactory

from bench import direct, terms
from bench.figures import percentile, share
from bench.messages import query
from bench.places import RUNS, Effort
from bench.progress import say
from chatadmin.lib.budget import Budget, OverBudget
from search.queries import PAGE_SIZE
from users.models import ChatUser

CLASSES = ("one", "0.1", "1", "20")


class Superuser:
    """Somebody who may do everything."""

    pk = 0
    is_active = is_staff = True

    def has_perm(self, permission: str, obj: object = None) -> bool:
        return True


class StockAdmin(admin.ModelAdmin):
    """The user list as Django makes it, with as many people on a page as ours."""

    list_display = ("name", "email", "last_active")
    search_fields = ("name", "email", "messages__body")
    list_per_page = PAGE_SIZE


def page(typed: str, seconds: float) -> tuple[float, int | None]:
    """The milliseconds that the admin's queries for its first page take, and how many people are on it; None where
    they were broken off after `seconds`."""
    request = RequestFactory().get("/", {"q": typed})
    request.user = Superuser()  # type: ignore[assignment]
    stock = StockAdmin(ChatUser, admin.AdminSite())
    began = time.perf_counter()
    try:
        with Budget(seconds).limit():
            shown: int | None = len(stock.get_changelist_instance(request).result_list)
    except OverBudget:
        shown = None
    return 1000 * (time.perf_counter() - began), shown


def measure(kept: dict[str, Any], effort: Effort) -> list[dict[str, Any]]:
    """A word of each of four classes: the admin's page, once where it is slow, beside ours."""
    found = []
    for name in CLASSES:
        for term in terms.of_class(kept, name, 1):
            say(f"  stock admin: {term.query}")
            took, shown = page(term.query, effort.seconds)
            # What is quick may have been cold.
            others = (
                [] if shown is None or took > 5_000 else [page(term.query, effort.seconds)[0] for _ in "123"]
            )
            ours = percentile([direct.search(query(term.query)).whole for _ in range(4 * RUNS)], 0.5)
            found.append(
                {
                    "class": name,
                    "term": term.query,
                    "share": share(term.messages, kept["total"]),
                    "theirs": round(min([took, *others]), 3),
                    "broken_off": shown is None,
                    "ours": round(ours, 3),
                }
            )
    return found
