"""All settings, from the environment. In production a missing secret stops the start and names itself.

HOMEWARD_ENV is `development` (the default), `test` or `production`. What each variable means is in the README's table.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from config import logs, mailing, map_tiles

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
VAR_DIR = Path(env.str("HOMEWARD_VAR", default="") or BASE_DIR / "var")
ENVIRONMENT = env.str("HOMEWARD_ENV", default="development")
if ENVIRONMENT not in ("development", "test", "production"):
    raise ImproperlyConfigured(f"HOMEWARD_ENV is “{ENVIRONMENT}”; it must be development, test or production.")
PRODUCTION = ENVIRONMENT == "production"
DEBUG = ENVIRONMENT == "development"
# Demo helpers (sign-ins on the front page, a page that shows outgoing mail) exist only outside production.
DEMO = not PRODUCTION

NEEDED_IN_PRODUCTION = (
    "SECRET_KEY",
    "HOME_KEYS",
    "DATABASE_URL",
    "REDIS_URL",
    "ALLOWED_HOSTS",
    "SITE_URL",
    "EMAIL_URL",
)
if PRODUCTION:
    missing = [name for name in NEEDED_IN_PRODUCTION if not env.str(name, default="")]
    if missing:
        raise ImproperlyConfigured(
            f"Homeward does not start in production without {', '.join(missing)}. "
            "Set each in the environment; README.md, “Configuration”, says what it is and how to make one."
        )


def _development_key(name: str) -> str:
    """A key for laptops only: the same at every start, so that sessions and demo homes survive a restart."""
    return base64.urlsafe_b64encode(hashlib.sha256(f"homeward development {name}".encode()).digest()).decode()


SECRET_KEY = env.str("SECRET_KEY", default="" if PRODUCTION else _development_key("secret"))
HOME_KEYS = env.list("HOME_KEYS", default=[] if PRODUCTION else [_development_key("home")])
if PRODUCTION and len(SECRET_KEY) < 40:
    raise ImproperlyConfigured("SECRET_KEY has fewer than 40 characters; make one with `openssl rand -base64 48`.")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
PAYROLL_KEY = env.str("PAYROLL_KEY", default="")  # signs payroll exports; empty: a key made from SECRET_KEY
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[] if PRODUCTION else ["*"])
SITE_URL = env.str("SITE_URL", default="http://localhost:8000").rstrip("/")
CSRF_TRUSTED_ORIGINS = [SITE_URL]

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "servestatic.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "channels",
    "csp",
    "django_htmx",
    "django_structlog",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "stores",
    "associates",
    "deliveries",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "config.middleware.CompressMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.middleware.AdminPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "stores.second_step.SecondStepMiddleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
            ],
            "builtins": ["django.templatetags.i18n", "django.templatetags.static"],
        },
    }
]

# --- Data -----------------------------------------------------------------------------------------------------------
DATABASES = {"default": env.db("DATABASE_URL", default="postgresql://localhost/homeward")}
if DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
    raise ImproperlyConfigured("DATABASE_URL must name a PostgreSQL database: postgresql://user:password@host/name")
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
# A pool smaller than the threads that want one gives 5xx, so it is off unless sized for the process (DB_POOL_SIZE).
DB_POOL_SIZE = env.int("DB_POOL_SIZE", default=0)
if DB_POOL_SIZE:
    DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {"min_size": 1, "max_size": DB_POOL_SIZE, "timeout": 10}
REDIS_URL = env.str("REDIS_URL", default="redis://localhost:6379/0")
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL, "KEY_PREFIX": "hw"}
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Proofs and imports go through the storage API; S3 or another backend is a setting away.
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", default=str(VAR_DIR / "media")))
MEDIA_URL = "/media/"  # never routed: photos are served by a view that checks who asks
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static_collected"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "config.static_files.HashedFiles"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

# --- People ---------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "stores.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
if ENVIRONMENT == "test":  # argon2 is slow on purpose; a suite that signs in a thousand times need not be
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_ADAPTER = "associates.sign_in.Adapter"
ACCOUNT_LOGIN_METHODS = {"email", "phone"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if PRODUCTION else "http"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = 15 * 60  # a mail may take a while, and a phone call may come in between
ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = True
ACCOUNT_PHONE_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_PHONE_VERIFICATION_CODE_FORMAT = {"numeric": True, "length": 6, "dashed": False}  # for a keypad in one hand
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # before an address or number that signs one in is changed
ACCOUNT_FORMS = {
    "login": "associates.sign_in.PasswordForm",
    "request_login_code": "associates.sign_in.CodeForm",
    "verify_phone": "associates.sign_in.NumberCodeForm",
}
# Six digits are enough only because three tries a code and these limits leave nobody a hundred guesses a day. A whole
# store signs in from one address when a shift ends, so what is counted by address may be more.
ACCOUNT_RATE_LIMITS: dict[str, str] | bool = {
    "request_login_code": "60/m/ip,3/m/key,10/h/key,25/d/key",
    "verify_phone": "20/m/ip,2/m/key,10/d/key",
    "change_phone": "5/m/user,15/d/user",
}
if ENVIRONMENT == "test":
    ACCOUNT_RATE_LIMITS = False
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION  # localhost has no certificate
MFA_ADAPTER = "associates.passkeys.Adapter"
MFA_TOTP_ISSUER = "Homeward"
# The admin asks staff for an authenticator app or a passkey. Off on laptops, in the demo and in tests.
STAFF_SECOND_STEP = env.bool("STAFF_SECOND_STEP", default=PRODUCTION)
SESSION_COOKIE_AGE = 60 * 60 * 24 * 30
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"

# --- Messages -------------------------------------------------------------------------------------------------------
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Homeward <no-reply@homeward.example>")
if PRODUCTION:
    vars().update(mailing.settings_of(env.str("EMAIL_URL")))
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = env.str("EMAIL_FILE_PATH", default=str(VAR_DIR / "mail"))
# Any gateway that apprise knows; {to} stands for the number. Empty: text messages are not offered.
# On a laptop they land beside the mails.
SMS_URL = env.str("SMS_URL", default="demo://text/{to}" if DEBUG else "")
if PRODUCTION and SMS_URL.startswith("demo:"):
    raise ImproperlyConfigured("SMS_URL is demo://, which shows codes to everybody; name a real gateway.")
if SMS_URL and "{to}" not in SMS_URL:
    raise ImproperlyConfigured("SMS_URL has no {to}: write it where the gateway's address takes the number.")
# Empty in production: web push is not offered. Elsewhere a key is made and kept in var/vapid.pem.
VAPID_PRIVATE_KEY = env.str("VAPID_PRIVATE_KEY", default="")
# The push services of browsers. Our server calls the address a browser names, so it names one of these or is refused.
PUSH_HOSTS = env.list(
    "PUSH_HOSTS",
    default=["fcm.googleapis.com", "updates.push.services.mozilla.com", ".push.apple.com", ".notify.windows.com"],
)
OPT_OUT_KEY = env.str("OPT_OUT_KEY", default="")  # hashes addresses not to be written to; empty: SECRET_KEY does
if 0 < len(OPT_OUT_KEY) < 32:
    raise ImproperlyConfigured("OPT_OUT_KEY has fewer than 32 characters; make one with `openssl rand -base64 48`.")
PHONENUMBER_DEFAULT_REGION = "US"

# --- Security -------------------------------------------------------------------------------------------------------
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_SSL_REDIRECT = PRODUCTION
SECURE_REDIRECT_EXEMPT = [r"^(livez|readyz)$"]
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
if env.bool("BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# Pictures under the map, and whose they are; without them maps draw shapes only (docs/decisions/0130).
MAP_TILES_URL = env.str("MAP_TILES_URL", default="")
MAP_TILES_ATTRIBUTION = env.str("MAP_TILES_ATTRIBUTION", default="")
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:", *map_tiles.source_of(MAP_TILES_URL, MAP_TILES_ATTRIBUTION)],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "worker-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# --- Language and time ----------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("es", "Español")]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "config.formats"  # Spanish words, but 5:30 p.m. and 3.1
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- Work -----------------------------------------------------------------------------------------------------------
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 240
CELERY_TASK_SOFT_TIME_LIMIT = 180
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TIMEZONE = "UTC"
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Longer than the longest task (240 s), so that nothing is handed out again while it still runs.
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 600, "unacked_restore_interval": 10}
PLANNER_SECONDS = env.float("PLANNER_SECONDS", default=5.0)

# --- Places and drives ------------------------------------------------------------------------------------------------
OSRM_URL = env.str("OSRM_URL", default="").rstrip("/")  # empty: drive times are estimated
OSRM_SECONDS = env.float("OSRM_SECONDS", default=4.0)  # the longest a caller waits for it
if OSRM_URL and not OSRM_URL.startswith(("http://", "https://")):
    raise ImproperlyConfigured("OSRM_URL must be the address of an OSRM server: http://osrm.internal:5000")
if "project-osrm.org" in OSRM_URL:  # it would be told where associates live, if coarsely
    raise ImproperlyConfigured("OSRM_URL must be a server of your own; the public one may not see what we ask.")
if not 0 < OSRM_SECONDS <= 30:
    raise ImproperlyConfigured("OSRM_SECONDS must be more than 0 and at most 30.")
# Asked for addresses that the address table does not know. Empty: staff and customers are asked for the pin.
GEOCODER_URL = env.str("GEOCODER_URL", default="").rstrip("/")
GEOCODER_SECONDS = env.float("GEOCODER_SECONDS", default=5.0)
GEOCODER_PER_SECOND = env.float("GEOCODER_PER_SECOND", default=1.0)  # all processes together; the public ones allow one
if GEOCODER_URL and not GEOCODER_URL.startswith(
    ("nominatim+http://", "nominatim+https://", "photon+http://", "photon+https://")
):
    raise ImproperlyConfigured("GEOCODER_URL must be nominatim+https://... or photon+https://...")
if not (0 < GEOCODER_PER_SECOND <= 1000 and 0 < GEOCODER_SECONDS <= 30):
    raise ImproperlyConfigured("GEOCODER_PER_SECOND must be 0 to 1000 and GEOCODER_SECONDS 0 to 30, both above 0.")

# Webhooks and carriers may be called at http:// and on this machine; for tests and laptops, never in production.
OUTBOUND_LOCAL = env.bool("OUTBOUND_LOCAL", default=False)
if OUTBOUND_LOCAL and PRODUCTION:
    raise ImproperlyConfigured("OUTBOUND_LOCAL opens this machine to whoever sets up a webhook; leave it out.")

# --- API ------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["deliveries.api.keys.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated", "deliveries.api.keys.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "deliveries.api.problems.handle",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Homeward",
    "DESCRIPTION": "Packages, rosters and shifts from the retailer's systems.",
    "VERSION": "1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SERVE_INCLUDE_SCHEMA": False,
}


# --- Staff's admin --------------------------------------------------------------------------------------------------
def _page(title: object, icon: str, model: str) -> dict[str, object]:
    """A line of the side bar that leads to a model's list."""
    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{model}_changelist")}


UNFOLD = {
    "SITE_TITLE": "Homeward",
    "SITE_HEADER": "Homeward",
    "SITE_SUBHEADER": _("Store staff"),
    "SITE_URL": reverse_lazy("staff:tonight"),
    "SITE_SYMBOL": "home_pin",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("img/icon.svg")},
    ],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "STYLES": [lambda request: static("css/staff.css"), lambda request: static("css/staff-admin.css")],
    "ENVIRONMENT": None,
    "LOGIN": {"redirect_after": reverse_lazy("staff:tonight")},
    # The green of Homeward's own pages.
    "COLORS": {
        "primary": {
            "50": "#effaf8", "100": "#dcefec", "200": "#b6ddd8", "300": "#7ed3c8", "400": "#3fa79c", "500": "#17857b",
            "600": "#0b5f58", "700": "#084a45", "800": "#073b37", "900": "#05302c", "950": "#021c1a",
        }
    },
    "SIDEBAR": {
        "show_search": False,
        "navigation": [
            {
                "title": _("This evening"),
                "items": [
                    {"title": _("Tonight"), "icon": "nightlight", "link": reverse_lazy("staff:tonight")},
                    {"title": _("Bay"), "icon": "barcode_scanner", "link": reverse_lazy("staff:bay")},
                    {"title": _("Custody"), "icon": "back_hand", "link": reverse_lazy("staff:custody")},
                    {"title": _("Labels"), "icon": "label", "link": reverse_lazy("staff:labels")},
                    {"title": _("Carrier labels"), "icon": "print", "link": reverse_lazy("staff:carrier_labels")},
                    _page(_("Packages"), "package_2", "deliveries_package"),
                    _page(_("Open offers"), "mail", "deliveries_offer"),
                    _page(_("Trips"), "directions_car", "deliveries_trip"),
                    _page(_("Problems at the door"), "report", "deliveries_deliveryexception"),
                    _page(_("Proofs"), "photo_camera", "deliveries_proof"),
                    _page(_("Manifests"), "local_shipping", "deliveries_manifest"),
                ],
            },
            {
                "title": _("People"),
                "items": [
                    _page(_("Associates"), "group", "associates_associate"),
                    _page(_("Roster"), "badge", "associates_employee"),
                    _page(_("Shifts"), "schedule", "associates_shift"),
                    _page(_("Pay ledger"), "receipt_long", "deliveries_ledgerentry"),
                    _page(_("Pay disputes"), "forum", "deliveries_dispute"),
                    {
                        "title": _("Payroll"), "icon": "price_check", "link": reverse_lazy("staff:payroll"),
                        "permission": "deliveries.views.payroll.may_somewhere",
                    },
                ],
            },
            {
                "title": _("Set-up"),
                "items": [
                    _page(_("Stores"), "storefront", "stores_store"),
                    _page(_("Pay plans"), "payments", "stores_payplan"),
                    _page(_("Holidays"), "event_busy", "stores_holiday"),
                    _page(_("Carriers"), "airport_shuttle", "deliveries_carrier"),
                    _page(_("Carrier rates"), "price_change", "deliveries_carrierrate"),
                    _page(_("Stop rules"), "front_hand", "deliveries_stoprule"),
                    {"title": _("Imports"), "icon": "upload_file", "link": reverse_lazy("staff:imports")},
                    {"title": _("Switches"), "icon": "toggle_off", "link": reverse_lazy("staff:switches")},
                    {"title": _("Simulator"), "icon": "science", "link": reverse_lazy("staff:simulator")},
                    {"title": _("Messages"), "icon": "sms", "link": reverse_lazy("staff:messages")},
                    _page(_("Staff"), "admin_panel_settings", "stores_staffmember"),
                    _page(_("API keys"), "key", "stores_apikey"),
                    _page(_("Webhooks"), "webhook", "deliveries_webhook"),
                ],
            },
            {
                "title": _("Records"),
                "items": [
                    {"title": _("Reports"), "icon": "bar_chart", "link": reverse_lazy("staff:reports")},
                    _page(_("Audit trail"), "history", "deliveries_event"),
                    _page(_("Decisions about stores"), "gavel", "deliveries_storeevent"),
                    _page(_("Rounds"), "route", "deliveries_round"),
                    _page(_("Webhook deliveries"), "outbox", "deliveries_webhookdelivery"),
                ],
            },
        ],
    },
}  # fmt: skip

# --- Logs: structured, with a request id, without personal data ---------------------------------------------------------
DJANGO_STRUCTLOG_CELERY_ENABLED = True
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_USER_ID_FIELD = "pk"
LOGGING = logs.logging_config(json_lines=PRODUCTION, level=env.str("LOG_LEVEL", default="INFO"))
logs.configure()
