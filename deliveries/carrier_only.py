"""Who wants no associate at their door: remembered for later packages without remembering who it is.

A door, a mail address and a phone number are each kept as a keyed hash. A later package that shares one of them goes
to the carrier, until somebody with a link to one of them takes it back.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

from django.conf import settings

from deliveries.models import CarrierOnly, Package
from stores.places import normal_street


def remember(package: Package, now: datetime) -> None:
    """From now on no associate to this package's door and contacts. Twice is once."""
    rows = [CarrierOnly(key_hash=digest, at=now) for digest in _hashes(package, _keys()[0])]
    CarrierOnly.objects.bulk_create(rows, ignore_conflicts=True)


def forget(package: Package) -> None:
    """Associates may come again to this package's door and contacts."""
    CarrierOnly.objects.filter(key_hash__in=[d for key in _keys() for d in _hashes(package, key)]).delete()


def asked(packages: Sequence[Package]) -> list[bool]:
    """For each of these packages, saved or not, whether its customer wants the carrier; one query for all of them."""
    mine = [[digest for key in _keys() for digest in _hashes(package, key)] for package in packages]
    rows = CarrierOnly.objects.filter(key_hash__in=[digest for each in mine for digest in each])
    known = {bytes(digest) for digest in rows.values_list("key_hash", flat=True)}
    return [not known.isdisjoint(each) for each in mine]


def _keys() -> list[str]:
    return [settings.OPT_OUT_KEY] if settings.OPT_OUT_KEY else [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]


def _hashes(package: Package, key: str) -> list[bytes]:
    names = [f"door:{normal_street(package.address1)}|{package.address2.strip().casefold()}|{package.zip}"]
    if package.email:
        names.append(f"mail:{package.email.strip().casefold()}")
    if digits := "".join(filter(str.isdigit, package.phone))[-10:]:  # with or without the country's 1
        names.append(f"phone:{digits}")
    secret = f"homeward carrier only {key}".encode()
    return [hmac.digest(secret, name.encode("utf-8", "surrogatepass"), hashlib.sha256) for name in names]
