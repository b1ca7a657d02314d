"""The audit log's page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from staff.access import requires
from staff.audit_filters import AuditForm
from staff.audit_proof import chain_end
from staff.audit_words import accounts_in, lines
from staff.queries import names_of


@requires("audit.view")
@require_safe
def audit_log(request: HttpRequest) -> HttpResponse:
    """GET /audit/: who did what to whom, the newest first; filtered by `verb`, `actor`, `person`, `from`, `to`."""
    form = AuditForm(request.GET)
    page = form.page()
    context = {
        "form": form,
        "fields": [form[name] for name in ("verb", "actor", "person", "from", "to")],
        "problems": [(name, form.errors[name]) for name in ("after", "before") if name in form.errors],
        "lines": lines(page.rows, names_of(accounts_in(page.rows))),
        "older": form.address(after=page.after) if page.after else "",
        "newer": form.address(before=page.before) if page.before else "",
        "carried": list(form.carried()),
        "chain": chain_end(),
    }
    return render(request, "staff/audit.html", context)
