"""What a browser is told that opens an address which only takes posts: a page, rather than nothing."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin

from staff.api import Refused, answer

API = "/api/"


class NotAllowedMiddleware(MiddlewareMixin):
    """Gives the empty answer of a method that isn't allowed words: a page, of the API a problem."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.status_code != HTTPStatus.METHOD_NOT_ALLOWED:
            return response
        if request.path.startswith(API):
            allowed = response.headers.get("Allow", "")
            detail = f"This address takes {allowed}." if allowed else "This address takes no such request."
            refused = Refused(
                HTTPStatus.METHOD_NOT_ALLOWED, "method", detail, headers={"Allow": allowed} if allowed else {}
            )
            return answer(refused)
        if request.method != "GET" or getattr(response, "content", True):
            return response
        page = render(request, "405.html", status=HTTPStatus.METHOD_NOT_ALLOWED)
        page.headers["Allow"] = response.headers["Allow"]
        return page
