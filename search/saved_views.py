"""The pages of saved views: all of them, a new one, one to change, and what a deletion does."""

from __future__ import annotations

import functools
from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from search import saved, saved_actions
from search.models import SavedView
from search.saved_forms import ChangeViewForm, NewViewForm
from staff.access import account_of, requires
from staff.models import Account

UNPROCESSABLE = 422
ViewOfSaved = Callable[[HttpRequest, SavedView], HttpResponse]


def of_view(view: ViewOfSaved) -> Callable[..., HttpResponse]:
    """A view of a saved one that its reader may change; what they don't see is 404, the team's 403."""

    @require_http_methods(["GET", "HEAD", "POST"])
    @requires("users.view")
    @functools.wraps(view)
    def found(request: HttpRequest, view_id: int) -> HttpResponse:
        account = account_of(request)
        known = next((one for one in saved.visible(account) if one.pk == view_id), None)
        if known is None:
            raise Http404
        if not saved.may_change(known, account):
            raise PermissionDenied
        try:
            return view(request, known)
        except saved_actions.ViewGone as error:
            raise Http404 from error

    return found


@require_http_methods(["GET", "HEAD", "POST"])
@requires("users.view")
def saved_views(request: HttpRequest) -> HttpResponse:
    """GET /users/views/: those that one sees. POST `name`, `query`, `shared=yes|no`: a new one."""
    if request.method == "POST":
        return _create(request)
    account = account_of(request)
    shown = [(view, saved.may_change(view, account)) for view in saved.visible(account)]
    context = {"shown": shown, "most": saved.MOST_OWN}
    return render(request, "search/saved_list.html", context)


def _create(request: HttpRequest) -> HttpResponse:
    form = NewViewForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        try:
            view = saved_actions.create_view(
                name=given["name"],
                query=given["query"],
                is_shared=given["shared"],
                owner=account_of(request),
            )
        except (saved_actions.NameTaken, saved_actions.TooManyViews) as error:
            _refuse(form, error)
        else:
            messages.success(request, _("The view “%(name)s” is saved.") % {"name": view.name})
            return redirect(view)
    return render(request, "search/saved_new.html", {"form": form}, status=UNPROCESSABLE)


@of_view
def change(request: HttpRequest, view: SavedView) -> HttpResponse:
    """POST any of `name`, `query`, `shared=yes|no`: the rest stays."""
    if request.method != "POST":
        return render(request, "search/saved_edit.html", {"view": view, "form": ChangeViewForm(view=view)})
    form = ChangeViewForm(request.POST, view=view)
    account = account_of(request)
    if form.is_valid():
        try:
            now = saved_actions.change_view(view_id=view.pk, actor=account, **form.wanted())
        except (saved_actions.NameTaken, saved_actions.TooManyViews) as error:
            _refuse(form, error)
        else:
            messages.success(request, _("The view “%(name)s” is changed.") % {"name": now.name})
            # An admin who takes a colleague's view out of the team's sees it no more.
            return redirect(now if now.is_shared or now.owner_id == account.pk else "/users/views/")
    return render(request, "search/saved_edit.html", {"view": view, "form": form}, status=UNPROCESSABLE)


@of_view
def delete(request: HttpRequest, view: SavedView) -> HttpResponse:
    """GET: who loses it. POST: deletes it."""
    if request.method == "POST":
        saved_actions.delete_view(view_id=view.pk, actor=account_of(request))
        messages.success(request, _("The view “%(name)s” is deleted.") % {"name": view.name})
        return redirect("/users/views/")
    losing = Account.objects.filter(is_active=True).count() if view.is_shared else 1
    return render(request, "search/saved_delete.html", {"view": view, "losing": losing})


def _refuse(
    form: NewViewForm | ChangeViewForm, error: saved_actions.NameTaken | saved_actions.TooManyViews
) -> None:
    if isinstance(error, saved_actions.NameTaken):
        form.add_error("name", _("Another view is called so already."))
    elif error.is_shared:
        words = _("The team has %(most)d views already: take one back, or delete one, first.")
        form.add_error("shared", words % {"most": error.most})
    else:
        words = _("You have %(most)d views already: delete one first.")
        form.add_error("name", words % {"most": error.most})
