# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Kill the node at any instant: what was accepted is answered and published all the same."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from robot import (
    BEST_EFFORT,
    LATCHED,
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

from spark_ros.escalation.journal.journal import Journal
from spark_ros.escalation.question.escalation import (
    EncodedImage,
    Escalation,
    FrameMatch,
    Resolved,
)
from spark_ros.geometry import ImageSize
from spark_ros.model import Answer, Question, State
from spark_ros.msg import EngagementStatus, Resolution

STAMPS = [100.25, 200.5, 300.75]
SUBSCRIBE = """
import rclpy
from spark_ros.msg import Resolution
rclpy.init()
node = rclpy.create_node('listener')
node.create_subscription(Resolution, '/spark/resolutions', print, 10)
rclpy.spin(node)
"""


def left_in(path: Path) -> list[str]:
    journal = Journal(path)
    ids = [entry.id for entry in journal.entries()]
    journal.close()
    return ids


@pytest.mark.slow('kills nodes')
@pytest.mark.parametrize('state', ['queued', 'open'])
def test_every_accepted_question_survives_kill_9(
    robot: Robot, service: Service, tmp_path: Path, state: str
) -> None:
    token_file = tmp_path / 'token'
    token_file.touch(0o600)
    token_file.write_text(service.key)
    if state == 'open':
        service.start()
    settings = {'server__url': service.url, 'server__token_file': str(token_file)}
    robot.listen('front')
    killed = robot.spawn(**settings)
    camera = robot.publisher(Image, '/front/image_raw', BEST_EFFORT)
    detector = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)
    robot.known()
    for number, stamp in enumerate(STAMPS):
        header, unlike_others = stamped(stamp), detection(f'cat {number}', (50, 60, 100, 80))

        def asked(number=number, header=header, unlike_others=unlike_others) -> bool:
            camera.publish(raw(picture(number), header))
            detector.publish(detections(header, unlike_others))
            return any(status.header == header for status in robot.statuses)

        robot.until(asked)
    wanted = {'queued': EngagementStatus.STATE_QUEUED, 'open': EngagementStatus.STATE_OPEN}[state]
    robot.until(lambda: sum(status.state == wanted for status in robot.statuses) == len(STAMPS))
    accepted = {status.id: status.header for status in robot.statuses}
    assert killed.end(signal.SIGKILL) == -signal.SIGKILL
    assert not robot.resolutions

    if state == 'open':
        service.stop()
    service.start('scripted')
    robot.statuses.clear()
    again = robot.spawn(**settings)
    robot.until(lambda: len(robot.resolutions) == len(STAMPS))
    assert {r.id: r.header for r in robot.resolutions} == accepted
    assert all(r.state == Resolution.STATE_CLOSED for r in robot.resolutions)
    robot.until(lambda: len(robot.corrected) == len(STAMPS))
    late: list[Resolution] = []
    robot.hear(Resolution, '/spark/resolutions', late, LATCHED)
    robot.until(lambda: len(late) == len(STAMPS))
    assert again.end() == 0, again.output
    assert left_in(tmp_path / 'journal.db') == []


def answered_but_not_published(path: Path, id: str) -> None:
    """Leave a journal as a node does that was killed between an answer and its publishing."""
    journal = Journal(path)
    size = ImageSize(320, 240)
    asked = Escalation(
        id=id, camera='front', stamp_ns=7_500_000_000, frame_id='optical',
        frame_match=FrameMatch.EXACT, image_size=size, source_size=size, question=Question(),
        priors=(), created=1_700_000_000.0,
    )  # fmt: skip
    journal.add(asked, EncodedImage(b'jpeg', size))
    journal.opened(id, 'token')
    journal.resolved(id, Answer(State.CLOSED, response='nothing there'), late=False)
    journal.close()


def test_an_answer_from_before_waits_for_who_listens(
    robot: Robot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('spark_ros.ros.outputs.HOLD_S', 3600.0)
    answered_but_not_published(tmp_path / 'journal.db', 'q-1')
    node = robot.start()
    robot.until(lambda: node._outputs._held)
    robot.listen()
    robot.until(lambda: robot.resolutions)
    (resolution,) = robot.resolutions
    assert (resolution.id, resolution.response) == ('q-1', 'nothing there')
    assert resolution.header == stamped(7.5)


def test_an_answer_that_nobody_hears_stays_for_the_next_start(
    robot: Robot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('spark_ros.ros.outputs.HOLD_S', 3600.0)
    path = tmp_path / 'journal.db'
    answered_but_not_published(path, 'q-1')
    node = robot.start()
    robot.until(lambda: node._outputs._held)
    robot.executor.remove_node(node)
    node.close()
    robot.spark = None
    assert left_in(path) == ['q-1']


def test_a_subscriber_that_hangs_is_not_waited_for_for_ever(
    robot: Robot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It confirms nothing; the node stops to look for that once it counts as published."""
    monkeypatch.setattr('spark_ros.ros.outputs.CONFIRM_S', 0.0)
    outputs = robot.start()._outputs
    hanging = subprocess.Popen([sys.executable, '-c', SUBSCRIBE])
    try:
        robot.until(outputs._resolutions.get_subscription_count)
        hanging.send_signal(signal.SIGSTOP)
        size = ImageSize(320, 240)
        asked = Escalation(
            id='q-1', camera='front', stamp_ns=7_500_000_000, frame_id='optical',
            frame_match=FrameMatch.EXACT, image_size=size, source_size=size, question=Question(),
            priors=(), created=1_700_000_000.0,
        )  # fmt: skip
        outputs.deliver(Resolved(asked, 'token', Answer(State.CLOSED)))
        robot.until(lambda: not outputs._confirm.is_canceled())
        robot.until(outputs._confirm.is_canceled)
        assert not outputs._unconfirmed and not outputs._agreed
    finally:
        hanging.kill()
        hanging.wait()


def test_what_cannot_be_published_stops_nothing_else(
    robot: Robot, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A service may answer with text that no ROS string can hold."""
    path = tmp_path / 'journal.db'
    answered_but_not_published(path, 'q-1')
    journal = Journal(path)
    journal.resolved('q-1', Answer(State.CLOSED, response='half a pair: \ud800'), late=False)
    journal.close()
    answered_but_not_published(path, 'q-2')
    robot.listen()
    robot.start()
    robot.until(lambda: 'q-2' in [r.id for r in robot.resolutions])
