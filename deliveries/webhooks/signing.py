"""What is sent is signed, so that the receiver knows it is ours and when it was sent.

By the Standard Webhooks specification (standardwebhooks.com): HMAC-SHA256 over `id.timestamp.body`, base64, "v1," in
front. While a secret changes both sign, so the receiver may know either. A receiver refuses what is older than five minutes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings

PREFIX = "whsec_"


def new_secret() -> str:
    """A new secret as the receiver is shown it, once."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def seal(secret: str) -> bytes:
    """`secret` as it is stored: readable with this installation's key and no other."""
    return _box().encrypt(secret.encode())


def open_secret(kept: bytes | memoryview) -> str:
    return _box().decrypt(bytes(kept)).decode()


def _box() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(_derived(key))) for key in keys])


def _derived(key: str) -> bytes:
    # The salt keeps this key apart from every other use of SECRET_KEY.
    return hmac.digest(key.encode(), b"homeward.webhooks", hashlib.sha256)


def signature(secrets_: Sequence[str], message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers that go with `body`: its id, when it is sent, and a signature by each secret."""
    stamp = str(int(at.timestamp()))
    signed = f"{message_id}.{stamp}.".encode() + body
    marks = [
        "v1," + base64.b64encode(hmac.digest(base64.b64decode(s.removeprefix(PREFIX)), signed, hashlib.sha256)).decode()
        for s in secrets_
    ]
    return {"webhook-id": message_id, "webhook-timestamp": stamp, "webhook-signature": " ".join(marks)}
