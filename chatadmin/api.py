"""The HTTP API: mounts the rooms' parts, says what each refusal is, and describes itself."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema
from ninja.openapi.views import openapi_json

from exports.api import router as data_rights
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


@api.exception_handler(Refused)
def refused(request: HttpRequest, error: Refused) -> HttpResponse:
    """A rule of ours."""
    return answer(error)


@api.exception_handler(ValidationError)
def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """What isn't what the description asks for, by its field; what was sent is not repeated."""
    errors = {
        ".".join(map(str, found["loc"][1:]))[-FIELD_CHARS:] or "body": str(found["msg"])[:DETAIL_CHARS]
        for found in error.errors
    }
    detail = "Some of it can't be taken; `errors` names the fields."
    return answer(Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail, errors=errors))


@api.exception_handler(HttpError)
def unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
    """The library's own: a body that is no JSON."""
    detail = "The body is not JSON."
    return answer(Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail, errors={"body": detail}))


@login_not_required
def description(request: HttpRequest) -> HttpResponse:
    """GET /api/v1/openapi.json: what there is to ask, for anybody."""
    return openapi_json(request, api=api)


def _public(pattern: URLPattern | URLResolver) -> URLPattern:
    """Let past the sign-in: a key is looked for instead."""
    assert isinstance(pattern, URLPattern)
    pattern.callback = description if pattern.name == "openapi-json" else login_not_required(pattern.callback)
    return pattern


_patterns, _app, _namespace = api.urls
urls = ([_public(pattern) for pattern in _patterns], _app, _namespace)
