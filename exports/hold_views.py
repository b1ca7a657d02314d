"""The page of a person's legal hold."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from exports.hold_forms import LIFT, HoldForm
from exports.holds import AlreadyHeld, NotHeld, holds_about, lift_hold, place_hold
from staff.access import account_of
from users.frame import UNPROCESSABLE, of_person, page_of
from users.models import ChatUser


@require_http_methods(["GET", "HEAD", "POST"])
@of_person("users.hold")
def hold(request: HttpRequest, person: ChatUser) -> HttpResponseBase:
    """GET: whether a hold stands, and those there were. POST `do=place`, `reason`, `ticket`, or `do=lift`."""
    if request.method != "POST":
        return _page(request, person, HoldForm(), 200)
    form = HoldForm(request.POST)
    if not form.is_valid() or not _done(request, person, form):
        return _page(request, ChatUser.objects.get(pk=person.pk), form, UNPROCESSABLE)
    return redirect(f"{person.get_absolute_url()}hold/")


def _done(request: HttpRequest, person: ChatUser, form: HoldForm) -> bool:
    """Does what the form says; False with an error in it where somebody else was quicker."""
    given, actor = form.cleaned_data, account_of(request)
    try:
        if given["do"] == LIFT:
            lift_hold(chat_user_uuid=person.uuid, actor=actor)
            messages.success(request, _("The hold is lifted: erasure and retention apply again."))
        else:
            place_hold(
                chat_user_uuid=person.uuid, actor=actor, reason=given["reason"], ticket=given["ticket"]
            )
            messages.success(request, _("The hold stands: nothing of this person goes until it is lifted."))
    except AlreadyHeld:
        form.add_error("do", _("A hold stands already."))
    except NotHeld:
        form.add_error("do", _("No hold stands any more."))
    return form.is_valid()


def _page(request: HttpRequest, person: ChatUser, form: HoldForm, status: int) -> HttpResponse:
    context = {"form": form, "holds": holds_about(person)}
    return page_of(request, person, "exports/hold.html", context, tab="", status=status)
