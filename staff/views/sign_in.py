"""Signing in and out."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from allauth.account.views import LoginView, LogoutView
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from staff.adapter import TOO_MANY
from staff.forms import SignInForm, SignInQuery


class SignIn(LoginView):
    """GET, POST /login/: `login`, `password`, and `next`, an address of ours to go on to; `ended=yes`: the session of
    whoever is sent here is over, and they are told so.

    A wrong password gets the page again (200), the eleventh in five minutes 429.
    """

    form_class = SignInForm
    template_name = "account/login.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        asked = SignInQuery(self.request.GET)
        return {**context, "was_signed_out": asked.is_valid() and asked.cleaned_data["ended"] == "yes"}

    def form_invalid(self, form: SignInForm) -> HttpResponse:
        response: HttpResponse = super().form_invalid(form)
        if form.has_error(NON_FIELD_ERRORS, TOO_MANY):
            response.status_code = HTTPStatus.TOO_MANY_REQUESTS
        return response


@method_decorator([login_not_required, never_cache], name="dispatch")
class SignOut(LogoutView):
    """GET /logout/ asks, POST signs out. Whoever isn't signed in is sent to the sign-in."""

    template_name = "account/logout.html"

    def get_next_url(self) -> Any:
        """Nowhere but the sign-in: every other page would only send them there."""
        return None
