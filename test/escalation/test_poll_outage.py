# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""However many questions are open, a service that is away is looked for seldom, then found."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from itertools import pairwise

from courier_harness import Record, Service, run, submit
from samples import escalation

from spark_ros.clients.errors import ConnectionFailed
from spark_ros.escalation.courier import Courier, Limits
from spark_ros.escalation.journal.journal import Journal
from spark_ros.escalation.journal.safe_journal import SafeJournal
from spark_ros.escalation.poller import Poller

MANY = 40


def test_a_service_that_is_away_is_not_asked_for_each_open_question() -> None:
    async def test() -> None:
        service, record, tries = Service(), Record(), []
        courier = Courier(service, SafeJournal(Journal(None)), record, Limits(open=0))
        poller = Poller(service, courier, 0.02, 60.0)
        reached: list[bool] = []
        courier.on_open, courier.on_reached = poller.watch, lambda: reached.append(True)
        task = asyncio.gather(courier.run(), poller.run())
        record.running = lambda: not task.done()
        try:
            asked = [escalation() for _ in range(MANY)]
            await submit(courier, *asked)
            await record.until(lambda: len(courier.all_asked()) == MANY)
            service.changed = lambda: (tries.append(time.monotonic()), record.look())
            service.fails = [ConnectionFailed('refused')] * 4
            await record.until(lambda: not service.fails)
            failing = tries[-4:]
            least_s = (0.25, 0.5, 1.0)
            assert all(b - a >= s for (a, b), s in zip(pairwise(failing), least_s, strict=True))
            for one in asked:
                service.answer(one.id)
            await record.until(lambda: len(record.resolved) == MANY)
            assert reached == [True]
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            courier.close()

    run(test())
