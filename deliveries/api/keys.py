"""Who calls: a key per system, hashed, with the stores it may write to."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from redis.exceptions import RedisError
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from stores.models import ApiKey, Store

if TYPE_CHECKING:
    from rest_framework.views import APIView  # which imports this module, by the settings

log = structlog.get_logger(__name__)

# Says whose it is when it turns up in a log or a repository; the rest is 256 random bits.
PREFIX = "homeward_"
DEFAULT_LIFE = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class System:
    """The authenticated caller, in the place where Django expects a user."""

    key: ApiKey
    is_authenticated: bool = True

    @property
    def pk(self) -> str:
        """What a log line calls the caller: the key's number, and not to be taken for a person's."""
        return f"key:{self.key.pk}"


def key_hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


@transaction.atomic
def issue(*, name: str, stores: Iterable[Store], now: datetime, life: timedelta = DEFAULT_LIFE) -> tuple[ApiKey, str]:
    """A new key for the system `name` and these stores. The second value is the key itself: shown once, stored nowhere."""
    key = PREFIX + secrets.token_urlsafe(32)
    made = ApiKey.objects.create(name=name, key_hash=key_hash(key), made_at=now, expires_at=now + life)
    made.stores.set(stores)
    return made, key


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer <key>`."""

    def authenticate(self, request: Request) -> tuple[System, ApiKey] | None:
        scheme, _space, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            return None
        found = ApiKey.objects.filter(
            key_hash=key_hash(key.strip()), revoked_at=None, expires_at__gt=timezone.now()
        ).first()
        if found is None:
            raise AuthenticationFailed(
                _("This key is unknown, expired or revoked. Ask the store's lead for a new one."), code="bad_key"
            )
        return System(found), found

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="homeward"'


class KeyThrottle(SimpleRateThrottle):
    """Requests a key may make. A thousand rows go in one, so this is 300,000 rows a minute."""

    rate = "300/min"

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        return f"throttle/key:{request.auth.pk}" if isinstance(request.auth, ApiKey) else None

    def allow_request(self, request: Request, view: APIView) -> bool:
        try:
            return super().allow_request(request, view)
        except RedisError:
            # Taking packages in needs PostgreSQL only; a lost cache must not stop it.
            log.warning("api.throttle_without_cache", exc_info=True)
            return True
