"""How often customers' pages may be asked. Counted in Redis, in windows of a minute or an hour that begin with the first.

Without Redis there are no limits, and there is a page; one that hangs is waited for half a second and then let be for a
while. An address is only ever a keyed hash here, and of IPv6 its network: whoever has one line has 2^64 addresses.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import TypeVar

import redis
import structlog
from django.core.cache import cache
from django.utils.crypto import salted_hmac

from deliveries.live import publishing

log = structlog.get_logger(__name__)

MINUTE_S, HOUR_S = 60, 3600
BAD_A_MINUTE = 60  # links that are none, from one address: a household mistypes, a scanner does not stop
BAD_A_MINUTE_IN_ALL = 6_000  # from all of them; beyond it an address waits after its first
# Of one link, on pages and sockets: its twenty viewers (`consumers.MOST_VIEWERS`), each asking every two seconds. A page that
# has no socket asks every thirty, and one that lost it comes back some eight times a minute.
READS_A_MINUTE = 600
# Of all links from one address, on pages: nine hundred pages without a socket behind one office or one mobile network.
READS_A_MINUTE_HERE = 1_800
WRITES_AN_HOUR = 40  # of one package, by whoever has a link to it
ALL_BAD = "tracking-bad"

Answer = TypeVar("Answer")


def waits(addresses: Collection[str]) -> dict[str, bool]:
    """Which of these addresses have tried so many links that are none that they wait; one question to Redis."""
    keys = {address: _of("bad", address) for address in addresses}

    def ask() -> dict[str, bool]:
        with publishing.line() as client:
            everywhere, *tries = (int(n or 0) for n in client.mget(map(cache.make_key, [ALL_BAD, *keys.values()])))
        many = everywhere >= BAD_A_MINUTE_IN_ALL
        return {address: n >= BAD_A_MINUTE or (many and n > 0) for address, n in zip(keys, tries, strict=True)}

    return _or(dict.fromkeys(addresses, False), ask)


def count_bad(address: str) -> None:
    """Somebody at this address tried a link that is none, on a page or a socket."""
    _count([_of("bad", address), ALL_BAD], MINUTE_S)


def page_waits(link: int, address: str) -> int:
    """Counts a look at a page of this link from this address; the seconds to wait where those were too many, else 0."""
    limits = {_of_link(link): READS_A_MINUTE, _of("reads", address): READS_A_MINUTE_HERE}
    return _over(limits, MINUTE_S)


def sockets_wait(links: Collection[int]) -> dict[int, bool]:
    """Counts a socket for each of these links: whether it is one too many. One question to Redis.

    Not by address: after a restart everybody behind one comes back within seconds.
    """
    counted = _count([_of_link(link) for link in links], MINUTE_S)
    return {link: counted.get(_of_link(link), (0, 0))[0] > READS_A_MINUTE for link in links}


def write_waits(package: int) -> int:
    """Counts a change on this package's pages; the seconds to wait where those were too many, else 0."""
    return _over({f"tracking-writes-{package}": WRITES_AN_HOUR}, HOUR_S)


def _of_link(link: int) -> str:
    return f"tracking-reads-{link}"


def _of(what: str, address: str) -> str:
    """The counter's name; no address goes to Redis."""
    try:
        given = ip_address(address)
    except ValueError:  # a test's client, a local socket
        given = None
    if isinstance(given, IPv6Address):
        address = str(given.ipv4_mapped or IPv6Network((given, 64), strict=False))
    return f"tracking-{what}-{salted_hmac('tracking', address).hexdigest()[:24]}"


def _over(limits: dict[str, int], lasts_s: int) -> int:
    """Counts at each of these; how many seconds are left of the longest window that is full, 0 where none is."""
    counted = _count(limits, lasts_s)
    return max((left for key, (n, left) in counted.items() if n > limits[key]), default=0)


def _count(keys: Iterable[str], lasts_s: int) -> dict[str, tuple[int, int]]:
    """One more at each counter, in one question: how high it is now, and after how many seconds it begins anew."""
    keys = list(keys)

    def count() -> dict[str, tuple[int, int]]:
        with publishing.line() as client, client.pipeline(transaction=False) as pipe:
            for key in map(cache.make_key, keys):
                pipe.incr(key)
                pipe.expire(key, lasts_s, nx=True)
                pipe.ttl(key)
            said = pipe.execute()
        return {key: (n, max(1, left)) for key, n, left in zip(keys, said[::3], said[2::3], strict=True)}

    return _or({}, count)


def _or(otherwise: Answer, ask: Callable[[], Answer]) -> Answer:
    try:
        return ask()
    except redis.RedisError as error:
        log.warning("tracking.no_limit", error=type(error).__name__)
        return otherwise
