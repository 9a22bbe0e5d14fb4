# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the demo tells and leaves behind, from the messages that it hears."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import rclpy
from builtin_interfaces.msg import Time
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from spark_ros.demo.answerer import Answerer
from spark_ros.demo.progress import ProgressMonitor
from spark_ros.demo.report import summary, write_pictures
from spark_ros.demo.run import answerer_of
from spark_ros.demo.session import Options
from spark_ros.msg import Annotation, Correction, EngagementStatus, Resolution, Vertex

HEADER, STAMP = Header(stamp=Time(sec=1)), 10**9
TOKEN = 'b5507016-7da2-4777-a161-1e8042a6a377'


@pytest.fixture
def monitor() -> Iterator[ProgressMonitor]:
    rclpy.init()
    monitor = ProgressMonitor()
    yield monitor
    monitor.destroy_node()
    rclpy.try_shutdown()


def box() -> Annotation:
    corners = ((0.2, 0.2), (0.6, 0.2), (0.6, 0.7), (0.2, 0.7))
    return Annotation(id='0', label='face', vertices=[Vertex(x=x, y=y) for x, y in corners])


def tell(monitor: ProgressMonitor, **said: object) -> None:
    """Let the camera print a line."""
    monitor.printed.put(json.dumps(said))
    monitor.read_printed()


def answer(monitor: ProgressMonitor, name: str = 'kitchen') -> None:
    """Let it hear of one frame, from the camera to its answer."""
    pixels = np.full((60, 80, 3), 128, np.uint8)
    monitor.on_image(STAMP, Image(
        header=HEADER, height=60, width=80, step=240, encoding='bgr8', data=pixels.tobytes()))
    tell(monitor, name=name, stamp_ns=STAMP, found=[['face', [1, 2, 3, 4], 0.5]])
    for state, token in (
        (EngagementStatus.STATE_QUEUED, ''),
        (EngagementStatus.STATE_OPEN, TOKEN),
        (EngagementStatus.STATE_CLOSED, TOKEN),
    ):
        monitor.on_status(STAMP, EngagementStatus(
            header=HEADER, id='0123456789abcdef', token=token, state=state))
    confirmed = Correction(kind=Correction.KIND_CONFIRMED, original=box(), corrected=box())
    assert not monitor.settled
    monitor.on_resolution(
        STAMP, Resolution(header=HEADER, response_time=0.2, corrections=[confirmed]))
    assert monitor.settled


@pytest.mark.parametrize(('options', 'answerer'), [
    (Options(), Answerer.SCRIPT_WITH_TRUTH),
    (Options(images='mine'), Answerer.CONFIRMING_SCRIPT),
    (Options(operator='me'), Answerer.PERSON),
    (Options(images='mine', operator='me'), Answerer.PERSON),
])
def test_pictures_and_summary_say_who_answered(
    monitor: ProgressMonitor, tmp_path: Path, options: Options, answerer: Answerer
) -> None:
    assert answerer_of(options) is answerer
    assert answerer.operator.partition(':')[0] == ('' if options.person else 'scripted')
    assert answerer.operator.endswith('truth.json') == (answerer is Answerer.SCRIPT_WITH_TRUTH)
    answer(monitor)
    pictures = write_pictures(monitor.answered, tmp_path, answerer)
    assert [path.name for path in pictures] == ['01_kitchen.png']
    picture = cv2.imread(str(pictures[0]))
    assert picture is not None and min(picture.shape[:2]) > 200
    told = summary(monitor, answerer, None, pictures)
    assert f'answered by  {answerer.summary}\n' in told
    assert 'corrections  1 confirmed\n' in told
    assert 'mean IoU' not in told
    assert ('a person' in told) == (answerer is Answerer.PERSON)
    assert max(map(len, told.splitlines())) <= 100


def test_what_the_camera_could_not_read_is_told(
    monitor: ProgressMonitor, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(monitor, remark='a.webp is skipped: OpenCV cannot read it')
    told = capsys.readouterr().out
    assert told.endswith('  camera     a.webp is skipped: OpenCV cannot read it\n')
    assert not monitor.frames


def test_ids_are_those_that_spark_show_knows_and_lines_are_short(
    monitor: ProgressMonitor, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(monitor, 'a name that does not end ' * 9)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5 and max(map(len, lines)) <= 100
    assert [line.rsplit('  ', 1)[1] for line in lines if TOKEN in line] == [TOKEN] * 2
    assert not any('01234567' in line for line in lines), 'the id of the robot is none of those'
