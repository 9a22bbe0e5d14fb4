# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What holds whatever is seen, and in whatever order: limits, cool-downs, who gives way."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from engagements_harness import run
from hypothesis import given, settings
from hypothesis import strategies as st
from triage_harness import CAMERAS, WORLD, Office, Seen, office, seen

from spark_ros.escalation.backends.backend import Report
from spark_ros.escalation.question.asking import Asking
from spark_ros.escalation.question.escalation import Escalation
from spark_ros.escalation.settings import Limits
from spark_ros.escalation.triage import doubted_of
from spark_ros.model import Answer, State
from spark_ros.policy import Thresholds

pytestmark = pytest.mark.slow('plays hundreds of series of frames')

COOLDOWN_S = 60.0
scores = st.sampled_from([0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.7])
shifts = st.floats(-0.02, 0.02)
objects = st.integers(0, len(WORLD) - 1)
frames = st.builds(
    lambda camera, found: Seen([seen(n, *rest) for n, rest in found.items()], camera),
    st.sampled_from(CAMERAS),
    st.dictionaries(objects, st.tuples(scores, shifts), min_size=1, max_size=4),
)
waits = st.sampled_from([1.0, 20.0, 58.0, 61.0, 1700.0, 3601.0])
# Mostly, what is asked piles up: senders would have it in hand at once.
steps = st.lists(
    st.one_of(frames, frames, frames, waits, st.sampled_from(['hold', 'hold', 'send', 'answer'])),
    min_size=20, max_size=40,
).map(lambda given: ['hold', *given])  # fmt: skip
limits = st.builds(Limits, open=st.integers(0, 4), per_hour=st.integers(0, 5))
REACHED: Counter[str] = Counter()
LAWS = settings(max_examples=80, deadline=None)


def asking(priority: int = 0) -> Asking:
    return Asking(Thresholds(0.6, 0.1), cooldown_s=COOLDOWN_S, priority=priority)


ASKING = {'front': asking(), 'rear': asking(priority=1)}


def numbers(question: Escalation) -> frozenset[str]:
    """Return which objects a question is about."""
    return frozenset(prior.id for prior in doubted_of(question))


def urgency(question: Escalation) -> tuple[int, float]:
    """Return what the highest of is asked first, and gives way last."""
    return question.priority, -question.certainty


async def play(here: Office, given: list[Any], check: Callable[[Seen, Any], None]) -> None:
    """Go through the steps; check after each frame what came of it."""
    for step in given:
        if isinstance(step, Seen):
            check(step, await here.see(step))
        elif isinstance(step, float):
            here.now += step
        elif step == 'answer':
            for asked in here.engagements.all_asked()[:1]:
                closed = Report(asked.token, State.CLOSED, lambda _: Answer(State.CLOSED))
                await here.engagements.router.route(closed)
        else:
            here.engagements.configure(dry_run=step == 'hold')
            await asyncio.sleep(0)


@LAWS
@given(limits, steps)
def test_never_more_than_the_limits(limits: Limits, given: list[Any]) -> None:
    async def test() -> None:
        async with office(ASKING, limits) as here:

            def check(_: Seen, question: Escalation | None) -> None:
                assert not limits.open or here.engagements._questions.waiting() <= limits.open
                asked = [at for at, status in here.told if status.state is State.QUEUED]
                lately = [at for at in asked if at > here.now - 3600.0]
                assert not limits.per_hour or len(lately) <= limits.per_hour

            await play(here, given, check)

    run(test())


class Memory:
    """What was asked when, as a reader of the rules would keep it."""

    def __init__(self) -> None:
        self._asked_at: dict[tuple[str, str], float] = {}

    def fresh(self, frame: Seen, now: float) -> dict[str, float]:
        """Return the scores of what is doubted and not cooling down, by object."""
        return {
            a.id: a.score or 0.0
            for a in frame.found
            if 0.1 <= (a.score or 0.0) < 0.6
            and now >= self._asked_at.get((frame.camera, a.id), -1e9) + COOLDOWN_S
        }

    def note(self, question: Escalation | None, now: float) -> None:
        if question is not None:
            self._asked_at.update({(question.camera, id): now for id in numbers(question)})


@LAWS
@given(steps)
def test_never_the_same_object_twice_in_its_cooldown(given: list[Any]) -> None:
    """And always the others: what is doubted and not cooling down is asked about."""

    async def test() -> None:
        async with office(ASKING, Limits(open=0)) as here:
            memory = Memory()

            def check(frame: Seen, question: Escalation | None) -> None:
                fresh = memory.fresh(frame, here.now)
                assert (numbers(question) if question else frozenset()) == set(fresh)
                assert question is None or question.certainty == min(fresh.values())
                memory.note(question, here.now)

            await play(here, given, check)

    run(test())


@LAWS
@given(st.integers(1, 3), steps)
def test_the_least_certain_are_never_dropped_for_a_more_certain_one(
    open_at_most: int, given: list[Any]
) -> None:
    """Nor those of a higher priority; what a sender has in hand can no longer give way."""

    async def test() -> None:
        async with office(ASKING, Limits(open=open_at_most)) as here:
            memory = Memory()

            def check(frame: Seen, question: Escalation | None) -> None:
                fresh = memory.fresh(frame, here.now)
                if fresh and question is None:
                    refused = (ASKING[frame.camera].priority, -min(fresh.values()))
                    for one in here.engagements._questions._by_id.values():
                        kept = (one.entry.priority, -one.entry.certainty)
                        assert not one.unsent or kept >= refused
                    REACHED['refused'] += 1
                memory.note(question, here.now)

            await play(here, given, check)
            steps_of = [s for _, s in here.told if s.state in (State.QUEUED, State.CANCELED)]
            for status, after in pairwise(steps_of):
                if status.state is State.CANCELED:
                    assert after.state is State.QUEUED
                    assert urgency(after.escalation) > urgency(status.escalation)
                    REACHED['gave way'] += 1

    run(test())


def test_the_laws_were_tried_where_they_matter() -> None:
    assert min(REACHED['refused'], REACHED['gave way']) > 3, REACHED


@LAWS
@given(st.integers(0, 4), st.lists(st.one_of(frames, frames, waits), max_size=30))
def test_a_dry_run_asks_nobody_and_decides_as_the_real_one_would(
    per_hour: int, given: list[Any]
) -> None:
    async def test() -> None:
        decided: list[list[Any]] = []
        for dry_run in (False, True):
            asked: list[Any] = []
            limits = Limits(open=0, per_hour=per_hour)
            async with office(ASKING, limits, dry_run=dry_run) as here:

                def note(frame: Seen, question: Escalation | None, asked: Any = asked) -> None:
                    asked.append(question and (numbers(question), urgency(question)))

                await play(here, given, note)
                if dry_run:
                    assert not here.service.calls and not len(here.engagements._questions)
                    assert await here.engagements.on_disk(here.engagements.kept.disk.entries) == []
                    assert {s.state for _, s in here.told} <= {State.WOULD_ASK}
                    assert not any(frame.encoded for frame in given if isinstance(frame, Seen))
                else:
                    for frame in given:
                        if isinstance(frame, Seen):
                            frame.encoded = 0
            decided.append(asked)
        assert decided[0] == decided[1]

    run(test())
