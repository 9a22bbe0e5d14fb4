# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a policy would have asked, and what it would have missed; drives are whole."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_drives import BOX, POLICY, drive, records, start

from spark_ros.calibration.calibrate import Promise, base_policy, calibrate
from spark_ros.calibration.decisions import (
    AnswerRecord,
    CameraPolicy,
    Detection,
    FrameRecord,
    Policy,
    Said,
)
from spark_ros.calibration.drives import ErrorKind, drives_of, errors_of
from spark_ros.calibration.path import STEPS, below, learned_path, likelihoods, shared_path
from spark_ros.calibration.replay import replay
from spark_ros.geometry import Box
from spark_ros.model import CorrectionKind, State
from spark_ros.policy import Thresholds


def asking(ask_below: float, **rest) -> Policy:
    cooldown_s = rest.pop('cooldown_s', 0.0)
    camera = CameraPolicy(Thresholds(ask_below, 0.1), cooldown_s)
    return Policy({'front': camera}, **{'open': 0, **rest})


def test_what_is_sure_and_wrong_goes_unasked() -> None:
    """Each audited error stands for two: half of the frames are audited."""
    made = drive('d', [0.3, 0.5, 0.7, 0.05], right=[0.4], missed=1)
    assert made.weight == 10.0
    for ask_below, asked, unasked in ((0.0, 0, 10.0), (0.4, 1, 8.0), (0.6, 3, 6.0), (1.0, 4, 4.0)):
        played = replay(made, asking(ask_below))
        assert (len(played.asked), played.unasked) == (asked, unasked)


def test_what_cools_down_was_asked_about() -> None:
    """But not an object that was missed on the same frame, nor one that a limit kept away."""
    made = drive('d', [0.5, 0.5, 0.5])
    assert replay(made, asking(0.6, cooldown_s=60.0)).asked == (0,)
    assert replay(made, asking(0.6, cooldown_s=60.0)).unasked == 0.0
    assert replay(made, asking(0.6, per_hour=1)).unasked == 4.0
    # The answers came after 2 s, and the frames each second.
    assert replay(made, asking(0.6, open=1)).asked == (0, 2)
    said = Said(CorrectionKind.ADDED, '', 'dog', BOX)
    (with_missed,) = drives_of([
        *records('d', [0.5, 0.5]),
        AnswerRecord('d', 'd/1', State.CLOSED, 2.0, (said,)),
    ])
    assert replay(with_missed, asking(0.6, cooldown_s=60.0)).unasked == 2.0


def test_a_question_that_ended_without_an_answer_covers_nothing() -> None:
    """Of two frames that show the same, the first was asked about and the second audited."""
    first, one, answer, *second = records('d', [0.5, 0.5])
    one = replace(one, audit=False)
    for before, unasked in (
        ([one, answer], 0.0),
        ([one], 0.0),
        ([replace(one, asked=False, question='')], 0.0),
        ([one, replace(answer, state=State.EXPIRED)], 2.0),
        ([one, replace(answer, state=State.EXPIRED), answer], 0.0),
    ):
        (made,) = drives_of([first, *before, *second])
        assert replay(made, asking(0.6, cooldown_s=60.0)).unasked == unasked
        assert replay(made, asking(0.6, cooldown_s=1.0)).unasked == 0.0


def test_the_log_says_what_was_asked() -> None:
    """Whatever the policy would have asked with an empty hour, as after a restart."""
    policy = asking(0.6, cooldown_s=60.0, per_hour=1)
    made = records('d', [0.5, 0.5, 0.9], policy=policy)
    for asked, unasked in (((), 6.0), ((0,), 2.0), ((1,), 4.0), ((0, 1, 2), 0.0)):
        frames = [n for n, each in enumerate(made) if isinstance(each, FrameRecord)]
        logged = list(made)
        for number, n in enumerate(frames):
            logged[n] = replace(logged[n], asked=number in asked)
        (one,) = drives_of(logged)
        played = replay(one, None)
        assert (played.asked, played.unasked) == (asked, unasked)
        assert replay(one, policy).asked == (0,)


def test_a_drive_tells_whether_its_policy_changed() -> None:
    """Not where a file begins, or a disk had refused: there it is written again."""
    other = asking(0.5)
    for starts, changed in (
        ([start('d')], False),
        ([start('d'), start('d', continued=True)], False),
        ([start('d'), start('d', other, continued=True)], True),
        ([start('d'), start('d', other, continued=True), start('d', continued=True)], True),
        ([start('d'), start('e', other)], False),
    ):
        assert drives_of(starts)[0].changed == changed


def test_what_counts_as_an_error() -> None:
    detections = tuple(Detection(id, 'cat', 0.5, BOX) for id in 'abcdef')
    frame = FrameRecord('d', 'front', 0, 0.0, detections)
    near, far = Box(0.25, 0.25, 0.5, 0.49), Box(0.25, 0.25, 0.5, 0.4)
    said = [
        Said(CorrectionKind.CONFIRMED, 'a', 'cat', BOX),
        Said(CorrectionKind.UNMENTIONED, 'b', 'cat', BOX),
        Said(CorrectionKind.MODIFIED, 'c', 'cat', near),
        Said(CorrectionKind.MODIFIED, 'd', 'cat', far),
        Said(CorrectionKind.MODIFIED, 'e', 'dog', BOX),
        Said(CorrectionKind.REMOVED, 'f', 'cat'),
        Said(CorrectionKind.ADDED, '', 'cow', far),
        Said(CorrectionKind.REMOVED, 'unknown', 'cat'),
    ]
    assert [(e.kind, e.label, e.prior) for e in errors_of(frame, said)] == [
        (ErrorKind.BOX, 'cat', 'd'), (ErrorKind.LABEL, 'cat', 'e'),
        (ErrorKind.NOTHING, 'cat', 'f'),
        (ErrorKind.MISSED, 'cow', ''),
    ]  # fmt: skip
    assert len(errors_of(frame, said, same_box_iou=0.99)) == 5


def test_only_audits_that_were_answered_count() -> None:
    made = records('d', [0.9, 0.9, 0.9])
    made[3] = replace(made[3], audit=False)
    made[6] = replace(made[6], state=State.EXPIRED)
    (one,) = drives_of(made)
    assert (list(one.errors), one.audits) == ([0], 2)


def test_a_drive_of_which_a_part_is_lost_stands_beside_the_others() -> None:
    """Its beginning, a camera's policy, or records; an answer alone makes no drive."""
    first, frame, answer = records('d', [0.5])
    lost = replace(start('d', continued=True), lost=3)
    for damaged in ([frame], [first, replace(frame, camera='rear')], [first, frame, lost]):
        one, other = drives_of([*damaged, *records('e', [0.5])])
        assert (one.id, one.whole, len(one.frames), other.whole) == ('d', False, 1, True)
    assert drives_of([start('e'), answer]) == drives_of([start('e')])


drives = st.lists(st.lists(st.floats(0, 1), max_size=4), min_size=1, max_size=4)


@settings(deadline=None)
@given(drives, st.randoms(use_true_random=False))
def test_no_drive_is_split(scores, shuffle: random.Random) -> None:
    """However the records of several logs are mixed, a drive is one."""
    logs = [records(str(number), each) for number, each in enumerate(scores)]
    order = [number for number, log in enumerate(logs) for _ in log]
    shuffle.shuffle(order)
    queues = [iter(log) for log in logs]
    mixed = drives_of(next(queues[number]) for number in order)
    assert {each.id: each for each in mixed} == {
        each.id: each for log in logs for each in drives_of(log)
    }


@given(st.integers(4, 40), st.integers(0, 9), st.sampled_from([0.25, 0.5]))
@settings(deadline=None, max_examples=10)
def test_a_drive_is_set_aside_as_a_whole(number: int, seed: int, share: float) -> None:
    made = [drive(str(n), [0.5]) for n in range(number)]
    done = calibrate(made, Promise(0.2), share, seed)
    assert len(done.drives) + done.set_aside == number
    assert done.set_aside == round(share * number)
    again = calibrate(made[::-1], Promise(0.2), share, seed)
    assert {each.id for each in again.drives} == {each.id for each in done.drives}


@settings(deadline=None, max_examples=8)
@given(drives, st.integers(1, 30), st.sampled_from([
    Promise(0.3), Promise(0.3, 0.3), Promise(0.3, None, 8.0), Promise(0.3, 0.3, 8.0),
]))  # fmt: skip
def test_more_drives_without_an_error_never_raise_a_threshold(scores, more, promise) -> None:
    given_now = [drive(f'{n}', each, right=[0.5]) for n, each in enumerate(scores * 4)]
    clean = [drive(f'clean {n}', [], right=[0.5]) for n in range(more)]
    before = calibrate(given_now, promise).index
    after = calibrate([*given_now, *clean], promise).index
    assert before is None or (after is not None and after <= before)


def test_the_threshold_is_the_least_that_keeps_the_promise() -> None:
    """40 drives with one error each: one may go unasked, as (1 + 1)/(40 + 1) <= 5%."""
    made = [drive(str(n), [0.2 + 0.01 * n]) for n in range(40)]
    done = calibrate(made, Promise(0.05))
    assert done.policy is not None
    # The surest error is at 0.59, the next at 0.58.
    assert done.policy.cameras['front'].thresholds.ask_below == 0.59
    assert done.possible <= 0.05 and done.more_drives == 0


def test_too_few_drives_and_how_many_more() -> None:
    done = calibrate([drive(str(n), [0.5]) for n in range(12)], Promise(0.05))
    assert (done.index, done.more_drives, done.possible) == (None, 7, 0.077)
    done = calibrate([drive(str(n), [0.5]) for n in range(12)], Promise(0.05, 0.05))
    assert (done.index, done.more_drives) == (None, 47)


def test_what_no_threshold_reaches_cannot_be_promised() -> None:
    done = calibrate([drive(str(n), [0.5], missed=1) for n in range(60)], Promise(0.05))
    assert (done.index, done.more_drives) == (None, None)
    assert done.possible > 0.5


def test_drives_without_beginning_or_audits_do_not_count() -> None:
    made = [drive(str(n), [0.5]) for n in range(3)]
    (headless,) = drives_of([start('late', continued=True), *records('late', [0.9])[1:]])
    (silent,) = drives_of([start('silent')])
    (unknown,) = drives_of(records('unknown', [0.9])[1:])
    done = calibrate([*made, headless, silent, unknown], Promise())
    assert done.left_out == {'a part of it is lost': 2, 'no audit was answered': 1}
    assert len(done.drives) == 3
    with pytest.raises(ValueError, match='none of 2 drives'):
        calibrate([headless, silent], Promise())


def test_each_camera_is_as_it_was_last() -> None:
    rear = Policy({'rear': CameraPolicy(Thresholds(0.9))}, per_hour=7)
    (other,) = drives_of([start('b', rear)])
    base = base_policy([drive('a', []), other])
    assert base.cameras == {**POLICY.cameras, **rear.cameras} and base.per_hour == 7


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans())))
def test_likelihoods_fall_and_keep_the_count(seen) -> None:
    blocks = likelihoods(seen)
    assert all(a[0] < b[0] and a[1] > b[1] for a, b in pairwise(blocks))
    ends = [below(blocks, step / 10) for step in range(11)]
    assert ends == sorted(ends, reverse=True) and ends[0] == 1.0


def test_a_label_that_is_mostly_right_is_asked_about_less() -> None:
    """Cats under 0.7 are wrong, of dogs only those under 0.3."""
    made = records('d', [])
    for number in range(200):
        score, label = (number % 100) / 100, 'cat' if number < 100 else 'dog'
        wrong = score < (0.7 if label == 'cat' else 0.3)
        made.append(
            FrameRecord('d', 'front', number, float(number),
                        (Detection('a', label, score, BOX),), False, True, 0.5, str(number))
        )
        kind = CorrectionKind.REMOVED if wrong else CorrectionKind.CONFIRMED
        said = Said(kind, 'a', label, None if wrong else BOX)
        made.append(AnswerRecord('d', str(number), State.CLOSED, 1.0, (said,)))
    (one,) = drives_of(made)
    path = learned_path(base_policy([one]), [one])
    half = path[STEPS // 2].cameras['front'].thresholds.ask_below_of
    assert half['cat'] == pytest.approx(0.69) and half['dog'] == pytest.approx(0.29)
    for some, more in pairwise(path):
        for label in ('', 'cat', 'dog', 'cow'):
            a, b = (each.cameras['front'].thresholds for each in (some, more))
            assert a.ask_below_of.get(label, a.ask_below) <= b.ask_below_of.get(label, b.ask_below)


def test_a_path_never_contradicts_ignore_below() -> None:
    """The node refuses an ask_below under an ignore_below."""
    rules = Thresholds(0.6, 0.2, {'cat': 0.9}, {'dog': 0.4})
    for policy in shared_path(Policy({'front': CameraPolicy(rules)})):
        made = policy.cameras['front'].thresholds
        assert made.ask_below >= 0.2 and made.ask_below_of['dog'] >= 0.4
        assert 'cat' not in made.ask_below_of
