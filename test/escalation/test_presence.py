# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Whether anybody is there to answer, as far as the service says so."""

from __future__ import annotations

import pytest
from engagements_harness import Service, run, running, submit
from samples import escalation

from spark_ros.escalation.backends.backend import at_the_desk
from spark_ros.escalation.backends.contact import Contact, Trouble
from spark_ros.escalation.health.check import Level
from spark_ros.escalation.health.service import check_service
from spark_ros.escalation.health.snapshot import Snapshot
from spark_ros.escalation.journal.journal import Journal
from spark_ros.escalation.questions import Standing
from spark_ros.model import State


@pytest.mark.parametrize(
    ('operators', 'open', 'level', 'value'),
    [
        (0, 2, Level.WARN, 'nobody at the desk'),
        (0, 0, Level.OK, 'nobody at the desk'),
        (1, 2, Level.OK, '1'),
        (None, 2, Level.OK, None),
    ],
)
def test_nobody_is_a_warning_while_questions_wait(
    operators: int | None, open: int, level: Level, value: str | None
) -> None:
    seen = Snapshot(
        0.0, service=Contact(tried=True), operators=operators, standing=Standing(open=open)
    )
    result = check_service('spark', 'http://h', seen, 0.0)
    assert result.level is level and result.values.get('operators') == value
    assert ('nobody at the desk, and 2 question(s) wait' in result.message) == bool(level)


def test_who_cannot_be_asked_is_not_said_to_be_away() -> None:
    """What was known before an outage is no news."""
    down = Contact(tried=True, trouble=Trouble.UNREACHABLE, error='refused')
    seen = Snapshot(0.0, service=down, operators=0, standing=Standing(open=1))
    assert check_service('spark', 'http://h', seen, 0.0).kinds == {'unreachable'}


@pytest.mark.parametrize(
    ('operators', 'said'),
    [(None, ''), (0, 'nobody at the desk'), (1, '1 operator at the desk'),
     (3, '3 operators at the desk')],
)  # fmt: skip
def test_the_open_status_says_it(operators: int | None, said: str) -> None:
    async def test() -> None:
        service = Service(operators=operators)
        async with running(service, Journal(None)) as (engagements, record):
            await submit(engagements, asked := escalation())
            await record.until(lambda: State.OPEN in record.states(asked.id))
            assert record.detail(asked.id, State.OPEN) == said == at_the_desk(operators)

    run(test())
