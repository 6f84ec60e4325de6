"""The PIN at the door: the customer reads it on their page, the associate types it. Nobody stores it.

It is made from the package and the server's key, so it is in no table, backup or export, and on no associate's phone:
four digits would be found out from a hash in no time.
"""

from __future__ import annotations

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from deliveries.models import Package

DIGITS = 4
MOST_TRIES = 5  # for a package, whoever asks; afterwards a photo and a reason do, and staff see it


def pin_of(package: Package) -> str:
    """What the customer is shown; "" where none is asked for."""
    return _made(package, settings.SECRET_KEY) if package.pin_required else ""


def is_right(package: Package, typed: str) -> bool:
    """Whether `typed` (spaces are nothing) is the package's PIN. In constant time; an older key's counts, too, because
    the customer may have read it before the key was changed."""
    said = "".join(typed.split())
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    right = [constant_time_compare(said, _made(package, key)) for key in keys]  # all of them, whichever is right
    return any(right)


def tries_left(package: Package) -> int:
    return max(0, MOST_TRIES - package.pin_tries)


def _made(package: Package, key: str) -> str:
    digest = salted_hmac("homeward.pin", f"{package.pk}:{package.fingerprint}", secret=key, algorithm="sha256").digest()
    return f"{int.from_bytes(digest[:8]) % 10**DIGITS:0{DIGITS}d}"
