"""Gate codes: sealed when they come in, opened for the person who stands before the gate, forgotten afterwards.

A code opens somebody's building, so it is not a column that a list or an export might show. The key is made from
SECRET_KEY, because a code lives for days at most; older keys still open (SECRET_KEY_FALLBACKS).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from deliveries.models import GateCode, Package

LONGEST = 24


def keep(package: Package, code: str, now: datetime) -> None:
    """Keep `code` for this package, or forget the one it has where `code` is empty."""
    if not code:
        GateCode.objects.filter(package=package).delete()
        return
    # Padded, so that its length is sealed as well.
    cipher = _box().encrypt(code[:LONGEST].ljust(LONGEST).encode())
    GateCode.objects.update_or_create(package=package, defaults={"cipher": cipher, "at": now})


def read(packages: Iterable[Package]) -> dict[int, str]:
    """The codes of these packages by id; those without one are left out. Who may read is the caller's to know."""
    found = {}
    for row in GateCode.objects.filter(package__in=list(packages)):
        try:
            found[row.package_id] = _box().decrypt(bytes(row.cipher)).decode().strip()
        except InvalidToken:
            continue  # sealed under a key that is gone: there is no code any more
    return found


def _box() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    made = (hmac.digest(key.encode(), b"homeward gate code", hashlib.sha256) for key in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in made])
