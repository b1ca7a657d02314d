"""Nobody without an active account sees a page; times are shown in the viewer's zone."""

from __future__ import annotations

import functools
import zoneinfo
from collections.abc import Callable

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone

TIME_ZONE_COOKIE = "chatadmin_tz"


class StaffOnlyMiddleware(LoginRequiredMiddleware):
    """Every view needs a signed-in account unless it says `login_not_required`.

    A fragment asked for by a page whose session has ended sends the whole page to the sign-in.
    """

    def handle_no_permission(
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponseBase:
        response = super().handle_no_permission(request, view_func)
        if request.headers.get("HX-Request") == "true":
            location = response.headers["Location"]
            return HttpResponse(status=401, headers={"HX-Redirect": location})
        return response


@functools.cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


class TimeZoneMiddleware:
    """Renders the answer in the zone that the browser named in a cookie, else in the installation's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        name = request.COOKIES.get(TIME_ZONE_COOKIE, "")
        if name not in _zones():
            return self.get_response(request)
        with timezone.override(zoneinfo.ZoneInfo(name)):
            return self.get_response(request)
