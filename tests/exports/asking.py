"""A program that asks the HTTP API."""

from __future__ import annotations

from typing import Any

from django.test import Client

from staff import api_keys
from staff.models import Account, ApiKey, Role, Scope
from tests.factories import make_account


class Program:
    """A program with a key that opens `scopes`; with none of them, one without a key."""

    def __init__(self, *scopes: Scope, name: str = "Shop backend", **extra: Any) -> None:
        self.key: ApiKey | None = None
        headers = {}
        if scopes:
            maker = Account.objects.filter(role=Role.OWNER).first() or make_account(
                "maker@team.example", Role.OWNER
            )
            self.key, text = api_keys.make_key(actor=maker, name=name, scopes=list(scopes))
            headers = {"authorization": f"Bearer {text}"}
        self.client = Client(enforce_csrf_checks=True, headers=headers, **extra)

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"/api/v1/{path}", query)

    def delete(self, path: str, **query: Any) -> Any:
        return self.client.delete(f"/api/v1/{path}", query_params=query)

    def post(self, path: str, body: Any) -> Any:
        return self.client.post(f"/api/v1/{path}", body, content_type="application/json")


def problem(response: Any, status: int, code: str, *fields: str) -> dict[str, Any]:
    """The problem that an answer is, checked."""
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/problem+json"
    assert "no-store" in response.headers["Cache-Control"]
    said: dict[str, Any] = response.json()
    assert said.keys() == {"title", "status", "code", "detail", "errors"}
    assert (said["status"], said["code"]) == (status, code)
    assert {error["field"] for error in said["errors"]} == set(fields)
    return said
