"""Who calls: a key per system, with the stores it works for and what it may do there; proved by a secret."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from redis.exceptions import RedisError
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from stores.models import ApiKey, ApiScope, ApiSecret, Store
from stores.refused import Refused

if TYPE_CHECKING:
    from rest_framework.views import APIView  # which imports this module, by the settings

log = structlog.get_logger(__name__)

# Says whose it is when it turns up in a log or a repository; the rest is 256 random bits.
PREFIX = "homeward_"
DEFAULT_LIFE = timedelta(days=365)
ANY = "any"  # in place of a scope: every key may
# How long the old secret still works after a new one was made, unless somebody ends it.
OVERLAP = timedelta(days=7)
# What an order system and a roster need. Money, trips and addresses of ours are asked for by name.
DEFAULT_SCOPES = (
    ApiScope.PACKAGES_WRITE, ApiScope.PACKAGES_READ, ApiScope.TRACKING_READ, ApiScope.ELIGIBILITY_READ,
    ApiScope.ROSTER_WRITE, ApiScope.SHIFTS_WRITE, ApiScope.EVENTS_READ,
)  # fmt: skip


class TwoSecrets(Refused):
    code = "two_secrets"
    sentence = _("Both secrets of this key still work. End the older one first, when no system uses it any more.")


class Revoked(Refused):
    code = "revoked"
    sentence = _("This key is revoked. Make a new one.")


@dataclass(frozen=True, slots=True)
class System:
    """The authenticated caller, in the place where Django expects a user."""

    key: ApiKey
    is_authenticated: bool = True

    @property
    def pk(self) -> str:
        """What a log line calls the caller: the key's number, and not to be taken for a person's."""
        return f"key:{self.key.pk}"


def key_hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


@transaction.atomic
def issue(
    *,
    name: str,
    stores: Iterable[Store],
    now: datetime,
    life: timedelta = DEFAULT_LIFE,
    scopes: Sequence[str] = DEFAULT_SCOPES,
    per_minute: int = 300,
) -> tuple[ApiKey, str]:
    """A new key for the system `name` and these stores. The second value is its secret: shown once, stored nowhere."""
    made = ApiKey.objects.create(name=name, scopes=sorted(set(scopes)), per_minute=per_minute, made_at=now)
    made.stores.set(stores)
    return made, _put(made, slot=1, now=now, life=life)


@transaction.atomic
def rotate(*, key: ApiKey, now: datetime, life: timedelta = DEFAULT_LIFE, overlap: timedelta = OVERLAP) -> str:
    """A new secret for `key`; the one before works for `overlap` longer, and not beyond its own end.

    Raises TwoSecrets while both slots hold one that still works, Revoked.
    """
    locked = ApiKey.objects.select_for_update().get(pk=key.pk)
    if locked.revoked_at is not None:
        raise Revoked
    live = {secret.slot: secret for secret in locked.secrets.filter(expires_at__gt=now)}
    if len(live) == 2:
        raise TwoSecrets
    for secret in live.values():
        secret.expires_at = min(secret.expires_at, now + overlap)
        secret.save(update_fields=["expires_at"])
    return _put(locked, slot=1 if 2 in live else 2, now=now, life=life)


@transaction.atomic
def end_older(*, key: ApiKey, now: datetime) -> bool:
    """End the older of two working secrets now; False when there is only one."""
    ApiKey.objects.select_for_update().get(pk=key.pk)
    live = list(key.secrets.filter(expires_at__gt=now).order_by("made_at"))
    if len(live) < 2:
        return False
    live[0].delete()
    return True


def _put(key: ApiKey, *, slot: int, now: datetime, life: timedelta) -> str:
    secret = PREFIX + secrets.token_urlsafe(32)
    ApiSecret.objects.update_or_create(
        key=key,
        slot=slot,
        defaults={
            "secret_hash": key_hash(secret), "made_at": now, "expires_at": now + life, "last_used_on": None,
        },
    )  # fmt: skip
    return secret


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer <secret>`."""

    def authenticate(self, request: Request) -> tuple[System, ApiKey] | None:
        scheme, _space, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            return None
        now = timezone.now()
        found = (
            ApiSecret.objects.select_related("key")
            .filter(secret_hash=key_hash(secret.strip()), key__revoked_at=None, expires_at__gt=now)
            .first()
        )
        if found is None:
            raise AuthenticationFailed(
                _("This key is unknown, expired or revoked. Ask the store's lead for a new one."), code="bad_key"
            )
        today = now.date()
        if found.last_used_on != today:  # a day is enough to see what is still in use, and one write a day
            unseen = Q(last_used_on=None) | Q(last_used_on__lt=today)
            ApiSecret.objects.filter(unseen, pk=found.pk).update(last_used_on=today)
        return System(found.key), found.key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="homeward"'


class HasScope(BasePermission):
    """A view names in `scopes` what each method asks for; what it does not name is nobody's."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if request.method not in view.allowed_methods or request.method == "OPTIONS":
            return True  # which is answered by 405, or says nothing
        needed = getattr(view, "scopes", {}).get(request.method)
        if not isinstance(request.auth, ApiKey) or needed is None:
            return False
        self.code = "scope"
        self.message = _("This key may not do that: it lacks “%(scope)s”. It has: %(scopes)s.") % {
            "scope": needed, "scopes": ", ".join(request.auth.scopes),
        }  # fmt: skip
        return needed == ANY or needed in request.auth.scopes


class KeyThrottle(SimpleRateThrottle):
    """Requests a key may make: its own `per_minute`. A thousand rows go in one."""

    rate = "300/min"

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        return f"throttle/key:{request.auth.pk}" if isinstance(request.auth, ApiKey) else None

    def allow_request(self, request: Request, view: APIView) -> bool:
        if isinstance(request.auth, ApiKey):
            self.num_requests = request.auth.per_minute
        try:
            return super().allow_request(request, view)
        except RedisError:
            # Taking packages in needs PostgreSQL only; a lost cache must not stop it.
            log.warning("api.throttle_without_cache", exc_info=True)
            return True
