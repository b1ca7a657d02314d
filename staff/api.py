"""What every address of the HTTP API shares: who may ask, how often, and what a refusal says (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Schema
from ninja.security import HttpBearer

from chatadmin.lib.limits import Quota, limits
from staff.api_keys import key_of
from staff.models import ApiKey, Scope

PER_KEY = Quota(most=600, seconds=300)
PROBLEM_TYPE = "application/problem+json"


class FieldProblem(Schema):
    """One field that can't be taken, and why."""

    field: str
    detail: str


class Problem(Schema):
    """Why it wasn't done: `status` is the answer's, `code` is for programs, `errors` names the fields."""

    title: str
    status: int
    code: str
    detail: str
    errors: list[FieldProblem]


class Refused(Exception):
    """Ends a request with a problem."""

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        detail: str,
        *,
        errors: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.status, self.code, self.detail = status, code, detail
        self.errors, self.headers = dict(errors or {}), dict(headers or {})


def answer(refused: Refused) -> HttpResponse:
    """The answer that a refusal is."""
    problem = Problem(
        title=refused.status.phrase,
        status=refused.status,
        code=refused.code,
        detail=refused.detail,
        errors=[FieldProblem(field=field, detail=detail) for field, detail in refused.errors.items()],
    )
    return HttpResponse(
        problem.model_dump_json(),
        status=refused.status,
        content_type=PROBLEM_TYPE,
        headers={**refused.headers, "Cache-Control": "no-store"},
    )


def problems(*more: int) -> dict[int, Any]:
    """The refusals that an address declares: those of every one, and `more`."""
    always = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY)
    return {int(status): Problem for status in sorted({*always, HTTPStatus.TOO_MANY_REQUESTS, *more})}


class ApiKeyAuth(HttpBearer):
    """Lets in who shows a key with `scope` in `Authorization: Bearer`, so many times in five minutes.

    The key is the request's `auth`. Cookies are not looked at.
    """

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self.scope = scope

    def __call__(self, request: HttpRequest) -> ApiKey:
        kind, _, text = request.headers.get("Authorization", "").partition(" ")
        return self.authenticate(request, text.strip() if kind.lower() == "bearer" else "")

    def authenticate(self, request: HttpRequest, token: str) -> ApiKey:
        """The key. Raises Refused: 401, 429 or 403."""
        key = key_of(token)
        if key is None:
            raise Refused(
                HTTPStatus.UNAUTHORIZED,
                "key",
                "Send a key that is not revoked: Authorization: Bearer ck_…",
                headers={"WWW-Authenticate": "Bearer"},
            )
        if not limits().count(f"api:{key.prefix}", PER_KEY):
            raise Refused(
                HTTPStatus.TOO_MANY_REQUESTS,
                "too_fast",
                f"A key may ask {PER_KEY.most} times in {PER_KEY.seconds} seconds.",
                headers={"Retry-After": str(PER_KEY.seconds)},
            )
        if self.scope not in key.scopes:
            raise Refused(HTTPStatus.FORBIDDEN, "scope", f"This key lacks the scope {self.scope.value}.")
        return key


def caller(request: HttpRequest) -> ApiKey:
    """The key with which an address was asked."""
    key: ApiKey = request.auth  # type: ignore[attr-defined]
    return key
