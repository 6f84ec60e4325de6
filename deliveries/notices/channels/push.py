"""Web push: the browser's own service carries an encrypted message to it. Signed with our VAPID key (RFC 8292)."""

from __future__ import annotations

import base64
import functools
import json
import os
import tempfile
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import urlsplit

import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from py_vapid import Vapid
from pywebpush import WebPushException, webpush

from deliveries.models import PushSubscription

from .sending import Failed, Text

TIMEOUT_S = 10
LONGEST_BODY = 600  # characters; a service takes 4 kB, encrypted


class BadSubscription(ValueError):
    """What a browser sent is no subscription we write to."""


class Push:
    def offered(self) -> bool:
        return _key(settings.VAPID_PRIVATE_KEY) is not None

    def public_key(self) -> str:
        """What a browser needs to subscribe: the uncompressed point in URL-safe base64. "" when push is not offered."""
        key = _key(settings.VAPID_PRIVATE_KEY)
        if key is None:
            return ""
        point = key.public_key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        return base64.urlsafe_b64encode(point).rstrip(b"=").decode()

    def send(self, text: Text, to: PushSubscription) -> None:
        """Send one message to one browser. Raises Failed; `gone` when the browser is no longer subscribed."""
        said = {"title": text.title, "body": text.short[:LONGEST_BODY], "url": text.link, "lang": text.language}
        contact = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
        try:
            webpush(
                {"endpoint": to.endpoint, "keys": {"p256dh": to.p256dh, "auth": to.auth}},
                json.dumps(said, ensure_ascii=False),
                vapid_private_key=_key(settings.VAPID_PRIVATE_KEY),
                vapid_claims={"sub": f"mailto:{contact}"},
                ttl=int(text.lasts.total_seconds()),
                timeout=TIMEOUT_S,
                headers={"Urgency": "high"},
            )
        except WebPushException as error:
            code = getattr(error.response, "status_code", None)
            # 400, 401 and 403 are about our request or key, and may be mended; 413 is ours for good.
            raise Failed(f"push {code or 'refused'}", gone=code in (404, 410), for_good=code == 413) from None
        except requests.RequestException as error:  # its text has the endpoint in it
            raise Failed(f"push {type(error).__name__}") from None
        except ValueError:  # keys that do not fit: nothing can ever be encrypted for them
            raise Failed("push keys", gone=True) from None


def check(endpoint: str, p256dh: str, auth: str) -> None:
    """Raise BadSubscription unless these are a browser's: our server will call that address, so only services we know.

    PUSH_HOSTS lists them; a name that begins with a dot stands for everything under it.
    """
    try:
        parts = urlsplit(endpoint)
        host = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname or ""
        known = any(host == each or (each.startswith(".") and host.endswith(each)) for each in settings.PUSH_HOSTS)
        secure = parts.scheme == "https" or (parts.hostname == "127.0.0.1" and parts.scheme == "http")
        if not (known and secure) or parts.username or len(endpoint) > 1000 or not endpoint.isascii():
            raise BadSubscription("endpoint")
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _bytes(p256dh))
        if len(_bytes(auth)) != 16 or len(p256dh) > 100 or len(auth) > 40:
            raise BadSubscription("keys")
    except ValueError as error:
        raise BadSubscription(str(error)) from error


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@functools.lru_cache(maxsize=4)
def _key(setting: str) -> Vapid | None:
    """The key of VAPID_PRIVATE_KEY: PEM, or the bare number in URL-safe base64. Outside production one is made and kept."""
    if setting:
        return Vapid.from_pem(setting.encode()) if setting.startswith("-----") else Vapid.from_string(setting)
    return Vapid.from_file(str(_kept())) if settings.DEMO else None


def _kept() -> Path:
    """A key for laptops under var/, made once however many processes start together."""
    path = settings.VAR_DIR / "vapid.pem"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = Vapid()
        made.generate_keys()
        descriptor, temporary = tempfile.mkstemp(dir=path.parent)  # for nobody else to read
        with os.fdopen(descriptor, "wb") as file:
            file.write(made.private_pem())
        try:
            os.link(temporary, path)  # unlike a rename, this never replaces the one that was faster
        except FileExistsError:
            pass
        finally:
            os.unlink(temporary)
    return path
