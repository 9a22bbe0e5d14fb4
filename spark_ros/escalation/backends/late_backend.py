# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A service that is not there before it is needed: a dry run has none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Future

from spark_ros.escalation.backends.backend import Asked, Backend, News, Report
from spark_ros.escalation.question.escalation import EncodedImage, Escalation
from spark_ros.model import Question


class LateBackend:
    """A backend whose calls wait until there is a real one."""

    def __init__(self) -> None:
        self._real: Future[Backend] = Future()
        self.polls_per_s: float | None = None
        # What is withdrawn before is told as soon as there is somebody to tell.
        self.can_withdraw = True

    @property
    def made(self) -> bool:
        """Whether there is a real one."""
        return self._real.done()

    def use(self, backend: Backend) -> None:
        """Go on with a real one; once, from any thread."""
        self.polls_per_s, self.can_withdraw = backend.polls_per_s, backend.can_withdraw
        self._real.set_result(backend)

    def refuses(self, question: Question, program: str) -> str:
        """See `Backend`."""
        return self._real.result().refuses(question, program) if self.made else ''

    async def upload(self, escalation: Escalation, image: EncodedImage) -> str:
        """See `Backend`."""
        return await (await self._there()).upload(escalation, image)

    async def open(self, escalation: Escalation, image_url: str, *, may_be_open: bool) -> str:
        """See `Backend`."""
        backend = await self._there()
        return await backend.open(escalation, image_url, may_be_open=may_be_open)

    async def poll(self, asked: Sequence[Asked]) -> AsyncIterator[Report]:
        """See `Backend`."""
        async for report in (await self._there()).poll(asked):
            yield report

    def read_push(self, body: object) -> Report:
        """See `Backend`."""
        if not self.made:
            raise ValueError('this is a dry run; no service is used')
        return self._real.result().read_push(body)

    async def changes(self, cursor: str | None) -> News:
        """See `Backend`."""
        return await (await self._there()).changes(cursor)

    async def withdraw(self, token: str) -> None:
        """See `Backend`."""
        await (await self._there()).withdraw(token)

    async def aclose(self) -> None:
        """See `Backend`."""
        if self.made:
            await self._real.result().aclose()

    async def _there(self) -> Backend:
        # A call that is cancelled must not cancel what the others wait for.
        return await asyncio.shield(asyncio.wrap_future(self._real))
