"""Addresses that take posts only: a browser that opens one gets a page, a program a problem."""

from __future__ import annotations

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


def test_a_browser_gets_a_page(admin_client: Client) -> None:
    response = admin_client.get("/team/policy/")
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")
    assert "Nothing to look at" in response.content.decode()


def test_what_no_browser_opens_gets_no_page(stranger: Client) -> None:
    response = stranger.put("/privacy/")
    assert (response.status_code, response.content) == (405, b"")


def test_a_program_gets_a_problem(stranger: Client) -> None:
    response = stranger.post("/api/v1/users/00000000-0000-4000-8000-000000000000/export")
    assert response.status_code == 405
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "method" and response.headers["Allow"]
