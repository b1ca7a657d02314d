"""How django-allauth behaves here: no sign-up, one wording for every failure, attempts counted by true address."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from chatadmin.lib.address import client_address, counted_as
from staff import actions
from staff.models import Account

TOO_MANY = "too_many_login_attempts"


class StaffAdapter(DefaultAccountAdapter):
    """Accounts come from an invitation or from `createsuperuser`, never from a sign-up page."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _("E-mail address or password is wrong."),
        TOO_MANY: _("Too many wrong passwords. Wait five minutes, then try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_ajax(self, request: HttpRequest) -> bool:
        # allauth's own JSON answers would carry other status codes than the page.
        return False

    def is_safe_url(self, url: str) -> bool:
        """Whether `next` stays here: an address without a host of its own."""
        return bool(url_has_allowed_host_and_scheme(url, allowed_hosts=None))

    def get_client_ip(self, request: HttpRequest) -> str:
        """What attempts are counted by: it stands for the address, which is kept nowhere."""
        return counted_as(
            client_address(request.META.get("REMOTE_ADDR", ""), request.META.get("HTTP_X_FORWARDED_FOR", ""))
        )

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        # allauth's key begins with the Host header, port included: whoever varies it would never be stopped.
        return f"staff:{credentials.get('email', '').lower()}"

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Account | None:
        """The active account of these credentials. One that is disabled fails, and is counted, like a wrong
        password: the answer tells nobody that it exists."""
        account = super().authenticate(request, **credentials)
        if account is None or account.is_active:
            return account
        self.pre_authenticate(request, **credentials)
        self.authentication_failed(request, **credentials)
        return None

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        actions.note_failed_sign_in()

    def respond_user_inactive(self, request: HttpRequest, user: Account) -> HttpResponse:
        # Disabled between the password and the session.
        return HttpResponseRedirect(reverse("account_login"))

    def login(self, request: HttpRequest, user: Account) -> None:
        super().login(request, user)
        actions.note_sign_in(account=user)

    def logout(self, request: HttpRequest) -> None:
        account = request.user
        super().logout(request)
        if isinstance(account, Account):
            actions.note_sign_out(account=account)
