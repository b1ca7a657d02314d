"""What may stand in a field that people fill in: checks that several forms share."""

from __future__ import annotations

import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from email_validator import EmailNotValidError, validate_email

EMAIL_CHARS = 254


def one_line(value: str) -> None:
    """Raises ValidationError where `value` holds a control character or half a surrogate pair."""
    if any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in value):
        raise ValidationError(_("Line breaks and control characters can't be used here."), code="control")


def many_lines(value: str) -> None:
    """Raises ValidationError where `value` holds NUL or half a surrogate pair: neither can be stored."""
    if "\x00" in value or any(unicodedata.category(char) == "Cs" for char in value):
        raise ValidationError(_("This text holds characters that can't be stored."), code="control")


def email_address(value: str) -> str:
    """The address in its normal form. Raises ValidationError; looks nothing up."""
    one_line(value)
    try:
        normal = validate_email(value, check_deliverability=False, test_environment=True).normalized
    except (EmailNotValidError, UnicodeError) as error:
        raise ValidationError(_("This isn't an e-mail address."), code="invalid") from error
    if len(normal) > EMAIL_CHARS:
        raise ValidationError(_("This isn't an e-mail address."), code="invalid")
    return normal
