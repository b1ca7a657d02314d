"""What the staff room's pages take in."""

from __future__ import annotations

import unicodedata
from typing import Any

from allauth.account.forms import LoginForm
from django import forms
from django.contrib.auth.password_validation import password_validators_help_texts, validate_password
from django.core.exceptions import ValidationError
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _

from staff.models import Account, Role, Scope

NAME_CHARS = 100
PASSWORD_CHARS = 500


# What Django says to programmers, as the pages say it; a field with words of its own keeps them.
PLAIN_ERRORS = {
    "required": ([forms.Field.default_error_messages["required"]], _("This is missing.")),
    "invalid_choice": (
        [
            kind.default_error_messages["invalid_choice"]
            for kind in (forms.ChoiceField, forms.ModelChoiceField, forms.MultipleChoiceField)
        ],
        _("Choose one of the list."),
    ),
}


def one_line(value: str) -> None:
    """Raises ValidationError where `value` holds a control character or half a surrogate pair."""
    if any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in value):
        raise ValidationError(_("Line breaks and control characters can't be used here."), code="control")


class MarkedForm(forms.Form):
    """A form whose fields tell assistive tools where their error and their help are."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            for code, (stock, words) in PLAIN_ERRORS.items():
                if any(field.error_messages.get(code) is one for one in stock):
                    field.error_messages[code] = words
            if field.help_text:
                field.widget.attrs["aria-describedby"] = f"{self[name].auto_id}_help"

    def full_clean(self) -> None:
        super().full_clean()
        for name in self.errors:
            if name in self.fields:
                attrs = self.fields[name].widget.attrs
                error = f"{self[name].auto_id}_error"
                attrs["aria-invalid"] = "true"
                attrs["aria-describedby"] = f"{error} {attrs.get('aria-describedby', '')}".strip()


class SignInForm(LoginForm):
    """E-mail address (`login`) and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        login, password = self.fields["login"], self.fields["password"]
        login.label, password.label = _("E-mail"), _("Password")
        login.widget.attrs = {"autocomplete": "username", "maxlength": 254}
        password.widget.attrs = {"autocomplete": "current-password"}
        (password if self.is_bound else login).widget.attrs["autofocus"] = True
        password.help_text = ""


class SignInQuery(forms.Form):
    """What the sign-in's address may say besides `next`."""

    ended = forms.ChoiceField(choices=[("yes", "yes")], required=False)


class InviteForm(MarkedForm):
    """Whom to invite, and as what; only roles that the inviter may give are offered."""

    email = forms.EmailField(label=_("E-mail"), max_length=254)
    role = forms.ChoiceField(label=_("Role"))

    def __init__(self, *args: Any, actor: Account, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"] = forms.ChoiceField(label=_("Role"), choices=roles_given_by(actor))
        self.fields["email"].widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"].lower()
        if Account.objects.filter(email=email).exists():
            raise ValidationError(_("Somebody here has this address already."), code="taken")
        return email


class ApiKeyForm(MarkedForm):
    """A new key for a program: what it is called, and what it opens."""

    name = forms.CharField(label=_("Name"), max_length=NAME_CHARS, validators=[one_line])
    scopes = forms.MultipleChoiceField(
        label=_("What it opens"),
        choices=Scope.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose what it opens.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs |= {"autocomplete": "off", "dir": "auto"}


class RoleForm(forms.Form):
    """Another role for an account."""

    role = forms.ChoiceField(label=_("Role"))

    def __init__(self, *args: Any, actor: Account, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"] = forms.ChoiceField(label=_("Role"), choices=roles_given_by(actor))


def roles_given_by(actor: Account) -> list[tuple[str, Any]]:
    """The roles that `actor` may give others, as choices."""
    given = [Role.SUPPORT, Role.ADMIN]
    if actor.can("team.manage_owners"):
        given.append(Role.OWNER)
    return [(role.value, role.label) for role in given]


class NameForm(MarkedForm):
    """The name that visitors and colleagues see."""

    name = forms.CharField(
        label=_("Name"),
        max_length=NAME_CHARS,
        validators=[one_line],
        help_text=_("Visitors see it beside your answers."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )


def _password_rules() -> str:
    return " ".join(password_validators_help_texts())


class NewPasswordField(forms.CharField):
    """A password that is being chosen, its rules beside it."""

    widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})

    def __init__(self, **options: Any) -> None:
        rules = lazy(_password_rules, str)()
        super().__init__(strip=False, max_length=PASSWORD_CHARS, help_text=rules, **options)


class JoinForm(NameForm):
    """Who accepts an invitation: their name and the password that they choose."""

    password = NewPasswordField(label=_("Password"))

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        _check_password(self, "password", Account(email=self.email, name=cleaned.get("name", "")))
        return cleaned


class PasswordForm(MarkedForm):
    """The password that an account has, and the one that it is to have."""

    old_password = forms.CharField(
        label=_("Password now"),
        strip=False,
        max_length=PASSWORD_CHARS,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    new_password = NewPasswordField(label=_("New password"))

    def __init__(self, *args: Any, account: Account, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.account = account

    def clean_old_password(self) -> str:
        old: str = self.cleaned_data["old_password"]
        if not self.account.check_password(old):
            raise ValidationError(_("This isn't your password."), code="wrong")
        return old

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        _check_password(self, "new_password", self.account)
        return cleaned


def _check_password(form: forms.Form, field: str, account: Account) -> None:
    password = form.cleaned_data.get(field)
    if password is None:
        return
    try:
        validate_password(password, account)
    except ValidationError as error:
        form.add_error(field, error)
