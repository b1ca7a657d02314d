"""One's own account."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from chatadmin.lib.limits import Rate, limits
from staff import actions
from staff.access import account_of
from staff.forms import NameForm, PasswordForm

WRONG_PASSWORDS = Rate(burst=10, per_second=1 / 30)


@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """GET /account/: one's own name and password."""
    return _page(request)


@require_POST
def change_name(request: HttpRequest) -> HttpResponse:
    """POST /account/name/ `name`."""
    form = NameForm(request.POST)
    if not form.is_valid():
        return _page(request, HTTPStatus.UNPROCESSABLE_ENTITY, name_form=form)
    actions.change_own_name(actor=account_of(request), name=form.cleaned_data["name"])
    messages.success(request, _("Your name is changed."))
    return HttpResponseRedirect(reverse("account"))


@sensitive_post_parameters("old_password", "new_password")
@require_POST
def change_password(request: HttpRequest) -> HttpResponse:
    """POST /account/password/ `old_password`, `new_password`: ends every other session of the account."""
    actor = account_of(request)
    if not limits().take(f"password:{actor.pk}", WRONG_PASSWORDS):
        problem = _("Too many tries. Wait five minutes, then try again.")
        return _page(request, HTTPStatus.TOO_MANY_REQUESTS, problem=problem)
    form = PasswordForm(request.POST, account=actor)
    if not form.is_valid():
        return _page(request, HTTPStatus.UNPROCESSABLE_ENTITY, password_form=form)
    changed = actions.change_own_password(actor=actor, password=form.cleaned_data["new_password"])
    update_session_auth_hash(request, changed)
    messages.success(request, _("Your password is changed. You are signed out everywhere else."))
    return HttpResponseRedirect(reverse("account"))


def _page(request: HttpRequest, status: int = HTTPStatus.OK, **more: Any) -> HttpResponse:
    viewer = account_of(request)
    context = {
        "name_form": NameForm(initial={"name": viewer.name}),
        "password_form": PasswordForm(account=viewer),
    }
    return render(request, "staff/account.html", context | more, status=status)
