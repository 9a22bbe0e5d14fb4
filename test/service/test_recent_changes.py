# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Waits at the feed that need no look at the database: only those for whom nothing happened."""

from __future__ import annotations

import time
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st
from service_harness import DEADLINE_S, InProcess
from test_feed import feed, tokens

from spark_ros.service import recent_changes
from spark_ros.service.recent_changes import RecentChanges
from spark_ros.service.storage import change_log
from spark_ros.service.storage.change_order import Position

robots = st.sampled_from([None, 'a', 'b'])
noted = st.lists(st.tuples(st.integers(1, 3), robots), max_size=30)


@given(noted, st.integers(0, 40), st.integers(1, 3), robots, st.integers(4, 10))
def test_it_is_never_certain_of_what_is_not_so(
    changes: list[tuple[int, str | None]], after: int, key_id: int, robot_id: str | None, most: int
) -> None:
    recent = RecentChanges()
    recent.begin(Position(0, 5))
    with mock.patch.object(recent_changes, 'MOST_TOPICS', most):
        for number, change in enumerate(changes, 6):
            recent.note(Position(0, number), *change)
    theirs = [
        number for number, (key, robot) in enumerate(changes, 6)
        if key == key_id and robot_id in (None, robot)
    ]  # fmt: skip
    certain = recent.none_after(Position(0, after), key_id, robot_id)
    assert not certain or (5 <= after <= 5 + len(changes) and max(theirs, default=0) <= after)
    if after == 5 + len(changes):
        assert certain


def test_it_knows_nothing_after_a_stop() -> None:
    recent = RecentChanges()
    recent.begin(Position(0, 5))
    recent.stop()
    recent.note(Position(0, 6), 1, None)
    assert not recent.none_after(Position(0, 6), 1, None)


def test_who_waits_anew_is_told_from_memory_and_misses_nothing(service: InProcess) -> None:
    robot, other = service.tenant(), service.tenant('other')
    other.ask()
    begun = cursor = feed(robot)['cursor']
    store, recent = service.context.store, service.context.bus.recent
    end = time.monotonic() + DEADLINE_S
    while recent.newest != store.read_now(change_log.bounds)[1]:
        assert time.monotonic() < end
    with mock.patch.object(store, 'read_for', side_effect=AssertionError('it was read')):
        for _ in range(3):
            page = feed(robot, cursor, block=0.01)
            assert page['changes'] == []
            cursor = page['cursor']
    token = robot.ask()
    assert tokens(feed(robot, cursor, block=60)) == [token]
    assert tokens(feed(robot, begun, block=60)) == [token]
