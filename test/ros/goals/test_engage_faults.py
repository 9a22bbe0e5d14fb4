# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What goes wrong with a goal is told in words, and nothing that comes in ends the node."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asker import (
    ABORTED,
    CANCELED,
    EXPIRED,
    OPEN,
    QUEUED,
    SUCCEEDED,
    Asker,
    box,
    goal,
    lasting,
    of_camera,
    published,
    show,
    spawned,
    started,
    words,
)
from builtin_interfaces.msg import Duration, Time
from diagnostic_msgs.msg import KeyValue
from person import Person
from robot import BEST_EFFORT, Robot, compressed, picture, raw, stamped
from sensor_msgs.msg import CompressedImage, Image
from services import Service
from unique_identifier_msgs.msg import UUID

from spark_ros.msg import Annotation, Question, Resolution

TEXT, CHOICE, RATING = (
    Question.KIND_FREE_TEXT, Question.KIND_MULTIPLE_CHOICE, Question.KIND_RATING,
)  # fmt: skip
MANY = 100


@pytest.fixture(scope='module')
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A SparkAI service on which nobody answers but the test's person."""
    service = Service(tmp_path_factory.mktemp('service') / 'data')
    service.start()
    yield service
    service.stop()


def question(kind: int, **fields: Any) -> Question:
    return Question(kind=kind, instructions='What is it?', **fields)


def test_nonsense_is_refused_with_its_reason_and_the_node_goes_on(
    robot: Robot, asker: Asker
) -> None:
    """Over Heat, which has every kind of question; the service is not even needed."""
    node = spawned(robot, None, server__kind='heat', front__frames__wait_s=0.2)
    jpeg = compressed(picture(1), stamped(1.0))
    garbage = CompressedImage(format='jpeg', data=b'no picture at all')
    cut = CompressedImage(format='jpeg', data=bytes(jpeg.data)[:40])
    for wrong, said in (
        (of_camera('front'), 'no frame within 0.2 s (/front/image_raw)'),
        (of_camera('front', 5.0), "camera 'front' sent no frame"),
        (of_camera('rear'), "no camera 'rear'; the cameras are: front"),
        (of_camera(''), "no camera ''"),
        (of_camera('x' * 10**5), 'no camera'),
        (goal(image=garbage), 'neither JPEG nor PNG'),
        (goal(image=cut), 'cut off within its header'),
        (goal(camera='two\nlines'), 'not printable'),
        (goal(camera='x' * 101), '101 characters'),
        (goal(question=question(CHOICE)), 'choices is missing'),
        (goal(question=question(CHOICE, choices=['a', 'a'])), 'twice'),
        (goal(question=question(CHOICE, choices=['a'], min_answers=2)), 'there are 1 choices'),
        (goal(question=question(RATING)), 'rating_max 0 must be above rating_min 0'),
        (goal(question=question(RATING, rating_max=float('nan'), rating_step=1.0)), 'finite'),
        (goal(question=question(TEXT, validation='colour')), 'validation must be one of'),
        (goal(question=Question(kind=TEXT)), 'give instructions'),
        (goal(question=question(77)), '77, which is no KIND_*'),
        (goal(timeout=Duration(sec=-1)), 'the timeout is -1 s'),
        (goal(stamp=Time(sec=-5), image=CompressedImage(), camera='front'), 'the stamp is -5 s'),
        (goal(priors=[box('cat', 0.1, 0.1, 0.1, 0.5)]), 'no area'),
        (goal(priors=[box('cat', 0.1, 0.1, 1.5, 0.5)]), 'between 0 and 1'),
        (goal(priors=[box('cat', float('nan'), 0.1, 0.5, 0.5)]), 'between 0 and 1'),
        (goal(priors=[box('cat', 0.1, 0.1, 0.5, 0.5, score=2.0)]), 'score is 2'),
        (goal(priors=[box('cat', 0.1, 0.1, 0.5, 0.5, type=9)]), 'no TYPE_*'),
        (goal(priors=[Annotation()] * 1001), '1001 priors'),
        (goal(metadata=[KeyValue(key='robot_id', value='another')]), 'sets itself'),
        (goal(metadata=[KeyValue(key='k', value='v' * 2001)]), '2001 characters'),
        (goal(metadata=[KeyValue(key='', value='v')]), '0 characters'),
    ):
        result = asker.send(wrong).end(ABORTED)
        assert said in result.reason
        assert not result.success and result.resolution.state == Resolution.STATE_FAILED
    assert not robot.statuses
    last = asker.send(goal(TEXT))
    last.until(QUEUED)
    assert node.process.poll() is None and 'Traceback' not in node.output, node.output


def test_a_service_that_is_down_gets_the_goal_when_it_is_back(
    robot: Robot, asker: Asker, service: Service, person: Person
) -> None:
    service.stop()
    started(robot, service)
    sent = asker.send(goal(TEXT))
    sent.until(QUEUED)
    assert sent.states == [QUEUED] and not sent.over
    service.start()
    sent.until(OPEN)
    person.answer(person.claim(), **words('late but there', service))
    assert sent.end(SUCCEEDED).resolution.response == 'late but there'


def test_a_service_that_stays_down_lets_the_goal_expire(robot: Robot, asker: Asker) -> None:
    started(robot, None)
    sent = asker.send(goal(TEXT, timeout=lasting(0.7)))
    result = sent.end(ABORTED)
    assert 'in time' in result.reason and sent.states == [QUEUED, EXPIRED]
    assert result.resolution.state == Resolution.STATE_EXPIRED


@pytest.mark.slow('waits for a timeout')
def test_nobody_can_answer_after_the_timeout(
    robot: Robot, asker: Asker, service: Service, person: Person
) -> None:
    """The service ends the question as well, even while somebody works on it."""
    started(robot, service)
    sent = asker.send(goal(TEXT, timeout=lasting(10.0)))
    sent.until(OPEN)
    held = person.claim()
    result = sent.end(ABORTED)
    assert 'in time' in result.reason and sent.states[-1] == EXPIRED
    robot.until(lambda: not person.queue())
    with pytest.raises(AssertionError, match='in time'):
        person.answer(held, **words('sorry', service))
    questions = robot.spark._runtime._engagements.context.questions
    robot.until(lambda: len(questions) == 0)
    assert sent.states[-1] == EXPIRED and not robot.resolutions


@pytest.mark.slow('kills nodes')
@pytest.mark.parametrize('number', [signal.SIGKILL, signal.SIGINT])
def test_the_node_ends_and_the_answer_reaches_the_topic_of_the_next(
    robot: Robot, asker: Asker, service: Service, person: Person, number: int
) -> None:
    node = spawned(robot, service)
    sent = asker.send(goal(TEXT))
    sent.until(OPEN)
    waiting = asker.send(goal(TEXT, seed=3))
    waiting.until(OPEN)
    held = [person.claim()]
    code = node.end(number)
    if number == signal.SIGINT:
        assert code == 0, node.output
        for each in (sent, waiting):
            result = each.end(ABORTED)
            assert 'the node ends' in result.reason and not result.success
    asker.gone()
    held.append(person.claim())
    for at, taken in enumerate(held):
        person.answer(taken, **words(f'answer {at}', service))
    robot.statuses.clear()
    started(robot, service)
    assert [published(robot, each.id).response for each in (sent, waiting)] == [
        'answer 0', 'answer 1',
    ]  # fmt: skip
    assert sent.over == (number == signal.SIGINT)


def test_a_goal_that_waits_for_its_frame_ends_with_the_node(robot: Robot, asker: Asker) -> None:
    node = spawned(robot, None, front__frames__wait_s=60.0)
    sent = asker.send(of_camera('front', 5.0))
    robot.until(lambda: sent.handle)
    # The node has heard that a result is waited for once it answers the next that waits for one.
    asker.send(goal(metadata=[KeyValue(key='', value='v')])).end(ABORTED)
    assert not sent.over
    assert node.end() == 0, node.output
    assert 'the node ends' in sent.end(ABORTED).reason
    assert not robot.statuses


@pytest.mark.slow('a hundred goals')
def test_a_hundred_goals_at_once_each_get_their_own_answer(
    robot: Robot, asker: Asker, tmp_path: Any
) -> None:
    service = Service(tmp_path / 'scripted')
    service.start('scripted')
    try:
        started(robot, service, limits__open=0)
        camera = robot.publisher(Image, '/front/image_raw', BEST_EFFORT)
        show(robot, asker, camera, raw(picture(1), stamped(7.0)))
        sent = []
        for number in range(MANY):
            said = {'metadata': [KeyValue(key='number', value=str(number))]}
            own = number % 2
            wanted = goal(TEXT, **said) if own else of_camera('front', 7.0, **said)
            sent.append(asker.send(wanted))
        robot.until(lambda: all(each.over for each in sent), 110)
        for number, each in enumerate(sent):
            resolution = each.end(SUCCEEDED).resolution
            told = {entry.key: entry.value for entry in resolution.metadata}
            assert told['number'] == str(number) and resolution.id == each.id
            assert each.states[:2] == [QUEUED, OPEN] and each.states == sorted(each.states)
        robot.until(lambda: len(robot.resolutions) == MANY, 60)
        assert {r.id for r in robot.resolutions} == {each.id for each in sent}
    finally:
        service.stop()


def test_limits_hold_for_goals_and_the_urgent_go_first(robot: Robot, asker: Asker) -> None:
    started(robot, None, limits__open=1)
    first = asker.send(goal(TEXT))
    first.until(QUEUED)
    assert 'limits.open is reached' in asker.send(goal(TEXT)).end(ABORTED).reason
    urgent = asker.send(goal(TEXT, priority=7))
    result = first.end(ABORTED)
    assert 'gave way' in result.reason and first.states == [QUEUED, CANCELED]
    urgent.until(QUEUED)
    assert not urgent.over


def test_an_hourly_limit_holds_for_goals_too(robot: Robot, asker: Asker) -> None:
    started(robot, None, limits__per_hour=1)
    asker.send(goal(TEXT)).until(QUEUED)
    refused = asker.send(goal(TEXT, priority=255)).end(ABORTED)
    assert 'limits.per_hour is reached' in refused.reason


def test_one_goal_id_twice_is_one_goal(robot: Robot, asker: Asker) -> None:
    node = spawned(robot, None)
    one = UUID(uuid=list(range(16)))
    asker.known()
    feedback: list[Any] = []
    both = [
        asker._client.send_goal_async(goal(TEXT), feedback.append, goal_uuid=one) for _ in 'ab'
    ]
    robot.until(lambda: all(each.done() for each in both), 60)
    assert sorted(each.result().accepted for each in both) == [False, True]
    robot.until(lambda: feedback)
    assert node.process.poll() is None


def test_a_client_that_has_gone_costs_nothing(
    robot: Robot,
    asker: Asker,
    service: Service,
    person: Person,
    wait_until: Callable[..., None],
) -> None:
    node = spawned(robot, service)
    stranger = Robot(wait_until, {})
    theirs = Asker(stranger)
    sent = theirs.send(goal(TEXT))
    sent.until(OPEN)
    theirs.close()
    stranger.close()
    person.answer(person.claim(), **words('for nobody', service))
    assert published(robot, sent.id).response == 'for nobody'
    mine = asker.send(goal(TEXT, seed=2))
    mine.until(OPEN)
    person.answer(person.claim(), **words('for me', service))
    assert mine.end(SUCCEEDED).resolution.response == 'for me'
    assert node.process.poll() is None and 'Traceback' not in node.output, node.output
