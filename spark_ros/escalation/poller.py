# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Poll a service for answers: soon after a question was opened, then ever more rarely."""

from __future__ import annotations

import asyncio
import logging
import time

from spark_ros.clients.errors import ClientError
from spark_ros.escalation.backend import Backend
from spark_ros.escalation.courier import Courier

logger = logging.getLogger(__name__)


class Poller:
    """One poller for all open questions of a node."""

    def __init__(
        self, backend: Backend, courier: Courier, interval_s: float, max_interval_s: float
    ) -> None:
        """Poll every `interval_s`, doubled up to `max_interval_s` while nothing changes."""
        self._backend = backend
        self._courier = courier
        self._interval_s = interval_s
        self._max_interval_s = max_interval_s
        self._delay_s = interval_s
        self._due = float('inf')
        self._sooner = asyncio.Event()

    def hasten(self) -> None:
        """A question was opened: poll within the shortest interval."""
        self._delay_s = self._interval_s
        self._due = min(self._due, time.monotonic() + self._interval_s)
        self._sooner.set()

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            await self._wait()
            news = await self._poll()
            self._delay_s = (
                self._interval_s if news else min(self._delay_s * 2, self._max_interval_s)
            )
            pending = self._courier.asked()
            self._due = time.monotonic() + self._delay_s if pending else float('inf')

    async def _wait(self) -> None:
        while (rest := self._due - time.monotonic()) > 0:
            self._sooner.clear()
            try:
                await asyncio.wait_for(
                    self._sooner.wait(), None if rest == float('inf') else rest
                )
            except asyncio.TimeoutError:
                return

    async def _poll(self) -> bool:
        asked = self._courier.asked()
        if not asked:
            return False
        news = False
        try:
            async for report in self._backend.poll(asked):
                news |= await self._courier.settle(report)
        except ClientError as error:
            logger.warning('polling failed and will be tried again: %s', error)
        return news
