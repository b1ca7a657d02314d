"""Whether this process serves, and whether what it stands on does."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from chatadmin.lib import redis_store


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """GET /healthz: 200 `ok` when the process serves."""
    return HttpResponse("ok", content_type="text/plain")


@login_not_required
@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """GET /readyz: 200 `ok` when database and Redis answer too, else 503 and which doesn't."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return HttpResponse("database", status=503, content_type="text/plain")
    if redis_store.configured():
        try:
            redis_store.client().ping()
        except redis_store.UNREACHABLE:
            return HttpResponse("redis", status=503, content_type="text/plain")
    return HttpResponse("ok", content_type="text/plain")
