"""Nobody without an active account sees a page; no cache keeps one; times are shown in the viewer's zone."""

from __future__ import annotations

import functools
import zoneinfo
from collections.abc import Callable, Mapping
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.http import url_has_allowed_host_and_scheme

TIME_ZONE_COOKIE = "chatadmin_tz"


class StaffOnlyMiddleware(LoginRequiredMiddleware):
    """Every view needs a signed-in account unless it says `login_not_required`.

    A fragment asked for by a page whose session has ended sends the whole page to the sign-in.
    """

    def handle_no_permission(  # type: ignore[override]
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponseBase:
        # A session that is none any more: whoever was thrown out is told so.
        ended = settings.SESSION_COOKIE_NAME in request.COOKIES
        if request.headers.get("HX-Request") == "true":
            response = _to_sign_in(_page_of(request, "HX-Current-URL"), ended=ended)
            return HttpResponse(status=401, headers={"HX-Redirect": response.headers["Location"]})
        if request.method in {"GET", "HEAD"}:
            return _to_sign_in(request.get_full_path(), ended=ended)
        return _to_sign_in(_page_of(request, "Referer"), ended=ended)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """What staff saw of a person is in no cache when that person is erased."""
        if not response.has_header("Cache-Control"):
            add_never_cache_headers(response)
        return response


def _page_of(request: HttpRequest, header: str) -> str:
    """The page of ours that a header names, as path and query; "" where it names none."""
    address = request.headers.get(header, "")
    if not url_has_allowed_host_and_scheme(address, allowed_hosts={request.get_host()}):
        return ""
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _to_sign_in(page: str, *, ended: bool) -> HttpResponse:
    asked = {**({"next": page} if page else {}), **({"ended": "yes"} if ended else {})}
    query = f"?{urlencode(asked, safe='/')}" if asked else ""
    return HttpResponseRedirect(f"{settings.LOGIN_URL}{query}")


@functools.cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def zone_of(cookies: Mapping[str, str]) -> zoneinfo.ZoneInfo | None:
    """The time zone that a browser named in its cookie; None where it named none that there is."""
    name = cookies.get(TIME_ZONE_COOKIE, "")
    return zoneinfo.ZoneInfo(name) if name in _zones() else None


class TimeZoneMiddleware:
    """Renders the answer in the zone that the browser named in a cookie, else in the installation's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        zone = zone_of(request.COOKIES)
        if zone is None:
            return self.get_response(request)
        with timezone.override(zone):
            return self.get_response(request)
