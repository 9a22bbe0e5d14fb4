# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Audits: which frames, what is told of them, and limits of their own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from engagements_harness import run, submit
from hypothesis import given
from hypothesis import strategies as st
from samples import escalation, image
from triage_harness import Seen, office, seen

from spark_ros.calibration.decision_files import read_log
from spark_ros.calibration.drives import drives_of
from spark_ros.escalation.audits import is_audited
from spark_ros.escalation.backends.heat_question import DetectionAs, heat_request
from spark_ros.escalation.decision_log import DecisionLog
from spark_ros.escalation.journal.errors import JournalFull
from spark_ros.escalation.journal.journal import Journal
from spark_ros.escalation.pictures.framing import as_sent, in_frame
from spark_ros.escalation.question.asking import Asking
from spark_ros.escalation.question.escalation import Audit
from spark_ros.escalation.question.outgoing_image import ImageSettings
from spark_ros.escalation.settings import Limits
from spark_ros.escalation.triage import MAX_WAITING
from spark_ros.model import Answer, Correction, CorrectionKind, State, box_annotation
from spark_ros.policy import Thresholds

EVERY = {'front': Asking(Thresholds(0.6, 0.1), cooldown_s=60.0, audit_rate=1.0)}
names = st.text(max_size=8)


@given(st.floats(0, 1), st.floats(0, 1), names, names, names, st.integers(0, 2**63))
def test_a_higher_rate_chooses_the_same_frames_and_more(a, b, robot, drive, camera, stamp) -> None:
    low, high = sorted((a, b))
    chosen = is_audited(low, robot, drive, camera, stamp)
    assert chosen == is_audited(low, robot, drive, camera, stamp)
    assert not chosen or is_audited(high, robot, drive, camera, stamp)
    assert is_audited(1.0, robot, drive, camera, stamp)
    assert not is_audited(0.0, robot, drive, camera, stamp)


def test_the_rate_is_kept_and_each_robot_drive_and_camera_chooses_for_itself() -> None:
    stamps = range(0, 20_000 * 33_333_333, 33_333_333)
    seeds = ('a', '1', 'front'), ('b', '1', 'front'), ('a', '2', 'front'), ('a', '1', 'left')
    of = {each: {s for s in stamps if is_audited(0.1, *each, s)} for each in seeds}
    for each, chosen in of.items():
        # Six standard deviations.
        assert abs(len(chosen) - 2000) < 260, each
        others = [len(chosen & other) for name, other in of.items() if name != each]
        assert all(abs(shared - 200) < 90 for shared in others), others


def test_nothing_of_the_detectors_mind_leaves_and_all_of_it_comes_back() -> None:
    image = ImageSettings(crop=True)
    asking = {'front': Asking(Thresholds(0.6, 0.1), audit_rate=1.0, image=image)}

    async def test() -> None:
        async with office(asking) as here:
            asked = await here.see(Seen([seen(5, 0.9), seen(3, 0.2), seen(0, 0.5)]))
            assert asked is not None and asked.audit is Audit.ALSO
            assert asked.outgoing is not None and asked.outgoing.whole
            sent = as_sent(asked)
            assert [(p.id, p.score, p.attributes) for p in sent.priors] == [
                ('0', None, {}), ('1', None, {}), ('2', None, {})
            ]
            left_to_right = sorted(asked.priors, key=lambda prior: prior.box)
            assert [p.box for p in sent.priors] == [p.box for p in left_to_right]
            for each in DetectionAs:
                assert heat_request(sent, 'http://image', each) == heat_request(
                    sent, 'http://image', DetectionAs.RECTANGLES
                )
            box = box_annotation('dog', sent.priors[1].box, id='1')
            said = Answer(
                State.CLOSED,
                corrections=(
                    Correction(CorrectionKind.CONFIRMED, sent.priors[0], sent.priors[0]),
                    Correction(CorrectionKind.MODIFIED, sent.priors[1], box),
                    Correction(CorrectionKind.REMOVED, sent.priors[2], None),
                    Correction(CorrectionKind.ADDED, None, box),
                ),
            )
            kinds = CorrectionKind
            assert in_frame(asked, said).corrections == (
                Correction(kinds.MODIFIED, asked.priors[0], replace(box, id='5')),
                Correction(kinds.REMOVED, asked.priors[1], None),
                Correction(kinds.CONFIRMED, asked.priors[2], asked.priors[2]),
                Correction(kinds.ADDED, None, box),
            )

    run(test())


def test_a_frame_without_detections_is_audited_and_starts_no_cooldown() -> None:
    async def test() -> None:
        async with office(EVERY, Limits(1, 1)) as here:
            nothing = await here.see(Seen([]))
            assert nothing is not None and nothing.audit is Audit.ONLY
            sure = await here.see(Seen([seen(0, 0.9)], stamp_ns=2))
            assert sure is not None and sure.audit is Audit.ONLY
            # The same object, and neither limit of doubts has counted the two.
            both = await here.see(Seen([seen(0, 0.5)], stamp_ns=3))
            assert both is not None and both.audit is Audit.ALSO
            again = await here.see(Seen([seen(0, 0.5)], stamp_ns=4))
            assert again is not None and again.audit is Audit.ONLY
            refused = await here.see(Seen([seen(3, 0.5)], stamp_ns=5))
            assert refused is not None and refused.audit is Audit.ONLY
            assert here.triage.dropped == {'limits.per_hour': 1}

    run(test())


def test_audits_have_a_limit_of_their_own_also_after_a_restart(path: Path) -> None:
    limits = Limits(open=1, audits_per_hour=2)

    async def test() -> None:
        async with office(EVERY, limits, Journal(path)) as here:
            here.now = 1e6
            for stamp_ns in range(3):
                await here.see(Seen([seen(0, 0.9)], stamp_ns=stamp_ns))
            assert here.triage.dropped == {'limits.audits_per_hour': 1}
            assert await here.see(Seen([seen(0, 0.5)], stamp_ns=9))
            assert here.engagements.admits(0.0, here.now)
        async with office(EVERY, Limits(open=2, audits_per_hour=4), Journal(path)) as here:
            here.now = 1e6
            assert here.engagements._questions.audits_waiting() == 2
            assert here.engagements._questions.waiting() == 1
            for stamp_ns in range(10, 13):
                await here.see(Seen([], stamp_ns=stamp_ns))
            assert here.triage.dropped == {'limits.audits_per_hour': 1}
            assert not here.engagements.admits(0.0, here.now)

    run(test())


@pytest.mark.parametrize('audit', [Audit.ONLY, Audit.ALSO])
def test_no_doubt_takes_the_place_of_an_audit(audit: Audit) -> None:
    async def test() -> None:
        journal = Journal(None, len(image().data) + 1)
        async with office(EVERY, Limits(open=1), journal=journal) as here:
            here.engagements.configure(dry_run=True)
            await submit(here.engagements, escalation(audit=audit, certainty=0.9))
            assert here.engagements.admits(0.1, 0.0, 9) == (
                'limits.open' if audit is Audit.ALSO else ''
            )
            with pytest.raises((JournalFull, ValueError)):
                await submit(here.engagements, escalation(priority=9))
            assert here.engagements._questions._by_id

    run(test())


def test_no_audit_takes_the_place_of_a_doubt() -> None:
    async def test() -> None:
        async with office(EVERY, journal=Journal(None, len(image().data) + 1)) as here:
            here.engagements.configure(dry_run=True)
            await submit(here.engagements, escalation())
            with pytest.raises(JournalFull):
                await submit(here.engagements, escalation(priority=9, audit=Audit.ONLY))
            assert here.engagements._questions.waiting() == 1

    run(test())


def test_a_new_name_begins_a_drive_and_a_changed_threshold_goes_on_with_it(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path / 'decisions.jsonl', 1_000_000)

    async def test() -> None:
        async with office(EVERY, log=log) as here:
            await here.see(Seen([seen(0, 0.5)]))
            stricter = {'front': replace(EVERY['front'], thresholds=Thresholds(0.4, 0.1))}
            here.configure(asking=stricter)
            await here.see(Seen([seen(0, 0.5)], stamp_ns=2))
            here.configure(drive='another', poll_interval_s=2.0)
            await here.see(Seen([seen(3, 0.3)], stamp_ns=3))

    run(test())
    log.close()
    first, second = drives_of(read_log([log.path]))
    assert [(each.id, each.whole) for each in (first, second)] == [
        ('a drive', True), ('another', True)
    ]
    assert [frame.asked for frame in first.frames] == [True, False]
    assert first.policy.cameras['front'].thresholds.ask_below == 0.4
    assert (first.changed, second.changed) == (True, False)
    (frame,) = second.frames
    assert frame.asked and frame.audit and frame.audit_rate == 1.0


def test_an_audit_that_cannot_be_asked_is_logged_with_the_reason(tmp_path: Path) -> None:
    log = DecisionLog(tmp_path / 'decisions.jsonl', 1_000_000)

    async def test() -> None:
        async with office(EVERY, Limits(audits_per_hour=1), log=log) as here:
            with pytest.raises(ValueError, match='no image'):
                await here.see(Seen([seen(0, 0.9)], broken=True))
            for stamp_ns in (2, 3):
                await here.see(Seen([], stamp_ns=stamp_ns))
            for stamp_ns in range(4, 4 + MAX_WAITING + 1):
                here.triage.offer(Seen([], stamp_ns=stamp_ns))

    run(test())
    log.close()
    (drive,) = drives_of(read_log([log.path]))
    assert [(frame.audit, frame.refused) for frame in drive.frames] == [
        (True, 'bad image'), (True, ''), (True, 'limits.audits_per_hour'),
        (True, 'the encoder is busy'),
    ]  # fmt: skip
    assert [len(frame.detections) for frame in drive.frames] == [1, 0, 0, 0]


def test_a_frame_that_nobody_is_asked_about_waits_only_for_those_before_it(
    tmp_path: Path,
) -> None:
    """The log has all of them in the order in which they were decided."""
    log = DecisionLog(tmp_path / 'decisions.jsonl', 1_000_000)

    async def test() -> None:
        async with office({'front': Asking(Thresholds(0.6, 0.1))}, log=log) as here:
            assert here.pass_over(Seen([seen(0, 0.9)], stamp_ns=1))
            for stamp_ns, score in ((2, 0.5), (3, 0.9)):
                frame = Seen([seen(0, score)], stamp_ns=stamp_ns)
                assert not here.pass_over(frame)
                here.triage.offer(frame)
            for _ in range(2):
                assert not here.triage._frames.all_done
                await here.triage.consider_next()
            assert here.pass_over(Seen([seen(0, 0.9)], stamp_ns=4))
            # A change of parameters that the loop does not know yet comes first, too.
            later = replace(here.engagements.current.settings)
            assert not here.triage.pass_over(Seen([], stamp_ns=5), later)
            here.triage._frames.done()
            # Nor one that triage has yet to hear of.
            here.engagements.configure(poll_interval_s=2.0)
            assert not here.pass_over(Seen([], stamp_ns=5))
            here.triage._frames.done()
            here.configure(asking=EVERY)
            assert not here.pass_over(Seen([], stamp_ns=6))

    run(test())
    log.close()
    (drive,) = drives_of(read_log([log.path]))
    assert [frame.stamp_ns for frame in drive.frames] == [1, 2, 3, 4]
    assert [len(frame.detections) for frame in drive.frames] == [1, 1, 1, 1]


def test_without_a_log_nothing_is_read_where_nobody_is_asked() -> None:
    async def test() -> None:
        async with office({'front': Asking(audit_rate=1e-18)}) as here:
            frame = Seen([seen(0, 0.9)])
            assert here.pass_over(frame)
            assert not frame.read
            here.configure(dry_run=True)
            assert here.pass_over(frame)

    run(test())


def test_a_frame_that_nobody_is_asked_about_gives_way_first(tmp_path: Path) -> None:
    """It costs its line in the log, and counts as no question."""
    log = DecisionLog(tmp_path / 'decisions.jsonl', 1_000_000)

    async def test() -> None:
        async with office({'front': Asking(Thresholds(0.6, 0.1))}, log=log) as here:
            for stamp_ns in range(MAX_WAITING):
                score = 0.9 if stamp_ns in (3, 7) else 0.5
                here.triage.offer(Seen([seen(0, score)], stamp_ns=stamp_ns))
            for stamp_ns in range(100, 103):
                here.triage.offer(Seen([seen(0, 0.5)], stamp_ns=stamp_ns))
            assert here.triage.dropped == {'the encoder is busy': 1}
            here.triage.offer(Seen([seen(0, 0.9)], stamp_ns=103))
            assert here.triage.dropped == {'the encoder is busy': 1}
            here.configure(asking=EVERY)
            here.triage.offer(Seen([seen(0, 0.9)], stamp_ns=104))
            assert here.triage.dropped == {'the encoder is busy': 2}
            waiting = [(await here.triage._frames.get()).stamp_ns for _ in range(MAX_WAITING)]
            assert waiting == [s for s in range(MAX_WAITING) if s not in (3, 7)] + [100, 101]

    run(test())
    log.close()
    (drive,) = drives_of(read_log([log.path]))
    assert [frame.stamp_ns for frame in drive.frames] == [3, 7, 102, 103, 104]
    assert {frame.refused for frame in drive.frames} == {'the encoder is busy'}


def test_refused_audits_are_warned_about_once_an_hour(caplog: pytest.LogCaptureFixture) -> None:
    assert Limits().audits_per_hour == 600

    async def test() -> None:
        async with office(EVERY, Limits(audits_per_hour=1)) as here:
            for now in (0.0, 1.0, 2.0, 3600.0, 3602.0, 3603.0):
                here.now = now
                await here.see(Seen([], stamp_ns=int(now)))

    run(test())
    said = [each.message for each in caplog.records if 'audits_per_hour' in each.message]
    assert len(said) == 2 and all('lower audit_rate' in each for each in said)


def test_an_audit_whose_doubt_was_refused_is_sent_after_doubts() -> None:
    async def test() -> None:
        async with office(EVERY, Limits(per_hour=1)) as here:
            await here.see(Seen([seen(0, 0.5)]))
            asked = await here.see(Seen([seen(3, 0.2)], stamp_ns=2))
            assert asked is not None and asked.audit is Audit.ONLY
            assert asked.certainty == 1.0

    run(test())
