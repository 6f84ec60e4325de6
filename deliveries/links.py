"""Customers' private links: a random token in the address, only its hash in the database.

192 random bits cannot be guessed, so one plain hash is enough. Looking a token up is the same work and gives the same
answer whether it never was, has expired, was revoked, or is no token at all.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.urls import reverse

from deliveries.controls import GONE_AFTER
from deliveries.models import Package, TrackingLink
from deliveries.states import ENDED

TOKEN_BYTES = 24
LASTS = timedelta(days=30)  # after the promise


def issue(*, package: Package, now: datetime, lasts: timedelta = LASTS) -> str:
    """A new link's token for `package`. Every message carries its own, so that one can be revoked without the others."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    TrackingLink.objects.create(
        package=package, token_hash=_hash(token), made_at=now, expires_at=max(package.deliver_by, now) + lasts
    )
    return token


def url(token: str) -> str:
    """The whole address of the tracking page, for a message."""
    return settings.SITE_URL + reverse("tracking", args=[token])


def find(token: str, now: datetime) -> TrackingLink | None:
    """The valid link of this token, or None."""
    return find_many([token], now).get(token)


def find_many(tokens: Collection[str], now: datetime) -> dict[str, TrackingLink]:
    """The valid links among these tokens, in one query: thousands of pages may come back at once."""
    by_hash = {_hash(token): token for token in tokens}
    valid = TrackingLink.objects.filter(Q(revoked_at=None) | Q(revoked_at__gt=now), expires_at__gt=now)
    # Long over: the link is as if it never was, whether the sweep has been here or not (`actions/retention.py`).
    valid = valid.exclude(package__state__in=list(ENDED), package__state_since__lte=now - GONE_AFTER)
    found = valid.filter(token_hash__in=list(by_hash)).select_related("package").only(*_NEEDED)
    return {by_hash[bytes(link.token_hash)]: link for link in found}


# Names and addresses stay where they are.
_NEEDED = ("token_hash", "expires_at", "package__language")


def revoke(*, package: Package, now: datetime) -> int:
    """End every link of `package`; open pages find out when they next come back. Returns how many were valid."""
    return TrackingLink.objects.filter(package=package, revoked_at=None, expires_at__gt=now).update(revoked_at=now)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
