# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Following a change feed: what comes again, what is waited for, and when there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from spark_ros.clients import (
    Changes,
    ClientError,
    ConnectionFailed,
    CursorGone,
    NotFoundError,
    UnsupportedError,
)
from spark_ros.clients.change_feed import ChangeFeedListener

NOT_FOUND = NotFoundError(404, 'Not Found')
NO_FEED = [NOT_FOUND, UnsupportedError(200, 'a login page')]
GONE = CursorGone(410, 'gone')


def listening(*cursors: str) -> tuple[ChangeFeedListener[Changes], list[str | None]]:
    """Return a listener to a feed that answers with these, and the cursors it is asked with."""
    asked: list[str | None] = []
    answers = iter(cursors)

    async def fetch(cursor: str | None) -> Changes:
        asked.append(cursor)
        return Changes(next(answers))

    return ChangeFeedListener(fetch), asked


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 30))


def test_what_is_not_acknowledged_comes_again() -> None:
    listener, asked = listening('1', '2', '2', '3')

    async def test() -> None:
        listener.acknowledge(await listener.next())
        await listener.next()
        listener.acknowledge(await listener.next())
        await listener.next()

    run(test())
    assert (asked, listener.cursor) == ([None, '1', '1', '2'], '2')


def test_an_interruption_is_over_once_the_feed_goes_on() -> None:
    """That it says where it is does not suffice."""
    listener, _ = listening()
    for failures in (1, 2, 3):
        assert 0 < listener.back_off(ConnectionFailed('refused')) <= 0.5 * 2 ** (failures - 1)
    listener.acknowledge(Changes('1'))
    assert listener.interrupted.failures == 3
    listener.acknowledge(Changes('2'))
    assert listener.interrupted.failures == 0


@pytest.mark.parametrize('no_feed', NO_FEED)
def test_none_is_looked_for_ever_more_rarely(no_feed: ClientError) -> None:
    listener, _ = listening()
    assert listener.is_absent(no_feed) and not listener.is_absent(ConnectionFailed('refused'))
    pauses_s = [listener.back_off(no_feed) for _ in range(20)]
    assert 2.5 <= pauses_s[0] <= 5 and 300 <= pauses_s[-1] <= 600
    listener.acknowledge(Changes('1'))
    assert listener.absent.failures == 0


@pytest.mark.parametrize('no_feed', NO_FEED)
@pytest.mark.parametrize('then', [None, GONE])
def test_one_that_was_seen_is_not_absent(no_feed: ClientError, then: ClientError | None) -> None:
    """Here, or before a restart; also when its cursor is gone."""
    seen, _ = listening()
    seen.acknowledge(Changes('1'))
    resumed, _ = listening()
    resumed.cursor = '7'
    for listener in (seen, resumed):
        if then is not None:
            listener.back_off(then)
        assert not listener.is_absent(no_feed)
        assert listener.back_off(no_feed) <= 0.5


def test_a_cursor_that_is_gone_is_begun_anew_at_once() -> None:
    """But not in a hurry where it happens again, or without any cursor."""
    listener, _ = listening()
    assert listener.back_off(GONE) > 0
    listener, _ = listening()
    listener.acknowledge(Changes('1'))
    assert (listener.back_off(GONE), listener.cursor) == (0.0, None)
    listener.acknowledge(Changes('2'))
    assert listener.back_off(GONE) > 0 and listener.cursor is None
