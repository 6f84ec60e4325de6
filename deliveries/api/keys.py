"""Who calls: a key per system, hashed, with the stores it may write to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from stores.models import ApiKey


@dataclass(frozen=True, slots=True)
class System:
    """The authenticated caller, in the place where Django expects a user."""

    key: ApiKey
    is_authenticated: bool = True


def key_hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer <key>`."""

    def authenticate(self, request: Request) -> tuple[System, ApiKey] | None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            return None
        found = ApiKey.objects.filter(
            key_hash=key_hash(key.strip()), revoked_at=None, expires_at__gt=timezone.now()
        ).first()
        if found is None:
            raise AuthenticationFailed("This key is unknown, expired or revoked. Ask the store's lead for a new one.")
        return System(found), found

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="homeward"'
