# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Waiting for an answer by the Heat API, as its page advises."""

from __future__ import annotations

from typing import Any

import pytest
from test_heat_client import COMPLETE, ID, PENDING, ask

from spark_ros.clients import NotFoundError


class Time:
    """A clock that moves only while somebody sleeps, or where the server says so."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.naps: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Note it, and let so much time pass."""
        self.naps.append(seconds)
        self.now += seconds


@pytest.fixture
def time() -> Time:
    """A clock to hand to the client."""
    return Time()


def wait(server: Any, time: Time, **options: Any) -> Any:
    """Wait for the request with that clock."""
    return ask(
        server,
        lambda client: client.wait(ID, **options),
        clock=time,
        sleep=time.sleep,
        deadline_s=None,
    )


def test_the_pages_best_practice(fault_server: Any, time: Time) -> None:
    """15 s between the first and the second call, then the double, and so forth."""
    pending = fault_server.answer(PENDING)
    server = fault_server(*[pending] * 5, fault_server.answer(COMPLETE))
    assert wait(server, time).response == '42'
    assert time.naps == [15, 30, 60, 120, 240]
    assert {received.target for received in server.received} == {f'/v1/requests/{ID}'}


@pytest.mark.parametrize('status', ['complete', 'flagged', 'aborted'])
def test_what_is_final_is_not_waited_for(fault_server: Any, time: Time, status: str) -> None:
    """Whichever way it ended."""
    server = fault_server(fault_server.answer({'id': ID, 'status': status}))
    assert wait(server, time).status == status
    assert not time.naps and len(server.received) == 1


def test_delays_of_ones_own(fault_server: Any, time: Time) -> None:
    """The first, and the longest."""
    server = fault_server(*[fault_server.answer(PENDING)] * 5, fault_server.answer(COMPLETE))
    wait(server, time, first_delay_s=0.5, max_delay_s=3)
    assert time.naps == [0.5, 1, 2, 3, 3]


@pytest.mark.parametrize(('timeout_s', 'naps'), [(0, []), (20, [15, 5]), (45, [15, 30])])
def test_the_time_runs_out(
    fault_server: Any, time: Time, timeout_s: float, naps: list[float]
) -> None:
    """One last look at the end, and the pending answer comes back."""
    server = fault_server(fault_server.answer(PENDING))
    assert wait(server, time, timeout_s=timeout_s).pending
    assert time.naps == naps
    assert len(server.received) == len(naps) + 1


def blocking(fault_server: Any, time: Time, body: Any, seconds: float) -> Any:
    """An answer that comes after so long."""

    async def act(server: Any, writer: Any) -> None:
        time.now += seconds
        await fault_server.answer(body)(server, writer)

    return act


def blocks(server: Any) -> list[str]:
    """What the calls asked the service to wait."""
    return [received.target.partition('?')[2] for received in server.received]


def test_blocking_calls_follow_each_other(fault_server: Any, time: Time) -> None:
    """The service does the waiting."""
    server = fault_server(
        blocking(fault_server, time, PENDING, 60),
        blocking(fault_server, time, PENDING, 60.2),
        blocking(fault_server, time, COMPLETE, 7),
    )
    assert wait(server, time, block_s=60).response == '42'
    assert not time.naps
    assert blocks(server) == ['block=60'] * 3


def test_the_last_blocking_call_is_shorter(fault_server: Any, time: Time) -> None:
    """In whole seconds; what is left is slept, and looked at once more."""
    server = fault_server(
        blocking(fault_server, time, PENDING, 60),
        blocking(fault_server, time, PENDING, 30),
        blocking(fault_server, time, PENDING, 0),
    )
    assert wait(server, time, block_s=60, timeout_s=90.5).pending
    assert blocks(server) == ['block=60', 'block=30', '', '']
    assert time.naps == [0.5]


def test_a_service_that_does_not_block_is_not_flooded(fault_server: Any, time: Time) -> None:
    """It is asked as often as one that does."""
    pending = fault_server.answer(PENDING)
    server = fault_server(pending, pending, fault_server.answer(COMPLETE))
    wait(server, time, block_s=20)
    assert time.naps == [20, 20]
    assert blocks(server) == ['block=20'] * 3


def test_waiting_ends_with_an_error(fault_server: Any, time: Time) -> None:
    """The caller decides whether to go on."""
    missing = fault_server.answer({'message': 'gone'}, 404)
    with pytest.raises(NotFoundError, match='gone'):
        wait(fault_server(fault_server.answer(PENDING), missing), time)
