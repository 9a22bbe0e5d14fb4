# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a person said of an object answers later doubts about it, and nothing else does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from triage_harness import Office, Seen, office, seen

from spark_ros.calibration.decision_files import read_log
from spark_ros.calibration.drives import drives_of
from spark_ros.calibration.replay import replay
from spark_ros.escalation.backends.backend import Report
from spark_ros.escalation.decision_log import DecisionLog
from spark_ros.escalation.question.asking import Asking, QuestionSpec
from spark_ros.escalation.question.escalation import Escalation, Resolved
from spark_ros.escalation.question.request import Request
from spark_ros.escalation.settings import Limits
from spark_ros.geometry import Box
from spark_ros.model import (
    Annotation,
    Answer,
    Correction,
    CorrectionKind,
    Question,
    State,
    box_annotation,
)

ASKED = Question(instructions='Look.', label_options=('cat', 'dog'))
REUSING = Asking(cooldown_s=5.0, question=ASKED, reuse_s=20.0)
REMOVED = CorrectionKind.REMOVED


def picture(seed: int) -> np.ndarray:
    """Return a grey picture (240, 320) without two parts that look alike."""
    cells = np.random.default_rng(seed).integers(0, 256, (15, 20), np.uint8)
    return cv2.resize(cells, (320, 240), interpolation=cv2.INTER_CUBIC)


HALL, OTHER_HALL = picture(1), picture(2)


def shifted(by: float) -> np.ndarray:
    """Return what is seen once everything has moved to the right by a fraction of the width."""
    return np.roll(HALL, round(by * HALL.shape[1]), axis=1)


def look_at(*found: Annotation, picture: np.ndarray | None = HALL, **more: object) -> Seen:
    return Seen(list(found), picture=picture, **more)


def remove(asked: Escalation) -> tuple[Correction, ...]:
    return tuple(Correction(REMOVED, prior, None) for prior in asked.priors)


async def say(
    here: Office, asked: Escalation | None,
    said: Callable[[Escalation], Sequence[Correction]] = remove, state: State = State.CLOSED,
    flags: tuple[str, ...] = (),
) -> None:  # fmt: skip
    """Answer a question, and wait until the robot has it."""
    assert asked is not None
    here.service.answers[asked.id] = Report(
        f'token of {asked.id}', state,
        lambda recalled: Answer(state, corrections=tuple(said(recalled)), flags=flags),
    )  # fmt: skip
    await here.record.until(
        lambda: any(each.escalation.id == asked.id for each in here.record.resolved)
    )


async def reused(here: Office, frame: Seen) -> Resolved | None:
    """Return the earlier answer that a frame gets, if it does; nobody is asked about it then."""
    before = len(here.record.resolved)
    asked = await here.see(frame)
    new = here.record.resolved[before:]
    assert len(new) <= 1 and (not new or asked is None)
    return new[0] if new else None


def test_it_answers_later_frames() -> None:
    async def scenario() -> None:
        async with office({'front': REUSING}) as here:
            first = await here.see(look_at(seen(0, 0.4)))
            await say(here, first, flags=('low_quality',))
            here.now = 6.0
            found = seen(1, 0.9), seen(0, 0.45, 0.04)
            frame = look_at(*found, picture=shifted(0.04), stamp_ns=7)
            again = await reused(here, frame)
            assert again is not None and again.reused and not frame.encoded
            assert again.escalation.id != first.id and again.token == ''
            assert again.escalation.metadata['reused_from'] == first.id
            assert (again.escalation.stamp_ns, again.escalation.outgoing) == (7, None)
            assert again.answer.state is State.CLOSED
            assert again.answer.flags == ('low_quality', 'reused')
            sure, doubted = again.escalation.priors
            assert doubted.doubted and not sure.doubted
            assert again.answer.corrections == (
                Correction(CorrectionKind.UNMENTIONED, sure, sure),
                Correction(REMOVED, doubted, None),
            )
            assert here.triage.reused == 1

    asyncio.run(scenario())


def test_it_answers_what_cools_down_and_logs_that_once(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> str:
        async with office({'front': REUSING}) as here:
            asked = await here.see(look_at(seen(0, 0.4)))
            await say(here, asked)
            assert asked
            for now in (1.0, 2.0):
                here.now = now
                assert await reused(here, look_at(seen(0, 0.4)))
            return asked.id

    caplog.set_level('INFO')
    id = asyncio.run(scenario())
    (line,) = [record.message for record in caplog.records if 'state=reused' in record.message]
    assert line == f'question={id} token=- robot=- state=reused camera=front'


def test_it_is_forgotten_and_then_asked_again() -> None:
    async def scenario() -> None:
        async with office({'front': REUSING}) as here:
            first = await here.see(look_at(seen(0, 0.4)))
            here.now = 3.0
            await say(here, first)
            for now in (4.0, 22.9):
                here.now = now
                again = await reused(here, look_at(seen(0, 0.4)))
                # Of the person's answer, not of the one before.
                assert again and again.escalation.metadata['reused_from'] == first.id
            here.now = 23.0
            assert await here.see(look_at(seen(0, 0.4)))

    asyncio.run(scenario())


def test_the_last_answer_about_an_object_counts() -> None:
    async def scenario() -> None:
        async with office({'front': REUSING}) as here:
            first = await here.see(look_at(seen(0, 0.4)))
            await say(here, first)
            here.now = 6.0
            second = await here.see(look_at(seen(0, 0.4), seen(1, 0.4)))
            assert second and [prior.doubted for prior in second.priors] == [True, True]
            again = await reused(here, look_at(seen(0, 0.4)))
            assert again and again.escalation.metadata['reused_from'] == first.id
            await say(here, second)
            again = await reused(here, look_at(seen(0, 0.4)))
            assert again and again.escalation.metadata['reused_from'] == second.id

    asyncio.run(scenario())


def test_without_a_cooldown_the_first_answer_ends_the_asking() -> None:
    async def scenario() -> None:
        async with office({'front': replace(REUSING, cooldown_s=0.0)}) as here:
            first, *_ = [await here.see(look_at(seen(0, 0.4))) for _ in range(20)]
            await say(here, first)
            again = await reused(here, look_at(seen(0, 0.4)))
            assert again and again.escalation.metadata['reused_from'] == first.id

    asyncio.run(scenario())


def test_answers_to_two_questions_can_cover_a_frame() -> None:
    async def scenario() -> None:
        async with office({'front': REUSING}) as here:
            one = await here.see(look_at(seen(0, 0.4)))
            other = await here.see(look_at(seen(1, 0.4)))
            assert one and other
            await say(here, one)
            assert await reused(here, look_at(seen(0, 0.4), seen(1, 0.4))) is None
            await say(here, other)
            again = await reused(here, look_at(seen(0, 0.4), seen(1, 0.4)))
            assert again and again.escalation.metadata['reused_from'] == f'{one.id},{other.id}'

    asyncio.run(scenario())


@pytest.mark.parametrize('state', [State.FLAGGED, State.EXPIRED, State.CANCELED])
def test_only_a_closed_answer_is_used_again(state: State) -> None:
    async def scenario() -> None:
        async with office({'front': REUSING}) as here:
            asked = await here.see(look_at(seen(0, 0.4)))
            assert asked
            if state is State.FLAGGED:
                await say(here, asked, state=state)
            else:
                here.service.end(asked.id, state)
                await here.record.until(lambda: state in here.record.states(asked.id))
            here.now = 1.0
            frame = look_at(seen(0, 0.4))
            assert await reused(here, frame) is None
            assert not frame.looked_at

    asyncio.run(scenario())


DIFFERENT = {
    'it looks different': look_at(seen(0, 0.4), picture=OTHER_HALL),
    'it cannot be decoded': look_at(seen(0, 0.4), picture=None),
    'it is elsewhere': look_at(seen(0, 0.4, shift=0.1)),
    'it has another label': look_at(replace(seen(0, 0.4), label='dog')),
    'a tracker knows it': look_at(replace(seen(0, 0.4), attributes={'tracker_id': '5'})),
    'another doubt is new': look_at(seen(0, 0.4), seen(1, 0.4)),
    'there are two': look_at(seen(0, 0.4), replace(seen(0, 0.4), id='1')),
    'another camera sees it': look_at(seen(0, 0.4), camera='rear'),
}


@pytest.mark.parametrize('frame', DIFFERENT.values(), ids=DIFFERENT)
def test_everything_must_agree(frame: Seen) -> None:
    async def scenario() -> None:
        async with office({'front': REUSING, 'rear': REUSING}) as here:
            await say(here, await here.see(look_at(seen(0, 0.4))))
            here.now = 6.0
            assert await reused(here, look_at(seen(0, 0.4)))
            assert await here.see(frame)

    asyncio.run(scenario())


CHANGES = {
    'other instructions': {'question': replace(ASKED, instructions='Look again.')},
    'other labels': {'question': replace(ASKED, label_options=('cat',))},
    'another program': {'program': 'animals'},
    'reuse is switched off': {'reuse_s': 0.0},
}


@pytest.mark.parametrize('change', CHANGES.values(), ids=CHANGES)
def test_another_question_is_asked(change: dict[str, object]) -> None:
    async def scenario() -> None:
        async with office({'front': REUSING}) as here:
            await say(here, await here.see(look_at(seen(0, 0.4))))
            here.configure(asking={'front': replace(REUSING, **change)})
            here.now = 6.0
            assert await here.see(look_at(seen(0, 0.4)))

    asyncio.run(scenario())


def test_a_tracker_finds_it_elsewhere() -> None:
    async def scenario() -> None:
        async with office({'front': REUSING}) as here:
            await say(here, await here.see(look_at(seen(5, 0.4))))
            assert await reused(here, look_at(seen(5, 0.4, 0.2), picture=shifted(0.2)))

    asyncio.run(scenario())


def test_its_place_moves_along_while_nobody_has_answered() -> None:
    async def scenario() -> None:
        async with office({'front': REUSING}) as here:
            asked = await here.see(look_at(seen(0, 0.4)))
            for step in range(1, 5):
                frame = look_at(seen(0, 0.4, 0.04 * step), picture=shifted(0.04 * step))
                assert await reused(here, frame) is None
            await say(here, asked)
            assert await reused(here, look_at(seen(0, 0.4, 0.2), picture=shifted(0.2)))

    asyncio.run(scenario())


def test_who_asks_on_purpose_gets_a_person() -> None:
    async def scenario() -> None:
        async with office({'front': REUSING}) as here:
            await say(here, await here.see(look_at(seen(0, 0.4))))
            frame = look_at(seen(0, 0.4))
            asked = Request('a goal', frame, lambda asking: QuestionSpec(ASKED))
            assert await here.triage.ask(asked) == ''
            assert State.QUEUED in here.record.states('a goal')
            assert not frame.looked_at

    asyncio.run(scenario())


def test_an_audit_gets_a_person_and_what_is_used_again_is_logged(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path / 'decisions.jsonl', 1_000_000)

    async def scenario() -> None:
        audited = replace(REUSING, audit_rate=1.0, cooldown_s=1.0)
        async with office({'front': audited}, log=log) as here:
            await say(here, await here.see(look_at(seen(0, 0.4))))
            here.now = 2.0
            assert await here.see(look_at(seen(0, 0.4), stamp_ns=2))
            here.configure(asking={'front': replace(audited, audit_rate=0.0)})
            here.now = 4.0
            assert await reused(here, look_at(seen(0, 0.4), stamp_ns=3))

    asyncio.run(scenario())
    log.close()
    (drive,) = drives_of(read_log([log.path]))
    assert [(each.asked, each.audit, each.refused) for each in drive.frames] == [
        (True, True, ''), (True, True, ''), (False, False, 'reused'),
    ]  # fmt: skip
    assert replay(drive, drive.policy).asked == (0, 1)


def test_with_reuse_off_no_frame_is_looked_at() -> None:
    async def scenario() -> None:
        async with office({'front': replace(REUSING, reuse_s=0.0)}) as here:
            frame = look_at(seen(0, 0.4))
            await say(here, await here.see(frame))
            assert await reused(here, frame) is None
            assert not frame.looked_at

    asyncio.run(scenario())


def test_limits_do_not_hold_it_up() -> None:
    async def scenario() -> None:
        async with office({'front': REUSING}, Limits(per_hour=1)) as here:
            await say(here, await here.see(look_at(seen(0, 0.4))))
            here.now = 6.0
            assert await reused(here, look_at(seen(0, 0.4)))

    asyncio.run(scenario())


def test_an_image_that_cannot_be_decoded_is_asked_about() -> None:
    async def scenario() -> None:
        async with office({'front': REUSING}) as here:
            await say(here, await here.see(look_at(seen(0, 0.4), picture=None)))
            here.now = 6.0
            assert await here.see(look_at(seen(0, 0.4)))

    asyncio.run(scenario())


def test_what_nobody_mentioned_is_asked_again() -> None:
    def unmentioned(asked: Escalation) -> list[Correction]:
        return [Correction(CorrectionKind.UNMENTIONED, prior, prior) for prior in asked.priors]

    async def scenario() -> None:
        async with office({'front': REUSING}) as here:
            await say(here, await here.see(look_at(seen(0, 0.4))), unmentioned)
            here.now = 6.0
            assert await here.see(look_at(seen(0, 0.4)))

    asyncio.run(scenario())


def test_a_dry_run_reuses_nothing() -> None:
    async def scenario() -> None:
        async with office({'front': REUSING}) as here:
            await say(here, await here.see(look_at(seen(0, 0.4))))
            here.configure(dry_run=True)
            assert await here.see(look_at(seen(0, 0.4)))

    asyncio.run(scenario())


def widened(asked: Escalation) -> list[Correction]:
    """Say that it is a dog that reaches half a box further to the left."""
    (prior,) = asked.priors
    x0, y0, x1, y1 = prior.box
    dog = box_annotation('dog', Box(x0 - (x1 - x0) / 2, y0, x1, y1), attributes={'tail': 'yes'})
    return [Correction(CorrectionKind.MODIFIED, prior, dog)]


def test_a_box_that_was_moved_is_moved_alike() -> None:
    async def scenario() -> None:
        async with office({'front': REUSING}) as here:
            await say(here, await here.see(look_at(seen(1, 0.4))), widened)
            again = await reused(here, look_at(seen(1, 0.5, 0.04), picture=shifted(0.04)))
            assert again
            (correction,) = again.answer.corrections
            assert correction.original == again.escalation.priors[0]
            dog = correction.corrected
            assert dog and (dog.label, dog.id, dog.attributes) == ('dog', '1', {'tail': 'yes'})
            assert dog.box == pytest.approx((0.19, 0.0, 0.49, 0.4))

    asyncio.run(scenario())


def test_what_would_lie_outside_the_frame_is_asked_about() -> None:
    def beside(asked: Escalation) -> list[Correction]:
        (prior,) = asked.priors
        dog = box_annotation('dog', Box(0.0, 0.0, 0.01, 0.4))
        return [Correction(CorrectionKind.MODIFIED, prior, dog)]

    async def scenario() -> None:
        async with office({'front': REUSING}) as here:
            await say(here, await here.see(look_at(seen(0, 0.4, 0.04))), beside)
            here.now = 6.0
            assert await here.see(look_at(seen(0, 0.4), picture=shifted(-0.04)))

    asyncio.run(scenario())
