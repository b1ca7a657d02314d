"""The team's page: who works here, who is invited, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import structlog
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from staff import actions, mail, queries
from staff.access import account_of, requires
from staff.actions.authority import Reason, Refused
from staff.forms import InviteForm, RoleForm, roles_given_by
from staff.models import Account, Role
from staff.policy import policy

log = structlog.get_logger("chatadmin.staff")


@dataclass(frozen=True)
class Row:
    """An account, and whether the viewer may change it."""

    account: Account
    is_viewer: bool
    may_change: bool


@requires("team.view")
@require_safe
def team(request: HttpRequest) -> HttpResponse:
    """GET /team/: accounts and open invitations."""
    return _page(request)


@requires("team.manage")
@require_POST
def invite(request: HttpRequest) -> HttpResponse:
    """POST /team/invite/ `email`, `role`: answers with the link, which is shown this once."""
    actor = account_of(request)
    form = InviteForm(request.POST, actor=actor)
    if not form.is_valid():
        return _page(request, HTTPStatus.UNPROCESSABLE_ENTITY, form=form)
    email, role = form.cleaned_data["email"], form.cleaned_data["role"]
    try:
        invitation, token = actions.invite(actor=actor, email=email, role=role)
    except Refused as refused:
        form.add_error("email", reason_text(refused.reason))
        return _page(request, HTTPStatus.UNPROCESSABLE_ENTITY, form=form)
    link = request.build_absolute_uri(reverse("join", args=[token]))
    mailed = settings.MAIL_ON and mail.send_invitation(invitation, link)
    return _page(request, invitation=invitation, link=link, mailed=mailed)


@requires("team.manage")
@require_POST
def revoke(request: HttpRequest, invitation: int) -> HttpResponse:
    """POST /team/invitations/<id>/revoke/."""
    return _done(
        request,
        lambda actor: actions.revoke_invitation(actor=actor, invitation_id=invitation),
        _("The invitation is revoked: its link no longer works."),
    )


@requires("team.manage")
@require_POST
def disable(request: HttpRequest, account: int) -> HttpResponse:
    """POST /team/<id>/disable/."""
    return _done(
        request,
        lambda actor: actions.disable(actor=actor, account_id=account),
        _("The account is disabled and signed out everywhere."),
    )


@requires("team.manage")
@require_POST
def enable(request: HttpRequest, account: int) -> HttpResponse:
    """POST /team/<id>/enable/."""
    return _done(
        request,
        lambda actor: actions.enable(actor=actor, account_id=account),
        _("The account is enabled: its owner can sign in again."),
    )


@requires("team.manage")
@require_POST
def change_role(request: HttpRequest, account: int) -> HttpResponse:
    """POST /team/<id>/role/ `role`."""
    form = RoleForm(request.POST, actor=account_of(request))
    if not form.is_valid():
        return _page(request, HTTPStatus.UNPROCESSABLE_ENTITY, role_form=form, role_of=account)
    return _done(
        request,
        lambda actor: actions.change_role(actor=actor, account_id=account, role=form.cleaned_data["role"]),
        _("The role is changed. They have to sign in again."),
    )


def reason_text(reason: Reason) -> str:
    """Why the team's rules forbid it, for people."""
    return {
        Reason.NOT_ALLOWED: _("Your role doesn't allow this."),
        Reason.OWNERS_ONLY: _("Only an owner may make or change owners."),
        Reason.YOURSELF: _("Nobody can disable or change the role of their own account."),
        Reason.LAST_OWNER: _("This is the last active owner. Make somebody else an owner first."),
        Reason.HAS_ACCOUNT: _("Somebody here has this address already."),
        Reason.GONE: _("This is no longer there."),
    }[reason]


def _done(request: HttpRequest, act: Callable[[Account], object], said: str) -> HttpResponse:
    try:
        act(account_of(request))
    except Refused as refused:
        if refused.reason == Reason.GONE:
            raise Http404 from None
        return _page(request, HTTPStatus.CONFLICT, problem=reason_text(refused.reason))
    messages.success(request, said)
    return HttpResponseRedirect(reverse("team"))


def _page(request: HttpRequest, status: int = HTTPStatus.OK, **more: Any) -> HttpResponse:
    viewer = account_of(request)
    manages, owner = viewer.can("team.manage"), viewer.can("team.manage_owners")
    rows = [
        Row(
            account=account,
            is_viewer=account.pk == viewer.pk,
            may_change=manages and account.pk != viewer.pk and (owner or account.role != Role.OWNER),
        )
        for account in queries.team()
    ]
    context = {
        "rows": rows,
        "roles": roles_given_by(viewer),
        "invitations": list(queries.open_invitations().select_related("invited_by")),
        "form": InviteForm(actor=viewer),
        "owner_role": Role.OWNER.value,
        "policy": policy(),
    }
    return render(request, "staff/team.html", context | more, status=status)
