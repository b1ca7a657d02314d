"""Everything that changes who works here, what they may do, and how the widget is set up."""

from staff.actions.accounts import (
    change_own_name,
    change_own_password,
    change_role,
    disable,
    enable,
)
from staff.actions.authority import Refused
from staff.actions.invitations import accept_invitation, invite, revoke_invitation
from staff.actions.sign_in import note_failed_sign_in, note_sign_in, note_sign_out
from staff.actions.widgets import change_widget, ensure_widget, renew_identity_secret

__all__ = [
    "Refused",
    "accept_invitation",
    "change_own_name",
    "change_own_password",
    "change_role",
    "change_widget",
    "disable",
    "enable",
    "ensure_widget",
    "invite",
    "note_failed_sign_in",
    "note_sign_in",
    "note_sign_out",
    "renew_identity_secret",
    "revoke_invitation",
]
