# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Who subscribes to the annotated topic sees what the person changed; else nothing is drawn."""

from __future__ import annotations

import math
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from robot import (
    BEST_EFFORT,
    RELIABLE,
    Robot,
    compressed,
    detection,
    detections,
    picture,
    raw,
    stamped,
)
from sensor_msgs.msg import CompressedImage, Image
from services import Service, write_truth
from std_msgs.msg import Header
from vision_msgs.msg import Detection2D, Detection2DArray

from spark_ros.drawing.marks import STYLES
from spark_ros.escalation.journal.records import load_escalation
from spark_ros.escalation.question.escalation import Escalation, Resolved
from spark_ros.geometry import Vertex
from spark_ros.model import Annotation, AnnotationType, Answer, Correction, CorrectionKind, State
from spark_ros.ros.conversions import stamp_ns

TOPIC = '/spark/front/annotated/compressed'
SENSOR_DATA = BEST_EFFORT
# The frame is 320 x 240 and drawn at twice its size.
SCALE = 2
NEAR = 75
TRUTH = {
    1: (picture(1), [('cat', (40.0, 60.0, 100.0, 80.0)), ('bird', (10.0, 170.0, 50.0, 60.0)),
                     ('dog', (200.0, 20.0, 90.0, 100.0))]),
    33: (picture(33), [('leaf', (98.0, 90.0, 64.0, 40.0))]),
}  # fmt: skip


@pytest.fixture(scope='module')
def operated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service whose operator knows the truth about some pictures."""
    folder = tmp_path_factory.mktemp('operated')
    write_truth(folder / 'truth.json', TRUTH)
    service = Service(folder / 'data')
    service.start(f'scripted:{folder / "truth.json"}')
    yield service
    service.stop()


class Front:
    """A camera and its detector."""

    def __init__(self, robot: Robot) -> None:
        self.camera = robot.publisher(Image, '/front/image_raw', BEST_EFFORT)
        self.detector = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)

    def doubts(self, seed: int, header: Header, *found: Detection2D) -> None:
        self.camera.publish(raw(picture(seed), header))
        self.detector.publish(detections(header, *found))


def subscribe(robot: Robot) -> list[CompressedImage]:
    """Look, and wait until the node knows."""
    seen: list[CompressedImage] = []
    robot.hear(CompressedImage, TOPIC, seen, SENSOR_DATA)
    assert robot.spark is not None
    robot.until(robot.spark.pictures._publishers['front'].get_subscription_count)
    robot.until(lambda: robot.node.count_publishers(TOPIC))
    return seen


def decoded(message: CompressedImage) -> np.ndarray:
    found = cv2.imdecode(np.frombuffer(message.data, np.uint8), cv2.IMREAD_COLOR)
    assert found is not None
    return np.asarray(found)


def shows(drawn: np.ndarray, x: float, y: float, kind: CorrectionKind) -> bool:
    """Whether a kind's colour is at a place, in pixels of the frame."""
    x, y = round(x * SCALE), round(y * SCALE)
    near = drawn[max(y - 3, 0) : y + 4, max(x - 3, 0) : x + 4].astype(int)
    return bool((np.abs(near - STYLES[kind].colour).max(axis=2) <= NEAR).any())


def start(
    robot: Robot, service: Service, monkeypatch: pytest.MonkeyPatch, **more: Any
) -> Front:
    monkeypatch.setenv('SPARK_TOKEN', service.key)
    robot.listen('front')
    robot.start(
        server__url=service.url, front__label_options=['cat', 'dog', 'bird', 'leaf', 'cow'], **more
    )
    return Front(robot)


def painters() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith('painter')]


def test_nothing_is_drawn_while_nobody_looks(
    robot: Robot, operated: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    front = start(robot, operated, monkeypatch)
    front.doubts(1, stamped(5.0), detection('cow', (50.0, 70.0, 100.0, 80.0)))
    robot.until(lambda: robot.resolutions and robot.corrected)
    assert robot.spark is not None
    assert robot.spark.pictures.drawn == 0 and not painters()
    # Who looks later sees the next answer.
    seen = subscribe(robot)
    front.doubts(33, stamped(6.0), detection('leaf', (98.0, 90.0, 64.0, 40.0)))
    robot.until(lambda: seen)
    assert [message.header for message in seen] == [stamped(6.0)]
    assert robot.spark.pictures.drawn == 1 and painters()


def test_what_the_person_changed_is_on_the_picture(
    robot: Robot, operated: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    front = start(robot, operated, monkeypatch)
    seen = subscribe(robot)
    header = stamped(7.5, 'front_optical')
    front.doubts(
        1, header,
        detection('dog', (200.0, 20.0, 90.0, 100.0), 0.9),
        detection('cow', (50.0, 70.0, 100.0, 80.0), 0.3),
        detection('ghost', (240.0, 170.0, 60.0, 60.0), 0.5),
    )  # fmt: skip
    robot.until(lambda: seen)
    (message,) = seen
    assert message.header == header and message.format == 'jpeg'
    drawn = decoded(message)
    assert drawn.shape[1] == 320 * SCALE and drawn.shape[0] > 240 * SCALE
    assert shows(drawn, 200, 70, CorrectionKind.CONFIRMED)
    assert shows(drawn, 40, 100, CorrectionKind.MODIFIED)
    assert not shows(drawn, 50, 100, CorrectionKind.MODIFIED)
    assert shows(drawn, 240, 200, CorrectionKind.REMOVED)
    assert shows(drawn, 270, 200, CorrectionKind.REMOVED)
    assert shows(drawn, 10, 200, CorrectionKind.ADDED)
    # Far from all of them the frame is as it was.
    frame = cv2.resize(picture(1), None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_CUBIC)
    place = (slice(300, 330), slice(330, 400))
    assert np.abs(drawn[place].astype(int) - frame[place]).mean() < 6


def test_a_rotated_box_is_drawn_rotated(
    robot: Robot, operated: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    front = start(robot, operated, monkeypatch)
    seen = subscribe(robot)
    leaf = detection('leaf', (100.0, 100.0, 60.0, 20.0))
    leaf.bbox.center.theta = 0.4
    front.doubts(33, stamped(8.0), leaf)
    robot.until(lambda: seen)
    drawn = decoded(seen[0])
    cos, sin = math.cos(0.4), math.sin(0.4)
    for x, y in ((30, 0), (-30, 0), (0, 10), (0, -10)):
        at = (130 + x * cos - y * sin, 110 + x * sin + y * cos)
        assert shows(drawn, *at, CorrectionKind.CONFIRMED)
    assert not shows(drawn, 130, 130, CorrectionKind.CONFIRMED)


def test_on_a_cropped_and_blacked_out_frame(
    robot: Robot, operated: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The picture shows what left the robot, and boxes where they belong on it."""
    front = start(
        robot, operated, monkeypatch,
        front__image__crop=True, front__image__crop_margin=0.25,
        front__image__black_out=[0.45, 0.25, 0.55, 0.5],
    )  # fmt: skip
    seen = subscribe(robot)
    front.doubts(5, stamped(9.0), detection('cat', (50.0, 60.0, 100.0, 80.0)))
    robot.until(lambda: seen)
    drawn = decoded(seen[0])
    # 25 pixels around the box are sent: 150 x 130, from (25, 35) on, drawn 640 wide.
    scale = 640 / 150
    assert drawn.shape[1] == 640 and drawn.shape[0] > 130 * scale
    for x, y in ((50, 100), (150, 130), (100, 140)):
        at = ((x - 25) * scale / SCALE, (y - 35) * scale / SCALE)
        assert shows(drawn, *at, CorrectionKind.CONFIRMED)
    hidden = drawn[round(30 * scale) : round(80 * scale), round(128 * scale) : 638]
    assert hidden.max() < 40


def odd(label: str, *vertices: tuple[float, float]) -> Annotation:
    return Annotation(label, AnnotationType.POLYGON, tuple(Vertex(*v) for v in vertices))


ADDED = CorrectionKind.ADDED
TRIANGLE = ((0.1, 0.1), (0.9, 0.1), (0.5, 0.9))
BAD_ANSWERS = [
    Answer(State.CLOSED, corrections=(Correction(ADDED, None, odd('nan', (math.nan, 0.5))),)),
    Answer(State.CLOSED, corrections=(Correction(ADDED, None, odd('x' * 10**5, *TRIANGLE)),)),
    Answer(State.CLOSED, corrections=(Correction(ADDED, None, odd('\ud800', *TRIANGLE)),) * 5000),
    Answer(State.FLAGGED, feedback='\x00' * 10**5, flags=('\ud800',) * 5000, rating=math.inf),
    Answer(State.FAILED, response='猫' * 10**5),
]


def journalled(path: Path, header: Header) -> Escalation:
    """Read a question out of a running node's journal."""
    with closing(sqlite3.connect(path)) as journal:
        rows = journal.execute('SELECT record, source FROM escalation').fetchall()
    asked = [load_escalation(record, source) for record, source in rows]
    return next(each for each in asked if each.stamp_ns == stamp_ns(header.stamp))


@pytest.mark.slow('a question for each bad answer')
def test_bad_answers_and_images_never_hurt(
    robot: Robot, listener: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The service takes every question, and the answers are given here, as none should be."""
    robot.listen('front')
    node = robot.start(front__transport='compressed', server__url=listener.url)
    seen = subscribe(robot)
    camera = robot.publisher(CompressedImage, '/front/image_raw/compressed', BEST_EFFORT)
    detector = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)
    good = Answer(State.CLOSED, corrections=(Correction(ADDED, None, odd('bird', *TRIANGLE)),))

    def answer(number: int, data: bytes, said: Answer) -> None:
        header = stamped(10.0 + number)
        camera.publish(CompressedImage(header=header, format='jpeg', data=data))
        detector.publish(detections(header, detection(f'cat {number}', (9, 9, 90, 90))))
        robot.until(lambda: sum(s.state == s.STATE_OPEN for s in robot.statuses) > number)
        asked = journalled(tmp_path / 'journal.db', header)
        node._outputs.deliver(Resolved(asked, 'token', said))

    jpeg = bytes(compressed(picture(1), Header()).data)
    for number, said in enumerate(BAD_ANSWERS):
        answer(number, jpeg, said)
    # Its header is fine, and the rest is missing.
    cut_off = jpeg[: jpeg.index(b'\xff\xda')]
    answer(len(BAD_ANSWERS), cut_off, good)
    robot.until(lambda: 'cannot be drawn' in caplog.text)
    answer(len(BAD_ANSWERS) + 1, jpeg, good)
    last = stamped(10.0 + len(BAD_ANSWERS) + 1)
    robot.until(lambda: seen and seen[-1].header == last)
    assert stamped(10.0 + len(BAD_ANSWERS)) not in [message.header for message in seen]
    assert 'Traceback' not in caplog.text
    assert shows(decoded(seen[-1]), 160, 24, ADDED)
