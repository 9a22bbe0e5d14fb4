# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the desk hands on, what it leaves out, and what it says of it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import numpy as np
import pytest
from engagements_harness import run, submit
from samples import escalation, image
from triage_harness import Seen, office, seen

from spark_ros.escalation.engagements import LimitReached
from spark_ros.escalation.journal.journal import Journal
from spark_ros.escalation.question.asking import Asking
from spark_ros.escalation.question.dry_run import DryRun, Summary
from spark_ros.escalation.settings import Limits
from spark_ros.escalation.triage import FULL_PAUSE_S, SUMMARY_EVERY_S
from spark_ros.model import State
from spark_ros.policy import Cooldown, Thresholds

ASKING = {'front': Asking(Thresholds(0.6, 0.1), cooldown_s=60.0)}


def test_only_what_is_not_cooling_down_is_asked_about() -> None:
    """What is, stands there as a prior; it does not say how urgent the question is."""

    async def test() -> None:
        async with office(ASKING) as here:
            assert await here.see(Seen([seen(0, 0.2)]))
            asked = await here.see(Seen([seen(0, 0.2), seen(3, 0.5), seen(4, 0.9)]))
            assert asked is not None and asked.certainty == 0.5
            marked = {prior.id: prior.doubted for prior in asked.priors}
            assert marked == {'0': False, '3': True, '4': False}

    run(test())


def test_a_drive_begins_without_an_object_that_cools_down() -> None:
    """The limits go on: they protect people."""

    async def test() -> None:
        async with office(ASKING, Limits(per_hour=2)) as here:
            assert await here.see(Seen([seen(0, 0.5)]))
            here.configure(drive='another')
            assert await here.see(Seen([seen(0, 0.5)], stamp_ns=2))
            here.configure(drive='another', poll_interval_s=2.0)
            assert await here.see(Seen([seen(0, 0.5)], stamp_ns=3)) is None
            assert not here.triage.dropped
            assert await here.see(Seen([seen(3, 0.5)], stamp_ns=4)) is None
            assert here.triage.dropped == {'limits.per_hour': 1}

    run(test())


def test_a_full_memory_is_told_only_where_there_was_a_doubt() -> None:
    async def test() -> None:
        async with office(ASKING) as here:
            here.triage._cooldown['front'] = Cooldown(most=1)
            assert await here.see(Seen([seen(0, 0.5)]))
            for stamp_ns, score in ((2, 0.9), (3, 0.5)):
                assert await here.see(Seen([seen(1, score)], stamp_ns=stamp_ns)) is None
            assert here.triage.dropped == {'too many objects are cooling down': 1}

    run(test())


def test_what_the_journal_has_no_room_for_does_not_cool_down() -> None:
    """Nor is each of a camera's frames encoded for nothing while there is none."""

    async def test() -> None:
        journal = Journal(None, len(image().data) + 1)
        async with office(ASKING, journal=journal) as here:
            here.engagements.configure(dry_run=True)
            # It cannot be given up for one of a lower priority.
            await submit(here.engagements, escalation(priority=9))
            frame = Seen([seen(0, 0.3)])
            for _ in range(5):
                assert await here.see(frame) is None
            assert frame.encoded == 1
            assert here.triage.dropped == {'journal.max_mb': 1, 'the journal is full': 4}
            here.engagements.configure(dry_run=False)
            await here.record.until(lambda: here.engagements.all_asked())
            here.now += FULL_PAUSE_S
            assert await here.see(frame)

    run(test())


def test_an_image_that_cannot_be_used_does_not_cool_down() -> None:
    async def test() -> None:
        async with office(ASKING) as here:
            with pytest.raises(ValueError, match='no image'):
                await here.see(Seen([seen(0, 0.3)], broken=True))
            assert await here.see(Seen([seen(0, 0.3)]))

    run(test())


def test_what_has_been_sent_in_the_meantime_does_not_give_way() -> None:
    async def test() -> None:
        async with office(ASKING, Limits(open=1)) as here:
            here.engagements.configure(dry_run=True)
            waiting, urgent = escalation(certainty=0.5), escalation(certainty=0.2)
            await submit(here.engagements, waiting)
            assert here.engagements.admits(0.2, 0.0) == ''
            here.engagements.configure(dry_run=False)
            await here.record.until(lambda: here.engagements.all_asked())
            with pytest.raises(LimitReached, match=r'limits\.open'):
                await submit(here.engagements, urgent)
            assert [asked.id for asked in here.engagements.all_asked()] == [waiting.id]
            assert len(await here.engagements.on_disk(here.engagements.kept.disk.entries)) == 1

    run(test())


def test_a_higher_priority_gives_way_last() -> None:
    asking = {
        name: Asking(Thresholds(0.6, 0.1), cooldown_s=0.0, priority=priority)
        for name, priority in (('front', 5), ('rear', 0))
    }

    async def test() -> None:
        async with office(asking, Limits(open=2)) as here:
            here.engagements.configure(dry_run=True)
            low = await here.see(Seen([seen(0, 0.2)], 'rear'))
            await here.see(Seen([seen(0, 0.3)], 'rear'))
            assert await here.see(Seen([seen(0, 0.5)]))
            assert low is not None and State.CANCELED not in here.record.states(low.id)
            assert await here.see(Seen([seen(0, 0.4)]))
            assert State.CANCELED in here.record.states(low.id)
            assert await here.see(Seen([seen(0, 0.1)], 'rear')) is None
            assert here.triage.dropped == {'limits.open': 1}

    run(test())


def test_a_dry_run_says_what_it_would_ask_and_why(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def test() -> None:
        async with office(ASKING, Limits(per_hour=2), dry_run=True) as here:
            for number in (0, 3, 4):
                await here.see(Seen([seen(number, 0.2), seen(5, 0.55), seen(6, 0.9)]))
            (_, first), (_, second) = here.told
            assert (first.state, first.token) == (State.WOULD_ASK, '')
            assert first.detail == 'cat 0.2 is under its ask_below 0.6, and 1 more'
            assert second.detail == 'dog 0.2 is under its ask_below 0.6'
            summary = here.triage.dry_run
            assert summary == Summary(
                2, {'cat': 1, 'dog': 1}, {'front': 2}, {'limits.per_hour': 1}
            )
            assert not here.triage.dropped
            # Its timer is set; what it says is said at the end at the latest.
            assert here.triage._summing_up is not None
            rest = here.triage._summing_up.when() - asyncio.get_running_loop().time()
            assert 0 < rest <= SUMMARY_EVERY_S

    async def over() -> None:
        async with office(ASKING, dry_run=True) as here:
            await here.see(Seen([seen(0, 0.2)]))
            here.configure(dry_run=False)
            assert here.triage.dry_run is None
            # Nobody was asked about it.
            asked = await here.see(Seen([seen(0, 0.2)]))
            assert asked and here.record.states(asked.id)[0] is State.QUEUED
            here.configure(dry_run=True)
            assert here.triage.dry_run == Summary()
            await here.see(Seen([seen(0, 0.2)]))
            here.configure(dry_run=False)
            assert await here.see(Seen([seen(0, 0.2)])) is None

    run(test())
    run(over())
    assert 'dry run: 1 question in the last hour: 1 cat; front 1' in caplog.text


def test_the_numbers_of_a_dry_run_are_those_of_an_hour() -> None:
    dry_run = DryRun(['front', 'rear'])
    for at in range(9):
        dry_run.count('front', 'cat', float(at))
    for at in range(5):
        dry_run.count('front' if at < 3 else 'rear', 'dog', 100.0 + at)
    text = '14 questions in the last hour: 9 cat, 5 dog; front 12, rear 2'
    assert str(dry_run.summary(200.0)) == text
    assert dry_run.summary(3600.0 + 50.0).by_label == {'dog': 5}
    assert str(dry_run.summary(8000.0)) == '0 questions in the last hour'


@pytest.mark.parametrize('label', ['two\nlines', 'x' * 10_000, '\x1b[31mred', ''])
def test_a_label_does_not_break_the_log(label: str) -> None:
    dry_run = DryRun(['front'])
    dry_run.count('front', label, 0.0)
    for number in range(100):
        dry_run.count('front', f'label {number}', 0.0)
    text = str(dry_run.summary(1.0))
    assert text.isprintable() and len(text) < 600 and '91 others' in text


def test_parameters_change_for_what_is_remembered_too() -> None:
    async def test() -> None:
        async with office(ASKING) as here:
            assert await here.see(Seen([seen(0, 0.3)]))
            here.now += 10.0
            short: dict[str, Any] = {'front': Asking(Thresholds(0.6, 0.1), cooldown_s=5.0)}
            here.configure(asking=short)
            assert await here.see(Seen([seen(0, 0.3)]))

    run(test())


def test_what_was_asked_cools_down_even_if_it_cannot_be_remembered() -> None:
    class Odd(Seen):
        def pixels(self) -> np.ndarray:
            raise MemoryError

    async def scenario() -> None:
        async with office({'front': Asking(reuse_s=20.0)}) as here:
            with pytest.raises(MemoryError):
                await here.see(Odd([seen(0, 0.4)]))
            assert here.told[0][1].state is State.QUEUED
            assert await here.see(Seen([seen(0, 0.4)], stamp_ns=2)) is None

    run(scenario())
