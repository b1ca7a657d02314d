"""The download of the audit log."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from chatadmin.lib.limits import Quota, limits
from exports.audit_stream import export_audit
from exports.download import as_download
from exports.forms import ExportForm
from exports.stream import Form
from staff import audit
from staff.access import account_of, requires
from staff.audit_filters import AuditForm
from users.frame import unkept

LOGS = Quota(most=20, seconds=600)
UNPROCESSABLE, TOO_MANY = 422, 429


@requires("audit.view")
@require_POST
def export(request: HttpRequest) -> HttpResponseBase:
    """POST /audit/export/ with `format` and the filters of `/audit/`: the lines that the page shows, all of them."""
    account = account_of(request)
    chosen, asked = ExportForm(request.POST), AuditForm(request.POST)
    problems = [*_problems(chosen), *_problems(asked)]
    if problems:
        return _refused(request, problems, status=UNPROCESSABLE)
    if not limits().count(f"audit-export:{account.pk}", LOGS):
        again = _("That was a lot of exports. Wait ten minutes.")
        return _refused(request, [("format", again)], status=TOO_MANY)
    form = Form(chosen.cleaned_data["format"])
    detail = {"format": form.value, "filters": asked.names}
    # Before it is read: the file says of itself that it was made.
    audit.record(actor=account, verb="audit.exported", detail=detail)
    return as_download(request, export_audit(asked.entries(), form, at=timezone.now()))


def _problems(form: ExportForm | AuditForm) -> list[tuple[str, str]]:
    return [(name, " ".join(map(str, errors))) for name, errors in form.errors.items()]


def _refused(request: HttpRequest, problems: list[tuple[str, str]], *, status: int) -> HttpResponseBase:
    return unkept(render(request, "exports/audit_refused.html", {"problems": problems}, status=status))
