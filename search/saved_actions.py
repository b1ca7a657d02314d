"""What staff do to saved views. What happens to a shared one leaves an audit line, in ids and field names."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max

from chatadmin.lib.tokens import folded
from search.models import SavedView
from search.saved import MOST_OWN, MOST_SHARED
from staff import audit
from staff.models import Account


class ViewGone(LookupError):
    """There is no such view any more."""


class NameTaken(ValueError):
    """Another view of that person, or of the team, is called so already."""


class TooManyViews(ValueError):
    """There are `most` views already: of that person, or shared ones where `is_shared`."""

    def __init__(self, most: int, *, is_shared: bool) -> None:
        super().__init__(most)
        self.most, self.is_shared = most, is_shared


def create_view(*, name: str, query: str, is_shared: bool, owner: Account) -> SavedView:
    """Keeps a search; `query` is canonical and looks for something. Raises NameTaken, TooManyViews."""
    with transaction.atomic():
        # Whoever saves two at once waits here for themselves, so that the bound holds.
        Account.objects.select_for_update().get(pk=owner.pk)
        if SavedView.objects.filter(owner=owner).count() >= MOST_OWN:
            raise TooManyViews(MOST_OWN, is_shared=False)
        if is_shared:
            _make_room_among_shared()
        last = SavedView.objects.aggregate(last=Max("position"))["last"]
        view = SavedView(
            owner=owner,
            name=name,
            query=query,
            is_shared=is_shared,
            position=0 if last is None else last + 1,
        )
        _save(view)
        if is_shared:
            audit.record(actor=owner, verb="view.created", detail={"view": view.pk})
    return view


def change_view(
    *,
    view_id: int,
    actor: Account,
    name: str | None = None,
    query: str | None = None,
    is_shared: bool | None = None,
) -> SavedView:
    """Renames a view, keeps another search in it, shares it or takes it back; None leaves that as it is.

    Raises ViewGone, NameTaken, TooManyViews, and ValueError for taking back what is nobody's own.
    """
    with transaction.atomic():
        view = _locked(view_id)
        was_shared = view.is_shared
        wanted = {"name": name, "query": query, "is_shared": is_shared}
        changed = [key for key, value in wanted.items() if value is not None and getattr(view, key) != value]
        if not changed:
            return view
        if "is_shared" in changed and view.owner_id is None:
            raise ValueError("a view that came with the installation is shared")
        if is_shared and not was_shared:
            _make_room_among_shared()
        for key in changed:
            setattr(view, key, wanted[key])
        _save(view)
        if was_shared or view.is_shared:
            audit.record(actor=actor, verb="view.changed", detail={"view": view.pk, "fields": changed})
    return view


def delete_view(*, view_id: int, actor: Account) -> None:
    """Deletes a view, for everyone who sees it. Raises ViewGone."""
    with transaction.atomic():
        view = _locked(view_id)
        detail: dict[str, Any] = {"view": view.pk}
        view.delete()
        if view.is_shared:
            audit.record(actor=actor, verb="view.deleted", detail=detail)


def _locked(view_id: int) -> SavedView:
    view = SavedView.objects.select_for_update().filter(pk=view_id).first()
    if view is None:
        raise ViewGone
    return view


def _make_room_among_shared() -> None:
    """Whoever else shares one waits for the same rows, so that the bound holds."""
    shared = SavedView.objects.filter(is_shared=True).order_by("pk")
    list(shared.select_for_update().values_list("pk", flat=True))
    if shared.count() >= MOST_SHARED:
        raise TooManyViews(MOST_SHARED, is_shared=True)


def _save(view: SavedView) -> None:
    view.name_folded = folded(view.name) or ""
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError as error:
        raise NameTaken from error
