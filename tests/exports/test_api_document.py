"""`/api/v1/openapi.json`: anybody may read it, and each answer of the API is in it."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from staff.models import Scope
from tests.exports.asking import Program
from tests.factories import make_person
from users.models import ChatUser

pytestmark = pytest.mark.django_db
SOMEBODY = "01234567-89ab-4cde-8f01-23456789abcd"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)


def document() -> dict[str, Any]:
    response = Client().get("/api/v1/openapi.json")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("application/json")
    made: dict[str, Any] = response.json()
    return made


def conforms(value: Any, schema: dict[str, Any], whole: dict[str, Any]) -> bool:
    """Whether `value` is as `schema` says: the part of JSON Schema that the document uses."""
    if "$ref" in schema:
        return conforms(value, whole["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]], whole)
    if "anyOf" in schema:
        return any(conforms(value, one, whole) for one in schema["anyOf"])
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "null": type(None)}
    if not isinstance(value, kinds[schema["type"]]):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if isinstance(value, list):
        return all(conforms(one, schema["items"], whole) for one in value)
    if isinstance(value, dict) and "properties" in schema:
        named = schema["properties"]
        return set(schema.get("required", ())) <= value.keys() <= named.keys() and all(
            conforms(one, named[name], whole) for name, one in value.items()
        )
    return True


def check(response: Any, path: str, method: str) -> None:
    """The answer's status, type and content are declared."""
    whole = document()
    said = whole["paths"][f"/api/v1/{path}"][method]["responses"]
    assert str(response.status_code) in said, f"{response.status_code} is not declared"
    content = said[str(response.status_code)]["content"]
    kind = response.headers["Content-Type"].split(";")[0]
    assert kind in content
    if not response.streaming:
        assert conforms(response.json(), content[kind]["schema"], whole), response.content


def test_it_names_every_address_and_how_to_come_in() -> None:
    made = document()
    assert made["openapi"] == "3.1.0"
    addresses = {(path, method) for path, methods in made["paths"].items() for method in methods}
    assert addresses >= {
        ("/api/v1/users/{uuid}/export", "get"),
        ("/api/v1/users/{uuid}", "delete"),
        ("/api/v1/erasures/{id}", "get"),
    }
    for path, method in addresses:
        operation = made["paths"][path][method]
        assert operation["security"] == [{"ApiKeyAuth": []}]
        assert {"401", "403", "422", "429"} <= operation["responses"].keys()
        for status, said in operation["responses"].items():
            if status >= "400":
                assert list(said["content"]) == ["application/problem+json"]
    assert made["components"]["securitySchemes"]["ApiKeyAuth"] == {"type": "http", "scheme": "bearer"}


def test_every_reference_leads_somewhere() -> None:
    made = document()
    found: list[str] = []

    def walk(part: Any) -> None:
        if isinstance(part, dict):
            found.extend([part["$ref"]] if isinstance(part.get("$ref"), str) else [])
            for inner in part.values():
                walk(inner)
        elif isinstance(part, list):
            for inner in part:
                walk(inner)

    walk(made)
    assert found
    for reference in found:
        assert reference.removeprefix("#/components/schemas/") in made["components"]["schemas"]


def test_the_check_can_fail() -> None:
    whole = document()
    problem = {"$ref": "#/components/schemas/Problem"}
    right = {"title": "", "status": 404, "code": "", "detail": "", "errors": [{"field": "", "detail": ""}]}
    assert conforms(right, problem, whole)
    wrongs: list[Any] = [
        {**right, "more": 1},
        {**right, "status": "404"},
        {**right, "errors": [{"field": ""}]},
        [],
    ]
    for wrong in wrongs:
        assert not conforms(wrong, problem, whole)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    who=st.one_of(
        st.just(SOMEBODY), st.uuids().map(str), TEXT.filter(lambda text: text.strip("/.") == text != "")
    ),
    format_=st.one_of(st.sampled_from(["json", "csv"]), TEXT),
    scopes=st.sets(st.sampled_from(list(Scope))),
)
def test_whatever_is_asked_of_an_export_is_answered_as_declared(
    db: None, who: str, format_: str, scopes: set[Scope]
) -> None:
    if not ChatUser.objects.filter(uuid=SOMEBODY).exists():
        make_person("Ana", uuid=SOMEBODY)
    if "/" in who or "?" in who or "#" in who or "%" in who:
        return
    response = Program(*scopes).get(f"users/{who}/export", format=format_)
    check(response, "users/{uuid}/export", "get")


@pytest.mark.django_db(transaction=True)
def test_erasures_are_answered_as_declared() -> None:
    program = Program(Scope.ERASE)
    made = make_person("Ana")
    held = make_person("Ben", held_at=made.first_seen)
    said = program.delete(f"users/{made.uuid}", reason="test")
    assert said.status_code == 202
    done = program.client.get(said.json()["address"])
    assert done.status_code == 200
    for response in (
        said,
        program.delete(f"users/{held.uuid}", reason="test"),
        program.delete(f"users/{uuid.uuid4()}", reason="test"),
        program.delete(f"users/{held.uuid}", reason="x"),
        Program().delete(f"users/{held.uuid}", reason="test"),
        Program(Scope.EXPORT).delete(f"users/{held.uuid}", reason="test"),
    ):
        check(response, "users/{uuid}", "delete")
    for response in (done, program.get(f"erasures/{uuid.uuid4()}"), program.get("erasures/x")):
        check(response, "erasures/{id}", "get")
