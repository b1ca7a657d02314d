"""What a stranger's browser can ask for: the embed script and a page to try it on."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.cache import get_conditional_response
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from staff.models import OWN_ORIGIN, Widget
from widget.script import embed_script

SCRIPT_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Cache-Control": "public, max-age=300",
    "Vary": "Accept-Encoding",
}


@login_not_required
@require_safe
@gzip_page
def script(request: HttpRequest) -> HttpResponseBase:
    """GET /widget.js: the embed script, for any site; asked again after five minutes."""
    found = embed_script()
    headers = SCRIPT_HEADERS | {"ETag": found.etag}
    response = HttpResponse(found.body, content_type="text/javascript; charset=utf-8", headers=headers)
    return get_conditional_response(request, etag=found.etag, response=response) or response


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
