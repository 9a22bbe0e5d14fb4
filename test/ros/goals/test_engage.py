# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A node asks by the action: every kind of question, over both APIs, until the answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from asker import (
    ABORTED,
    ASSIGNED,
    CLOSED,
    FLAGGED,
    OPEN,
    QUEUED,
    SUCCEEDED,
    Asker,
    box,
    goal,
    of_camera,
    published,
    show,
    started,
    words,
)
from diagnostic_msgs.msg import KeyValue
from person import Person
from robot import (
    BEST_EFFORT,
    HEIGHT,
    WIDTH,
    Robot,
    picture,
    raw,
    stamped,
)
from sensor_msgs.msg import Image
from services import Service

from spark_ros.msg import Correction, Question, Resolution

# Heat does not say that somebody works on it.
STEPS = {'spark': [QUEUED, OPEN, ASSIGNED, CLOSED], 'heat': [QUEUED, OPEN, CLOSED]}
ANNOTATE, CHOICE = Question.KIND_ANNOTATE, Question.KIND_MULTIPLE_CHOICE
TEXT, RATING = Question.KIND_FREE_TEXT, Question.KIND_RATING


@pytest.fixture
def asker(robot: Robot, service: Service) -> Iterator[Asker]:
    """Another node, beside the node under test."""
    robot.listen('front')
    # A goal is sent before its frame is sure to have come.
    started(robot, service, front__frames__wait_s=50.0)
    asker = Asker(robot)
    yield asker
    asker.close()


def heat_only(service: Service) -> None:
    if service.kind == 'spark':
        pytest.skip('SparkAI has no such question; it is refused, see below')


def test_words_are_answered_in_words(
    robot: Robot, asker: Asker, service: Service, person: Person
) -> None:
    sent = asker.send(
        goal(
            TEXT, camera='front', priority=3,
            metadata=[KeyValue(key='task', value='leave "room" 4')],
        )
    )  # fmt: skip
    sent.until(QUEUED, OPEN)
    details = {status.state: status.detail for status in sent.feedback}
    assert (details[QUEUED], details[OPEN]) == ('', 'nobody at the desk')
    question = person.claim()
    sent.until(*STEPS[service.kind][:-1])
    said = 'It is shut — locked, even. 閉'
    person.answer(question, **words(said, service))
    result = sent.end(SUCCEEDED)
    assert result.success and not result.reason
    assert result.resolution.response == said
    assert result.resolution.state == Resolution.STATE_CLOSED
    assert sent.states == STEPS[service.kind]
    assert result.resolution.header == stamped(12.5, 'gripper')
    assert {entry.key: entry.value for entry in result.resolution.metadata}['task'] == (
        'leave "room" 4'
    )
    assert (result.resolution.image_width, result.resolution.image_height) == (WIDTH, HEIGHT)
    # The topic has the same answer as the goal.
    assert published(robot, sent.id) == result.resolution
    assert robot.states(sent.id) == STEPS[service.kind]
    # No list of boxes was asked for: an empty one would say that nothing is there. It would have
    # been published before the node answers this.
    asker.call('list_engagements')
    assert not robot.corrected


def test_choices_are_made_among_the_choices(
    asker: Asker, service: Service, person: Person
) -> None:
    heat_only(service)
    sent = asker.send(goal(CHOICE))
    sent.until(OPEN)
    question = person.claim()
    assert [choice['value'] for choice in question['prompt']['choices']] == [
        'open', 'shut', 'ajar',
    ]  # fmt: skip
    person.answer(question, response=['open', 'ajar'])
    resolution = sent.end(SUCCEEDED).resolution
    assert resolution.answers == ['open', 'ajar'] and not resolution.has_rating
    assert sent.states == STEPS[service.kind]


def test_a_rating_is_a_number_of_the_scale(
    asker: Asker, service: Service, person: Person
) -> None:
    heat_only(service)
    sent = asker.send(goal(RATING))
    sent.until(OPEN)
    person.answer(person.claim(), response=3.5)
    resolution = sent.end(SUCCEEDED).resolution
    assert (resolution.has_rating, resolution.rating) == (True, 3.5)


def test_a_frame_of_a_camera_comes_back_with_its_boxes(
    robot: Robot, asker: Asker, service: Service, person: Person
) -> None:
    camera = robot.publisher(Image, '/front/image_raw', BEST_EFFORT)
    frames = [
        raw(picture(seed), stamped(seconds, 'front_optical'))
        for seed, seconds in ((2, 8.0), (3, 9.0))
    ]
    show(robot, asker, camera, *frames)
    priors = [
        box('cat', 0.25, 0.25, 0.5, 0.5, id='mine', score=0.4),
        box('dog', 0.6, 0.6, 0.9, 0.9, id='other'),
    ]
    sent = asker.send(of_camera('front', 8.005, priors=priors))
    sent.until(OPEN)
    question = person.claim()
    if service.kind == 'spark':
        kept = {'prior': 0, 'label': 'cat', 'type': 'bounding_box',
                'vertices': question['priors'][0]['vertices']}  # fmt: skip
        person.answer(question, shapes=[kept], response='no dog')
    else:
        assert question['prompt']['instruction'].startswith('Look at the boxes')
        corners = {'x': 80, 'y': 60, 'x2': 160, 'y2': 120}
        with_label = {'response': ['cat']} if question['per_annotation'] else {}
        person.answer(question, response=[{**corners, **with_label}])
    resolution = sent.end(SUCCEEDED).resolution
    assert resolution.header == stamped(8.0, 'front_optical')
    assert resolution.frame_match == Resolution.FRAME_MATCH_NEAREST
    assert [(c.kind, c.original.id) for c in resolution.corrections] == [
        (Correction.KIND_CONFIRMED, 'mine'), (Correction.KIND_REMOVED, 'other'),
    ]  # fmt: skip
    assert resolution.camera == 'front'
    robot.until(lambda: robot.corrected)
    (cat,) = robot.corrected[0].detections
    assert cat.results[0].hypothesis.class_id == 'cat'
    assert cat.results[0].hypothesis.score == 0.4
    assert cat.bbox.center.position.x == pytest.approx(120.0, abs=1.0)


def test_the_newest_frame_is_asked_about_without_a_stamp(
    robot: Robot, asker: Asker, person: Person, service: Service
) -> None:
    camera = robot.publisher(Image, '/front/image_raw', BEST_EFFORT)
    show(robot, asker, camera, *(raw(picture(4), stamped(at)) for at in (20.0, 21.0)))
    sent = asker.send(of_camera('front'))
    sent.until(OPEN)
    person.flag(person.claim(), 'too dark to see')
    result = sent.end(ABORTED)
    assert not result.success and result.reason == 'too dark to see'
    assert result.resolution.header == stamped(21.0)
    assert result.resolution.frame_match == Resolution.FRAME_MATCH_NEWEST
    assert result.resolution.feedback == 'too dark to see'
    assert result.resolution.state == Resolution.STATE_FLAGGED
    assert sent.states == [*STEPS[service.kind][:-1], FLAGGED]


def test_a_kind_that_the_api_does_not_have_is_refused_in_words(
    asker: Asker, service: Service, person: Person
) -> None:
    if service.kind == 'heat':
        pytest.skip('Heat has them all')
    for kind, name in ((CHOICE, 'multiple_choice'), (RATING, 'rating')):
        result = asker.send(goal(kind)).end(ABORTED)
        assert not result.success and name in result.reason and 'Heat' in result.reason
        assert result.resolution.state == Resolution.STATE_FAILED
    assert person.queue() == []


def test_a_person_may_put_it_back_before_another_answers(
    asker: Asker, service: Service, person: Person
) -> None:
    if service.kind == 'heat':
        pytest.skip('Heat does not say that somebody works on it')
    sent = asker.send(goal(TEXT))
    sent.until(OPEN)
    question = person.claim()
    sent.until(ASSIGNED)
    person.release(question)
    person.answer(person.claim(), **words('shut', service))
    assert sent.end(SUCCEEDED).resolution.response == 'shut'
    assert sent.states[:3] == STEPS['spark'][:3] and sent.states[-1] == CLOSED
