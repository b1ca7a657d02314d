"""Who may open a page: the check that views put in front of themselves."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from staff.models import Account
from staff.permissions import MATRIX

P = ParamSpec("P")
Answer = TypeVar("Answer", bound=HttpResponseBase)
View = Callable[Concatenate[HttpRequest, P], Answer]


def account_of(request: HttpRequest) -> Account:
    """The active account behind a request. Raises PermissionDenied for a stranger."""
    account = request.user
    if not isinstance(account, Account) or not account.is_active:
        raise PermissionDenied
    return account


def requires(permission: str) -> Callable[[View[P, Answer]], View[P, Answer]]:
    """Lets only those in whose role has `permission`; the others get PermissionDenied (403).

    A permission that does not exist raises KeyError when the view is declared.
    """
    MATRIX[permission]

    def decorate(view: View[P, Answer]) -> View[P, Answer]:
        @functools.wraps(view)
        def checked(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> Answer:
            if not account_of(request).can(permission):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return checked

    return decorate
