"""The page "what we hold, why, how long": for visitors, and where admins look at it first."""

from __future__ import annotations

from http import HTTPStatus

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from exports.held_data import held_data, is_published, publish
from exports.privacy_form import may_ask
from staff.access import account_of, requires


class PublishForm(forms.Form):
    """Whether everybody may see the page."""

    public = forms.ChoiceField(choices=[("yes", "yes"), ("no", "no")])


@login_not_required
@require_safe
def what_we_hold(request: HttpRequest) -> HttpResponse:
    """GET /what-we-hold/: for everybody, once an admin has made it public; else 404."""
    if not is_published():
        raise Http404
    return render(request, "exports/what_we_hold.html", {"data": held_data(), "may_ask": may_ask()})


@require_http_methods(["GET", "HEAD", "POST"])
@requires("retention.manage")
def held_page(request: HttpRequest) -> HttpResponse:
    """GET: the page as visitors would see it, and whether they do. POST `public=yes|no`."""
    form = PublishForm(request.POST) if request.method == "POST" else PublishForm()
    if form.is_valid():
        on = form.cleaned_data["public"] == "yes"
        publish(on=on, actor=account_of(request))
        messages.success(request, _("Everybody can see it now.") if on else _("Only admins see it now."))
        return redirect("held_data")
    context = {
        "form": form,
        "data": held_data(),
        "is_published": is_published(),
        "address": request.build_absolute_uri(reverse("what_we_hold")),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "exports/what_we_hold_setup.html", context, status=status)
