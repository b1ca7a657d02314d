"""What goes out by mail."""

from __future__ import annotations

import structlog
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from staff.models import Invitation

log = structlog.get_logger("chatadmin.staff")


def send_invitation(invitation: Invitation, link: str) -> bool:
    """Mails the link to the one who is invited. False where no mail could be sent: then it has to be handed over."""
    text = render_to_string("staff/invitation_mail.txt", {"invitation": invitation, "link": link})
    try:
        return bool(send_mail(_("You are invited to chatadmin"), text, None, [invitation.email]))
    except OSError as error:
        log.warning("staff.mail_failed", error=type(error).__name__)
        return False
