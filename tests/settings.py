"""The product's settings as the suite runs them: throw-away secrets and files, quick hashes, unhashed static names."""

import os
import tempfile

os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "0123456789abcdef" * 4)
os.environ.setdefault("CHATADMIN_VAR", tempfile.mkdtemp(prefix="chatadmin-tests-"))
os.environ.pop("DEMO", None)
if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers beside each other inherit the folder of the one that started them; their servers' files must not meet.
    os.environ["CHATADMIN_VAR"] = tempfile.mkdtemp(prefix="worker-", dir=os.environ["CHATADMIN_VAR"])
os.environ["REDIS_PREFIX"] = f"test-{os.getpid()}"

from chatadmin.settings import *  # noqa: F403

PASSWORD_HASHERS = ["tests.hashers.QuickHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # noqa: F405
ALLOWED_HOSTS = [*ALLOWED_HOSTS, "testserver"]  # noqa: F405
SERVESTATIC_USE_FINDERS = True
SERVESTATIC_AUTOREFRESH = True
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
