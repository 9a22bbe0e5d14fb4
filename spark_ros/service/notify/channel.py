# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""One way to notify: tells of incidents one after the other, each notice until it is accepted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from spark_ros.service.notify.notice import Notice

log = logging.getLogger('spark_ros.service')

# Of incidents that began while one is being told; more than these were never read, either.
MOST_QUEUED = 20


class Incident:
    """A time in which questions waited and nobody was there.

    Attributes:
        begun: what is told of its begin.
    """

    def __init__(self, begun: Notice) -> None:
        self.begun = begun
        self._ended: Notice
        self._over = asyncio.Event()

    def end(self, ended: Notice) -> None:
        """End it; `ended` is what is told of that."""
        self._ended = ended
        self._over.set()

    async def ended(self) -> Notice:
        """Wait until it is over; return what is told of that."""
        await self._over.wait()
        return self._ended


class Channel:
    """Tells of incidents by one way.

    Args:
        name: how, for the log and the health endpoint.
        receiver: to whom, for the log only; without secrets.
        send: makes one attempt; returns what was wrong, or None if the notice was accepted.
        pauses_s: the first pause before another attempt, and the longest.
    """

    def __init__(
        self,
        name: str,
        receiver: str,
        send: Callable[[Notice], Awaitable[str | None]],
        pauses_s: tuple[float, float],
    ) -> None:
        self.name = name
        self._receiver = receiver
        self._send = send
        self._pauses_s = pauses_s
        self._incidents: asyncio.Queue[Incident] = asyncio.Queue(MOST_QUEUED)

    def begin(self, incident: Incident) -> None:
        """Tell of an incident after those before it; beyond 20 the oldest of these is dropped."""
        if self._incidents.full():
            dropped = self._incidents.get_nowait()
            log.warning('%s: too much to tell; dropping %s', self.name, dropped.begun.incident)
        self._incidents.put_nowait(incident)

    async def run(self) -> None:
        """Tell of each incident that it began, and when it is over that, until cancelled."""
        try:
            while True:
                incident = await self._incidents.get()
                await self._deliver(incident.begun)
                await self._deliver(await incident.ended())
        except asyncio.CancelledError:
            self._incidents = asyncio.Queue(MOST_QUEUED)
            raise

    async def _deliver(self, notice: Notice) -> None:
        pause_s, longest_s = self._pauses_s
        failed = False
        while (wrong := await self._send(notice)) is not None:
            if not failed:
                log.warning(
                    '%s to %s do not arrive: %s; trying again', self.name, self._receiver, wrong
                )
            failed = True
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, longest_s)
        if failed:
            log.warning('%s to %s arrive again', self.name, self._receiver)
