"""How many watch one link, in all web processes together. No models here.

Each process writes how many it has into a hash of the link in Redis, absolute, and reads what the others have: writing and
reading are one step, so two processes that take the last place at the same time cannot both have it. A process says that it
lives every few seconds; what one that died has left behind stops to count then, and is removed by whoever looks next. While
Redis is away each process keeps the limit for itself, as nobody can join a page then anyway.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from uuid import uuid4

import redis
import structlog

log = structlog.get_logger(__name__)

LIVES_S, SAYS_SO_S = 10, 3  # how long a process counts after it last said that it lives, and how often it does
LINKS_A_TURN = 500

# KEYS: the link's hash. ARGV: this process, its viewers, how long the hash is kept, the prefix of the signs of life.
TELL = """
if tonumber(ARGV[2]) > 0 then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
  redis.call('EXPIRE', KEYS[1], ARGV[3])
else
  redis.call('HDEL', KEYS[1], ARGV[1])
end
local others, all = 0, redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  if all[i] ~= ARGV[1] then
    if redis.call('EXISTS', ARGV[4] .. all[i]) == 1 then
      others = others + tonumber(all[i + 1])
    else
      redis.call('HDEL', KEYS[1], all[i])
    end
  end
end
return others
"""


class Places:
    """The places of one process and event loop.

    most:   of one link, everywhere.
    keep_s: for how long a link's hash stays without a word; longer than any socket lives.
    prefix: of all keys.
    client: gives the line to Redis; called in a thread.
    """

    def __init__(self, most: int, keep_s: float, prefix: str, client: Callable[[], redis.Redis]) -> None:
        self._most, self._keep_s, self._prefix, self._client = most, round(keep_s), prefix, client
        self._me = uuid4().hex
        self._here: Counter[int] = Counter()
        self._asking: dict[int, list[asyncio.Future[bool]]] = defaultdict(list)
        self._changed: set[int] = set()
        self._telling: asyncio.Task[None] | None = None
        self._living: asyncio.Task[None] | None = None

    async def take(self, link: int) -> bool:
        """A place of this link, to be given back; False when all are taken."""
        if self._here[link] >= self._most:
            return False
        loop = asyncio.get_running_loop()
        self._here[link] += 1
        asked: asyncio.Future[bool] = loop.create_future()
        self._asking[link].append(asked)
        self._tell_soon(link)
        self._living = self._living or loop.create_task(self._live())
        try:
            return await asked
        except asyncio.CancelledError:
            if asked.cancelled() or not asked.done() or asked.result():
                self.give_back(link)
            raise

    def give_back(self, link: int) -> None:
        """Somebody has gone. Waits for nothing."""
        self._here[link] -= 1
        if not self._here[link]:
            del self._here[link]
        self._tell_soon(link)

    def _tell_soon(self, *links: int) -> None:
        self._changed.update(links)
        self._telling = self._telling or asyncio.get_running_loop().create_task(self._tell_all())

    async def _tell_all(self) -> None:
        """Until nothing is new. Whoever comes while Redis is asked shares the next question."""
        try:
            while self._changed:
                links = [self._changed.pop() for _turn in range(min(LINKS_A_TURN, len(self._changed)))]
                told = [(link, self._here[link]) for link in links]
                asked = [self._asking.pop(link, []) for link in links]
                others = await self._ask(told)
                for (link, here), futures, elsewhere in zip(told, asked, others, strict=True):
                    self._answer(link, futures, surplus=here + elsewhere - self._most)
        finally:
            self._telling = None

    async def _live(self) -> None:
        """Say every few seconds that this process lives, as long as it has viewers."""
        try:
            while self._here:
                await asyncio.sleep(SAYS_SO_S)
                await self._ask([])
        finally:
            self._living = None

    def _answer(self, link: int, asked: Sequence[asyncio.Future[bool]], *, surplus: int) -> None:
        """Who came last is the first to be turned away."""
        for number, future in enumerate(reversed(asked)):
            if not future.done():  # else its page is gone, and `take` has given the place back
                future.set_result(number >= surplus)
                if number < surplus:
                    self.give_back(link)

    async def _ask(self, told: Sequence[tuple[int, int]]) -> list[int]:
        """Tell these links' viewers here, and that we live; gives the viewers elsewhere."""
        others, known = await asyncio.get_running_loop().run_in_executor(None, self._exchange, told)
        if not known and self._here:  # Redis has forgotten us, or never knew us: it is told everything again
            self._tell_soon(*self._here.keys() - {link for link, _here in told})
        return others

    def _exchange(self, told: Sequence[tuple[int, int]]) -> tuple[list[int], bool]:
        """In a thread. Where Redis does not answer there is nobody elsewhere that we know of."""
        alive = f"{self._prefix}alive."
        try:
            with self._client().pipeline(transaction=False) as line:
                line.set(alive + self._me, 1, ex=LIVES_S, get=True)
                for link, here in told:
                    line.eval(TELL, 1, f"{self._prefix}{link}", self._me, here, self._keep_s, alive)
                before, *others = line.execute()
        except redis.RedisError as error:
            log.warning("live.places_unknown", error=type(error).__name__)
            return [0] * len(told), True
        return [int(each) for each in others], before is not None
