"""The product's settings as the suite runs them: throw-away secrets and files, quick hashes, unhashed static names."""

import os
import tempfile

os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "0123456789abcdef" * 4)
os.environ.setdefault("CHATADMIN_VAR", tempfile.mkdtemp(prefix="chatadmin-tests-"))
os.environ.pop("DEMO", None)
if os.environ.get("REDIS_URL"):
    # Workers beside each other get a Redis database each, counted down from the one that is named.
    _host, _, _number = os.environ["REDIS_URL"].rpartition("/")
    _worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    os.environ["REDIS_URL"] = f"{_host}/{max(1, int(_number) - _worker)}"
os.environ.setdefault("REDIS_PREFIX", f"test-{os.getpid()}")

from chatadmin.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # noqa: F405
ALLOWED_HOSTS = [*ALLOWED_HOSTS, "testserver"]  # noqa: F405
SERVESTATIC_USE_FINDERS = True
SERVESTATIC_AUTOREFRESH = True
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
