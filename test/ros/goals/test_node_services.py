# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The node's services, called by another node: ask now, pause, list and withdraw."""

from __future__ import annotations

import time
from typing import Any

import pytest
from asker import (
    ABORTED,
    CANCELED,
    OPEN,
    QUEUED,
    Asker,
    goal,
    lasting,
    published,
    show,
    spawned,
    started,
    words,
)
from person import Person
from robot import (
    BEST_EFFORT,
    RELIABLE,
    Robot,
    detection,
    detections,
    picture,
    raw,
    stamped,
)
from sensor_msgs.msg import Image
from services import Service
from vision_msgs.msg import Detection2DArray

from spark_ros.msg import Question, Resolution

TEXT = Question.KIND_FREE_TEXT
SHARP, DULL, NOISE = 0.95, 0.3, 0.01


def seconds(time_message: Any) -> float:
    return float(time_message.sec + time_message.nanosec / 1e9)


def test_ask_now_asks_about_the_newest_frame_of_each_camera(
    robot: Robot, asker: Asker, service: Service, person: Person
) -> None:
    started(robot, service, cameras=['front', 'rear'], front__frames__wait_s=50.0)
    nothing = asker.call('ask_now')
    assert not nothing.success
    assert nothing.message.splitlines() == [
        'front: not asked: no frame has come', 'rear: not asked: no frame has come',
    ]  # fmt: skip

    camera = robot.publisher(Image, '/front/image_raw', BEST_EFFORT)
    detector = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)
    header = stamped(11.0, 'front_optical')
    show(robot, asker, camera, raw(picture(2), stamped(10.0)), raw(picture(1), header))
    # All of it is surer than ask_below: nothing would be asked because of it.
    seen = (
        detection('cat', (50.0, 60.0, 100.0, 80.0), SHARP, id='t1'),
        detection('cat', (5.0, 5.0, 20.0, 20.0), NOISE),
    )

    # Once a doubted one was asked about, the detector is surely heard; it is not what is tested.
    detector.publish(detections(stamped(10.0), detection('door', (5.0, 5.0, 90.0, 90.0), DULL)))
    robot.until(lambda: robot.statuses and OPEN in robot.states(robot.statuses[0].id))
    assert asker.call('cancel_engagement', id=robot.statuses[0].id).success
    detector.publish(detections(header, *seen))
    show(robot, asker, camera, raw(picture(1), header))
    said = asker.call('ask_now')
    asked, unasked = said.message.splitlines()
    assert said.success and asked.startswith('front: asked: ')
    assert unasked == 'rear: not asked: no frame has come'
    id = asked.split()[-1]
    robot.until(lambda: OPEN in robot.states(id))
    # The other is withdrawn.
    robot.until(lambda: len(person.queue()) == 1)
    question = person.claim()
    if service.kind == 'spark':
        person.answer(question, shapes=[], response='')
    else:
        person.answer(question, response=[])
    resolution = published(robot, id)
    assert resolution.header == header
    assert resolution.frame_match == Resolution.FRAME_MATCH_NEWEST
    assert [c.original.label for c in resolution.corrections] == ['cat']
    robot.until(lambda: robot.corrected)
    assert not robot.corrected[0].detections and robot.corrected[0].header == header


def test_paused_nothing_is_asked_because_of_detections_but_goals_are(
    robot: Robot, asker: Asker
) -> None:
    node = spawned(robot, None, front__frames__wait_s=50.0)
    camera = robot.publisher(Image, '/front/image_raw', BEST_EFFORT)
    detector = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)

    def doubt(at: float, label: str) -> None:
        header = stamped(at)
        show(robot, asker, camera, raw(picture(1), header))
        detector.publish(detections(header, detection(label, (50.0, 60.0, 100.0, 80.0), DULL)))

    doubt(1.0, 'first')
    robot.until(lambda: len(robot.statuses) == 1)
    paused = asker.call('pause', data=True)
    assert paused.success and paused.message.startswith('paused')
    doubt(2.0, 'second')
    on_purpose = asker.send(goal(TEXT))
    on_purpose.until(QUEUED)
    resumed = asker.call('pause', data=False)
    assert resumed.success and resumed.message.startswith('running')
    doubt(3.0, 'third')
    robot.until(lambda: len(robot.statuses) == 3)
    stamps = [status.header.stamp.sec for status in robot.statuses]
    assert stamps == [1, 12, 3]
    assert node.end() == 0, node.output


def test_open_questions_are_listed_and_withdrawn_by_id(
    robot: Robot, asker: Asker, service: Service, person: Person
) -> None:
    node = spawned(robot, service)
    before = time.time()
    assert asker.call('list_engagements').engagements == []
    mine = asker.send(goal(TEXT, camera='gripper', timeout=lasting(100.0)))
    mine.until(OPEN)
    other = asker.send(goal(TEXT, camera='other', seed=2))
    other.until(OPEN)

    listed = asker.call('list_engagements')
    assert [(e.id, e.state, e.camera) for e in listed.engagements] == [
        (mine.id, OPEN, 'gripper'), (other.id, OPEN, 'other'),
    ]  # fmt: skip
    assert listed.engagements[0].token == mine.feedback[-1].token
    assert listed.engagements[0].header == stamped(12.5, 'gripper')
    created, deadline = seconds(listed.created[0]), seconds(listed.deadlines[0])
    assert before - 1 < created < time.time() + 1
    assert deadline - created == pytest.approx(100.0, abs=0.001)
    (of_one,) = asker.call('list_engagements', camera='other').engagements
    assert of_one.id == other.id

    unknown = asker.call('cancel_engagement', id='no such id')
    assert not unknown.success and 'no open question' in unknown.message
    withdrawn = asker.call('cancel_engagement', id=mine.id)
    assert withdrawn.success, withdrawn.message
    result = mine.end(ABORTED)
    assert result.reason == 'withdrawn' and mine.states[-1] == CANCELED
    assert result.resolution.state == Resolution.STATE_CANCELED
    again = asker.call('cancel_engagement', id=mine.id)
    assert not again.success
    (left,) = asker.call('list_engagements').engagements
    assert left.id == other.id

    robot.until(lambda: len(person.queue()) == 1)
    person.answer(person.claim(), **words('seen', service))
    assert published(robot, other.id).response == 'seen'
    assert [r.id for r in robot.resolutions] == [other.id]
    assert node.end() == 0, node.output


def test_a_service_that_waits_holds_nothing_else_up(robot: Robot, asker: Asker) -> None:
    """Many calls at once, each of which waits for the runtime, beside goals."""
    started(robot, None, limits__open=0)
    asker.call('list_engagements')
    client = asker._services['list_engagements']
    calls = [client.call_async(client.srv_type.Request()) for _ in range(8)]
    sent = asker.send(goal(TEXT))
    sent.until(QUEUED)
    robot.until(lambda: all(call.done() for call in calls), 60)
    assert all(call.result() is not None for call in calls)
