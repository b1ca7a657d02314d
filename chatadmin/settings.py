"""All settings, read from the environment (docs/operations.md lists them)."""

import hashlib
from pathlib import Path
from typing import Any

from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from chatadmin.lib import env

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.text("CHATADMIN_VAR", str(BASE_DIR / "var"))).resolve()

SECRET_KEY = env.secret_key(VAR_DIR)
DEBUG = False
HOST = env.text("HOST", "127.0.0.1")
PORT = env.whole("PORT", 8000, least=1)
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS") or ["127.0.0.1", "localhost", "[::1]"]
TRUSTED_PROXIES = env.whole("TRUSTED_PROXIES", 0, most=10)
WIDGET_ORIGINS = env.words("WIDGET_ORIGINS")
DATABASES = {"default": env.database(VAR_DIR)}
IS_SQLITE = DATABASES["default"]["ENGINE"].endswith("sqlite")
DEMO = env.flag("DEMO") or not env.text("DATABASE_URL")
REDIS_URL = env.redis_url()
BACKUP_DAYS = env.whole("BACKUP_DAYS", 30, most=3650)
EXPORT_DAYS = env.whole("EXPORT_DAYS", 7, least=1, most=365)
ERASURE_LEDGER = Path(env.text("ERASURE_LEDGER", str(VAR_DIR / "erasures.ledger"))).resolve()
LIMITS = env.choice("LIMITS", "default", ("default", "bench"))
LIMITS_FACTOR = 10_000 if LIMITS == "bench" else 1
if LIMITS == "bench" and HOST not in LOOPBACK:
    raise ImproperlyConfigured("LIMITS=bench lifts every ceiling: it runs on a loopback HOST only.")
if IS_SQLITE and REDIS_URL:
    raise ImproperlyConfigured(
        "REDIS_URL is for several processes, which SQLite can't serve: set DATABASE_URL=postgres://… too,"
        " or unset REDIS_URL."
    )
HTTPS = env.flag("HTTPS")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "servestatic.runserver_nostatic",
    "daphne",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "channels",
    "csp",
    "django_filters",
    "django_htmx",
    "import_export",
    "chatadmin",
    "chatadmin.lib",
    "staff",
    "users",
    "conversations",
    "search",
    "widget",
    "live",
    "exports",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "staff.middleware.StaffOnlyMiddleware",
    "staff.middleware.TimeZoneMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "staff.not_allowed.NotAllowedMiddleware",
]

ROOT_URLCONF = "chatadmin.urls"
ASGI_APPLICATION = "chatadmin.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "search.context.navigation",
            ],
        },
    },
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [BASE_DIR / "templates" / "jinja"],
        "OPTIONS": {"environment": "users.drawing.environment"},
    },
]

AUTH_USER_MODEL = "staff.Account"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["email", "name"]},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/users/"
LOGOUT_REDIRECT_URL = "/login/"
ACCOUNT_ADAPTER = "staff.adapter.StaffAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_REDIRECT_URL = "/login/"
WRONG_PASSWORDS = 10 * LIMITS_FACTOR
ACCOUNT_RATE_LIMITS = {"login": None, "login_failed": f"{WRONG_PASSWORDS}/5m/ip,{WRONG_PASSWORDS}/5m/key"}
SESSION_ENGINE = "staff.session_engine"
SESSION_COOKIE_NAME = "chatadmin_session"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_NAME = "chatadmin_csrf"
CSRF_TRUSTED_ORIGINS = (
    [f"https://{host.lstrip('.')}" for host in ALLOWED_HOSTS if host != "*"] if HTTPS else []
)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_SSL_REDIRECT = False
# The proxy that speaks HTTPS redirects to it (W008); what holds for the other names of the domain, and whether
# browsers ship with it, is the domain's owner's to say (W005, W021).
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "manifest-src": [SELF],
    }
}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
USE_THOUSAND_SEPARATOR = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = VAR_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "servestatic.storage.CompressedManifestStaticFilesStorage"},
}

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500

# Two installations may share one Redis, whose publish and subscribe know no database numbers.
_installation = f"{SECRET_KEY} {DATABASES['default']['NAME']}".encode()
REDIS_PREFIX = env.text("REDIS_PREFIX", f"chatadmin-{hashlib.sha256(_installation).hexdigest()[:10]}")
if REDIS_URL:
    CACHES: dict[str, dict[str, Any]] = {
        "default": {
            "BACKEND": "chatadmin.lib.cache.SharedCache",
            "LOCATION": REDIS_URL,
            "KEY_PREFIX": REDIS_PREFIX,
        }
    }
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [{"address": REDIS_URL}], "prefix": REDIS_PREFIX},
        }
    }
else:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            # Wrong passwords are counted here: a guesser must not push out the counts with the 300 of the default.
            "OPTIONS": {"MAX_ENTRIES": 100_000},
        }
    }
    CHANNEL_LAYERS = {}

# What links in mails begin with. Where the product answers to this machine's own names only, it is one of them.
_own_address = f"http://{f'[{HOST}]' if ':' in HOST else HOST}:{PORT}"
_only_here = HOST in LOOPBACK and not env.words("ALLOWED_HOSTS")
PUBLIC_URL = env.origin("PUBLIC_URL") or (_own_address if _only_here else "")
MAIL_ON = bool(env.text("EMAIL_URL"))
_mail = env.email("chatadmin@localhost")
EMAIL_BACKEND, DEFAULT_FROM_EMAIL = _mail["EMAIL_BACKEND"], _mail["DEFAULT_FROM_EMAIL"]
EMAIL_HOST, EMAIL_PORT = _mail.get("EMAIL_HOST", "localhost"), _mail.get("EMAIL_PORT", 25)
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail.get("EMAIL_HOST_USER", ""), _mail.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_SSL, EMAIL_USE_TLS = _mail.get("EMAIL_USE_SSL", False), _mail.get("EMAIL_USE_TLS", False)
EMAIL_TIMEOUT = 15

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "chatadmin.lib.log.QuietFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {"chatadmin": {"level": "INFO"}, "django.server": {"level": "WARNING"}},
}
