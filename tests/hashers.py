"""A password hash that is quick to make and that the real server accepts."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class QuickHasher(PBKDF2PasswordHasher):
    """The product's own algorithm with one round."""

    iterations = 1
