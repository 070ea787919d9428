"""How much anybody may ask: sizes, times, and requests a second."""

from __future__ import annotations

import dataclasses
import math


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """What a server takes. A page in use asks some eight times a second, over two or three connections."""

    head_bytes: int = 16 * 1024
    """Request line and headers together."""
    body_bytes: int = 64 * 1024
    connections: int = 64
    connections_of_one: int = 16
    """Connections that one client, an address, may hold at once."""
    connections_per_s: float = 100.0
    requests_per_s: float = 200.0
    """Of all clients together: 200 answers take some 50 ms of a second."""
    requests_per_s_of_one: float = 60.0
    request_within_s: float = 10.0
    """From a request's first byte to its last, and from the first byte of an answer taken to the last."""
    idle_s: float = 30.0
    """How long a connection on which nothing is asked is kept."""


class TokenBucket:
    """So many a second, and as many at once. Used by one thread."""

    def __init__(self, per_s: float, now_s: float) -> None:
        self._per_s = per_s
        self._left = per_s
        self._at_s = now_s

    def take(self, now_s: float) -> bool:
        """Take one; False: there is none left now."""
        self._fill(now_s)
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True

    def wait_s(self, now_s: float) -> float:
        """Return how long it is until there is one."""
        self._fill(now_s)
        return max(0.0, (1.0 - self._left) / self._per_s)

    def is_full(self, now_s: float) -> bool:
        """Whether nobody has taken any for a while."""
        self._fill(now_s)
        return self._left >= self._per_s

    def _fill(self, now_s: float) -> None:
        self._left = min(self._per_s, self._left + max(0.0, now_s - self._at_s) * self._per_s)
        self._at_s = now_s


class RequestRates:
    """Says who may ask now. Used by one thread; its memory is bounded, whoever comes."""

    MOST_CLIENTS = 256

    def __init__(self, limits: Limits, now_s: float) -> None:
        self._limits = limits
        self._all = TokenBucket(limits.requests_per_s, now_s)
        self._by_client: dict[str, TokenBucket] = {}

    def refused_for_s(self, client: str, now_s: float) -> int:
        """Count one request; return 0 where it may be answered, else in how many whole seconds one may."""
        bucket = self._by_client.get(client)
        if bucket is None:
            self._forget(now_s)
            bucket = self._by_client[client] = TokenBucket(self._limits.requests_per_s_of_one, now_s)
        for each in (bucket, self._all):
            if not each.take(now_s):
                return math.ceil(each.wait_s(now_s)) or 1
        return 0

    def _forget(self, now_s: float) -> None:
        if len(self._by_client) < self.MOST_CLIENTS:
            return
        for client in [client for client, bucket in self._by_client.items() if bucket.is_full(now_s)]:
            del self._by_client[client]
        if len(self._by_client) >= self.MOST_CLIENTS:  # all ask at once: the limit for all together holds still
            del self._by_client[next(iter(self._by_client))]
