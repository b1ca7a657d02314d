"""The HTTP API: mounts the rooms' parts, says what each refusal is, and describes itself."""

from __future__ import annotations

import functools
import json
from http import HTTPStatus
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema
from ninja.responses import NinjaJSONEncoder

from exports.api import router as data_rights
from exports.request_api import router as own_requests
from staff.api import PROBLEM_TYPE, Refused, answer

FIELD_CHARS, DETAIL_CHARS = 100, 300


class Api(NinjaAPI):
    """As the library has it, with problems declared by the type that they are sent as."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**options)
        for methods in schema["paths"].values():
            for operation in methods.values():
                for status, said in operation["responses"].items():
                    if int(status) >= HTTPStatus.BAD_REQUEST and "application/json" in said.get(
                        "content", {}
                    ):
                        said["content"] = {PROBLEM_TYPE: said["content"].pop("application/json")}
        return schema


api = Api(
    title="chatadmin",
    version="1",
    description="Keys are made on /api-keys/. A refusal is a problem of RFC 9457 with `code` and `errors`.",
    docs_url=None,
    openapi_url="openapi.json",
)
api.add_router("", data_rights)
api.add_router("", own_requests)


@api.exception_handler(Refused)
def refused(request: HttpRequest, error: Refused) -> HttpResponse:
    """A rule of ours."""
    return answer(error)


@api.exception_handler(ValidationError)
def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """What isn't what the description asks for, by its field; what was sent is not repeated."""
    errors = {_field(found["loc"]): str(found["msg"])[:DETAIL_CHARS] for found in error.errors}
    detail = "Some of it can't be taken; `errors` names the fields."
    return answer(Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail, errors=errors))


def _field(place: tuple[str | int, ...]) -> str:
    """The name of a field, of where it was found: in the address, or in the body, whose own name says nothing."""
    names = place[2:] if place[0] == "body" else place[1:]
    return ".".join(map(str, names))[-FIELD_CHARS:] or "body"


@api.exception_handler(HttpError)
def unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
    """The library's own: a body that is no JSON."""
    detail = "The body is not JSON."
    return answer(Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail, errors={"body": detail}))


@functools.cache
def _described() -> bytes:
    return json.dumps(api.get_openapi_schema(), cls=NinjaJSONEncoder).encode()


@login_not_required
@require_safe
def description(request: HttpRequest) -> HttpResponse:
    """GET /api/v1/openapi.json: what there is to ask, for anybody."""
    return HttpResponse(_described(), content_type="application/json")


@login_not_required
@csrf_exempt
def nothing(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Whatever else begins as the API's addresses do."""
    return answer(
        Refused(HTTPStatus.NOT_FOUND, "no_address", "There is no such address; openapi.json has all.")
    )


def _public(pattern: URLPattern | URLResolver) -> URLPattern:
    """Let past the sign-in: a key is looked for instead."""
    assert isinstance(pattern, URLPattern)
    own = {"openapi-json": description, "api-root": nothing}
    pattern.callback = own.get(str(pattern.name)) or login_not_required(pattern.callback)
    return pattern


_patterns, _app, _namespace = api.urls
_rest = path("<path:rest>", nothing, name="api_nothing")
urls = ([*(_public(pattern) for pattern in _patterns), _rest], _app, _namespace)
