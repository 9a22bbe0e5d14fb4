# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""All connections of the server: how many there may be, and which is closed for a new one.

When all are in use, a connection that waits (for its TLS handshake, for the head of a request, or
for the next request) is closed first, then one whose request has shown no valid key or session.
Requests of an authenticated caller are not closed, up to a quarter of all connections. So neither
unauthenticated clients nor one caller can keep others out, however many connections they open.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Protocol

from starlette.requests import Request

# Under which name a request's `state` has its connection; there is none without a socket.
STATE = 'connection'
# So many callers may keep their whole share of the connections.
CALLERS = 4
CHECKED_AT_ONCE = 200


@dataclass(frozen=True)
class ConnectionLimits:
    """Limits of each connection, and of all together.

    Attributes:
        most: how many may be open, if there are files for so many.
        head_bytes: the request line and headers together; also what stands between two parts of a
            body (chunk extensions) and after it (trailers).
        headers: how many headers.
        head_s: how long a head may take from its first byte, and a new connection to send one.
        keep_alive_s: how long a connection is kept for its next request.
        body_s: the interval in which a body's rate is measured.
        body_rate: the least bytes a second that a body comes in with, on average.
        stalled_s: how long a client may read nothing of its answer.
        sweep_s: how often the limits of each connection are checked.
    """

    most: int = 2048
    head_bytes: int = 64 * 1024
    headers: int = 128
    head_s: float = 10.0
    # Longer than clients keep one (httpx: 5 s), or theirs breaks when they are about to use it.
    keep_alive_s: float = 20.0
    body_s: float = 10.0
    body_rate: float = 1024.0
    stalled_s: float = 30.0
    sweep_s: float = 1.0


DEFAULT_LIMITS = ConnectionLimits()


class Connection(Protocol):
    """What `Connections` needs of a connection; `network` is of its client (`client_network`)."""

    @property
    def network(self) -> str: ...

    def check(self, now: float, step: float) -> None:
        """End the connection where it has passed a limit; `step` seconds since the last check."""

    def abort(self) -> None:
        """Close the connection at once; unsent bytes are lost."""


class Connections:
    """The open connections, and which of them may be closed for a new one.

    Attributes:
        now: seconds that the server has been listening. Deadlines are measured by it: it does
            not run while the process is blocked, so clients are not closed for that delay.
    """

    def __init__(self, limits: ConnectionLimits, most: int) -> None:
        self.limits = limits
        self.now = 0.0
        self._most = most
        self._all: set[Connection] = set()
        self._waiting = _ByNetwork()
        self._unauthenticated = _ByNetwork()
        self._idle_callers = _ByNetwork()
        self._callers: dict[Connection, Hashable] = {}
        self._held: Counter[Hashable] = Counter()

    def admit(self, connection: Connection) -> bool:
        """Add a new connection, if need be in the place of another; False if there is no room."""
        if len(self._all) >= self._most and not self.evict():
            return False
        self._all.add(connection)
        self._waiting.add(connection)
        return True

    def evict(self) -> bool:
        """Close the connection that is the least worth keeping; False if none may be closed."""
        for group in (self._waiting, self._unauthenticated, self._idle_callers):
            if (connection := group.next_to_evict()) is not None:
                self.remove(connection)
                connection.abort()
                return True
        return False

    def remove(self, connection: Connection) -> None:
        """Remove a connection that is closed."""
        self._all.discard(connection)
        self._waiting.discard(connection)
        self._unauthenticated.discard(connection)
        self._idle_callers.discard(connection)
        self._release(connection)

    def request_begins(self, connection: Connection) -> None:
        """Mark that the head of a request is complete."""
        self._waiting.discard(connection)
        self._idle_callers.discard(connection)
        if connection in self._all and connection not in self._callers:
            self._unauthenticated.add(connection)

    def request_ends(self, connection: Connection) -> None:
        """Mark that a connection waits for its next request."""
        self._unauthenticated.discard(connection)
        if connection in self._all:
            (self._idle_callers if connection in self._callers else self._waiting).add(connection)
            # What waits takes nothing of its caller's share.
            self._release(connection)

    def authenticated(self, connection: Connection, caller: Hashable) -> None:
        """Protect a connection from eviction, unless its caller has too many protected ones."""
        share = max(1, self._most // CALLERS)
        if connection in self._all and self._held[caller] < share:
            self._release(connection)
            self._unauthenticated.discard(connection)
            self._callers[connection] = caller
            self._held[caller] += 1

    def _release(self, connection: Connection) -> None:
        if connection in self._callers:
            caller = self._callers.pop(connection)
            self._held[caller] -= 1
            if not self._held[caller]:
                del self._held[caller]

    async def sweep(self) -> None:
        """Check all connections in intervals, until cancelled."""
        loop, step = asyncio.get_running_loop(), self.limits.sweep_s
        before = loop.time()
        while True:
            await asyncio.sleep(step)
            passed = min(loop.time() - before, 2 * step)
            before = loop.time()
            await self.check_all(passed)

    async def check_all(self, passed: float) -> None:
        """Check all connections; so many seconds have passed since they were checked last."""
        self.now += passed
        for number, connection in enumerate(tuple(self._all), 1):
            if connection in self._all:
                connection.check(self.now, passed)
            if number % CHECKED_AT_ONCE == 0:
                # To check thousands takes longer than an answer may wait.
                await asyncio.sleep(0)


class _ByNetwork:
    """Connections by the network of their client, each in the order in which it came."""

    def __init__(self) -> None:
        self._groups: dict[str, dict[Connection, None]] = {}

    def add(self, connection: Connection) -> None:
        self._groups.setdefault(connection.network, {})[connection] = None

    def discard(self, connection: Connection) -> None:
        group = self._groups.get(connection.network)
        if group is not None:
            group.pop(connection, None)
            if not group:
                del self._groups[connection.network]

    def next_to_evict(self) -> Connection | None:
        """Return the oldest connection of the network that has the most."""
        if not self._groups:
            return None
        largest = max(self._groups.values(), key=lambda group: len(group))
        return next(iter(largest))


def client_network(host: str) -> str:
    """Return the network whose connections count together: an IPv4 address or an IPv6 /64."""
    address = ip_address(host.partition('%')[0])
    if address.version == 4:
        return str(address)
    return str(address.ipv4_mapped or ip_network((address, 64), strict=False))


def mark_authenticated(request: Request, caller: Hashable) -> None:
    """Mark a request's connection as its caller's, so that it is not closed for another."""
    connection = getattr(request.state, STATE, None)
    if connection is not None:
        connection.request_authenticated(caller)


def close_when_unacknowledged(request: Request) -> None:
    """Have a request's connection closed when its client stops acknowledging what is sent.

    By default the kernel tries for 15 minutes to deliver to a client that dropped off the
    network, and reports nothing until then.
    """
    connection = getattr(request.state, STATE, None)
    if connection is not None:
        connection.close_when_unacknowledged()
