"""What holds for the whole installation: a part of the team's page."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from staff.access import account_of, requires
from staff.policy import WaitsForSecond, change_policy


class PolicyForm(forms.Form):
    """Ticked or not."""

    erasure_needs_second = forms.BooleanField(required=False)


@requires("team.manage")
@require_POST
def policy(request: HttpRequest) -> HttpResponse:
    """POST /team/policy/ `erasure_needs_second=on` or nothing."""
    form = PolicyForm(request.POST)
    if form.is_valid():
        try:
            change_policy(actor=account_of(request), **form.cleaned_data)
        except WaitsForSecond:
            messages.warning(
                request, _("It stays on until a second admin agrees: ask one to untick it here.")
            )
        else:
            messages.success(request, _("Saved."))
    return HttpResponseRedirect(reverse("team"))
