"""What a stranger's browser can ask for: the embed script and a page to try it on."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from staff.models import OWN_ORIGIN, Widget


@functools.cache
def _script(path: str, modified: float) -> tuple[bytes, str]:
    body = Path(path).read_bytes()
    return body, f'"{hashlib.sha256(body).hexdigest()[:24]}"'


@login_not_required
@require_safe
def script(request: HttpRequest) -> HttpResponse:
    """GET /widget.js: the embed script, for any site; asked again after five minutes."""
    path = finders.find("widget/widget.js")
    assert isinstance(path, str)
    body, etag = _script(path, Path(path).stat().st_mtime)
    response: HttpResponse
    if request.headers.get("If-None-Match") == etag:
        response = HttpResponseNotModified()
    else:
        response = HttpResponse(body, content_type="text/javascript; charset=utf-8")
        response["Access-Control-Allow-Origin"] = "*"
        response["Cross-Origin-Resource-Policy"] = "cross-origin"
    response["ETag"] = etag
    response["Cache-Control"] = "public, max-age=300"
    patch_vary_headers(response, ["Accept-Encoding"])
    return response


@login_not_required
@require_safe
def demo(request: HttpRequest) -> HttpResponse:
    """GET /widget/demo/: a host page with the first widget that may be embedded on the product's own address."""
    own = [widget for widget in Widget.objects.order_by("pk")[:50] if OWN_ORIGIN in widget.allowed_origins]
    context = {
        "widget_key": own[0].key if own else "",
        "script_url": request.build_absolute_uri("/widget.js"),
        "demo": settings.DEMO,
    }
    return render(request, "widget/demo.html", context)
