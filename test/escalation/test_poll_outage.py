# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""However many questions are open, a service that is away is looked for seldom, then found."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from engagements_harness import Service, run, running, submit
from samples import escalation

from spark_ros.clients.errors import ConnectionFailed
from spark_ros.escalation.journal.journal import Journal
from spark_ros.escalation.settings import Limits

MANY = 40


@pytest.mark.slow('waits for a service that is away')
def test_a_service_that_is_away_is_not_asked_for_each_open_question() -> None:
    async def test() -> None:
        service, tries = Service(), list[float]()
        async with running(service, Journal(None), Limits(open=0), 0.02, 60.0) as (
            engagements, record,
        ):  # fmt: skip
            asked = [escalation() for _ in range(MANY)]
            await submit(engagements, *asked)
            await record.until(lambda: len(engagements.all_asked()) == MANY)
            service.changed = lambda: (tries.append(time.monotonic()), record.look())
            service.fails = [ConnectionFailed('refused')] * 4
            await record.until(lambda: not service.fails)
            failing = tries[-4:]
            least_s = (0.25, 0.5, 1.0)
            assert all(b - a >= s for (a, b), s in zip(pairwise(failing), least_s, strict=True))
            for one in asked:
                service.answer(one.id)
            await record.until(lambda: len(record.resolved) == MANY)
            assert engagements.context.reached.is_set()

    run(test())
