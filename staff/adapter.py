"""How django-allauth behaves here: no sign-up."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class StaffAdapter(DefaultAccountAdapter):
    """Accounts come from an invitation or from `createsuperuser`, never from a sign-up page."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
