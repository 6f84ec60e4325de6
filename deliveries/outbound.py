"""Calls to addresses that somebody else has given us: only to the public internet, and only where we looked.

A name is resolved once and that very address is connected to, so an answer that changes between the look and the call
(DNS rebinding) changes nothing. Redirects are answers, not orders. Pure but for the network.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

CONNECT_S, TOTAL_S = 4.0, 10.0
MOST_ANSWER = 256 * 1024
Resolve = Callable[[str, int], list[str]]
# Public by the table, and yet a way to somewhere else: IPv4 inside IPv6 (RFC 6052, RFC 3056, Teredo).
_TUNNELS = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))


class Refused(ValueError):
    """We do not call this address. `code` is for programs."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Unreachable(Exception):
    """The call came to no answer; `code` says where it ended."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, as the system's resolver gives them."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def is_public(address: str) -> bool:
    """Whether an address is one of the public internet: not ours, not this machine, not the cloud's inside."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        elif any(found in tunnel for tunnel in _TUNNELS):
            return False
    return found.is_global and not found.is_multicast


def check(url: str, *, local: bool = False) -> SplitResult:
    """`url` taken apart, when it is one we may be given: https, a host, no user, no fragment. Raises Refused.

    `local` allows http and addresses of this machine; for tests and laptops.
    """
    if len(url) > 500 or not url.isascii() or any(c.isspace() or not c.isprintable() for c in url) or "\\" in url:
        raise Refused("url")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Refused("url") from None
    if parts.scheme != "https" and not (local and parts.scheme == "http"):
        raise Refused("https")
    if not parts.hostname or parts.username is not None or parts.password is not None or parts.fragment or port == 0:
        raise Refused("url")
    if not local and _is_literal(parts.hostname) and not is_public(parts.hostname):
        raise Refused("private_address")
    return parts


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    local: bool = False,
    resolver: Resolve | None = None,
    most_answer: int = MOST_ANSWER,
) -> Answer:
    """POST `body` and return what was answered, 3xx as it is, at most `most_answer` bytes of it. Raises Refused, Unreachable.

    Whoever answers byte by byte is left after TOTAL_S seconds.
    """
    parts = check(url, local=local)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        addresses = (resolver or resolve)(host, port)
    except (OSError, UnicodeError):
        raise Unreachable("no_such_host") from None
    # One private address among public ones is one too many: which of them is taken is the resolver's whim.
    if not addresses or not (local or all(map(is_public, addresses))):
        raise Refused("private_address")
    until = time.monotonic() + TOTAL_S
    timeout = urllib3.Timeout(connect=CONNECT_S, read=TOTAL_S / 2)
    pool: urllib3.HTTPConnectionPool
    if parts.scheme == "https":
        # The address is connected to; the name is what the certificate must be for.
        pool = urllib3.HTTPSConnectionPool(
            addresses[0], port, server_hostname=host, assert_hostname=host, timeout=timeout, retries=False
        )
    else:
        pool = urllib3.HTTPConnectionPool(addresses[0], port, timeout=timeout, retries=False)
    target = parts.path or "/"
    if parts.query:
        target += f"?{parts.query}"
    name = f"[{host}]" if ":" in host else host
    usual = {"https": 443, "http": 80}[parts.scheme]
    sent = {**headers, "Host": name if port == usual else f"{name}:{port}", "Accept-Encoding": "identity"}
    with pool:
        try:
            response = pool.urlopen(
                "POST", target, body=body, headers=sent, redirect=False, preload_content=False, assert_same_host=False
            )
            return Answer(response.status, _read(response, until, most_answer))
        except HTTPError as error:
            raise Unreachable(type(error).__name__) from None
        except OSError as error:
            raise Unreachable(type(error).__name__) from None


def _read(response: urllib3.BaseHTTPResponse, until: float, most: int) -> bytes:
    body = b""
    try:
        while len(body) < most and (chunk := response.read1(64 * 1024)):
            body += chunk
            if time.monotonic() > until:
                raise Unreachable("too_slow")
    finally:
        response.close()
    return body[:most]
