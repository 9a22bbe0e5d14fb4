# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Deadlines pass in order, on the steady clock."""

from __future__ import annotations

import asyncio
import time

import pytest

from spark_ros.escalation.deadlines import Deadlines


async def passed(deadlines: Deadlines, count: int) -> list[str]:
    """Return the ids of the first so many deadlines that pass."""
    ids: list[str] = []
    enough = asyncio.Event()

    async def due(id: str) -> None:
        ids.append(id)
        if len(ids) == count:
            enough.set()

    task = asyncio.create_task(deadlines.run(due))
    try:
        await asyncio.wait_for(enough.wait(), 30)
    finally:
        task.cancel()
    return ids


def test_they_pass_in_order_whenever_they_were_set() -> None:
    deadlines = Deadlines()
    for id, after_s in (('third', 0.09), ('first', 0.03), ('second', 0.06)):
        deadlines.add(id, after_s)
    assert asyncio.run(passed(deadlines, 3)) == ['first', 'second', 'third']


def test_one_from_before_a_restart_passes_at_once() -> None:
    deadlines = Deadlines()
    deadlines.add('old', -86_400.0)
    assert asyncio.run(passed(deadlines, 1)) == ['old']


def test_an_earlier_one_is_not_kept_waiting() -> None:
    async def run() -> list[str]:
        deadlines = Deadlines()
        deadlines.add('tomorrow', 86_400.0)
        asyncio.get_running_loop().call_later(0.02, deadlines.add, 'soon', 0.03)
        return await passed(deadlines, 1)

    assert asyncio.run(run()) == ['soon']


def test_a_wall_clock_that_is_set_moves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    deadlines, before = Deadlines(), time.monotonic()
    deadlines.add('soon', 0.1)
    wall = time.time
    monkeypatch.setattr(time, 'time', lambda: wall() - 3600.0)
    assert asyncio.run(passed(deadlines, 1)) == ['soon']
    assert 0.1 <= time.monotonic() - before < 30.0
