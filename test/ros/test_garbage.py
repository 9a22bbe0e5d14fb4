# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Whatever arrives on its topics, the node says once what is wrong and goes on."""

from __future__ import annotations

import math
from typing import Any

import pytest
from rclpy.qos import QoSProfile
from robot import (
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
from vision_msgs.msg import Detection2DArray

from spark_ros.msg import EngagementStatus

REPEATS = 5
GOOD = (50.0, 60.0, 100.0, 80.0)


def told(caplog: pytest.LogCaptureFixture) -> str:
    """Return what was logged, without the diagnostics, which repeat it each time it changes."""
    return '\n'.join(
        record.getMessage()
        for record in caplog.records
        if record.name != 'spark_ros.ros.diagnostics'
    )


class Wiring:
    """A running node with its camera and detector, and a service that takes questions."""

    def __init__(self, robot: Robot, listener: Any, **parameters: Any) -> None:
        self.robot, self.listener = robot, listener
        robot.listen('front')
        robot.start(server__url=listener.url, front__frames__wait_s=0.1, **parameters)
        kind, topic = Image, '/front/image_raw'
        if parameters.get('front__transport') == 'compressed':
            kind, topic = CompressedImage, f'{topic}/compressed'
        qos = QoSProfile(depth=50)
        self.camera = robot.publisher(kind, topic, qos)
        self.detector = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)
        for name in (topic, '/front/detections'):
            robot.until(lambda name=name: self._reliable(name))

    def goes_on(self, seconds: float = 500.0, frame: Any = None) -> None:
        """Ask a good question after all that came before, and wait until the service has it."""
        header = stamped(seconds)
        self.camera.publish(raw(picture(1), header) if frame is None else frame)
        # A busy machine may deliver the frame later than a detection waits for it.
        (camera,) = self.robot.spark._cameras
        self.robot.until(lambda: camera._ring.exact(int(seconds * 1e9)))
        self.detector.publish(detections(header, detection('good', GOOD)))
        self.robot.until(
            lambda: any(
                status.header == header and status.state == EngagementStatus.STATE_OPEN
                for status in self.robot.statuses
            )
        )

    def _reliable(self, topic: str) -> bool:
        found = self.robot.node.get_subscriptions_info_by_topic(topic)
        return len(found) == 1 and found[0].qos_profile.reliability == RELIABLE.reliability


@pytest.mark.parametrize(
    ('wrong', 'said'),
    [
        (detection('cat', (math.nan, 10, 50, 50)), 'not finite'),
        (detection('cat', (10, 10, math.inf, 50)), 'not finite'),
        (detection('cat', (900, 900, 50, 50)), 'lies outside the 320x240 image'),
        (detection('cat', (10, 10, 0, 50)), 'no area'),
        (detection('cat', (10, 10, 50, 50), 7.5), 'score 7.5'),
        (detection('cat', (10, 10, 50, 50), math.nan), 'score nan'),
        (detection('cat', (10, 10, 50, 50), results=[]), 'no hypothesis'),
    ],
)
def test_a_senseless_detection(
    robot: Robot, listener: Any, caplog: pytest.LogCaptureFixture, wrong: Any, said: str
) -> None:
    wiring = Wiring(robot, listener)
    for number in range(REPEATS):
        header = stamped(100.0 + number)
        wiring.camera.publish(raw(picture(1), header))
        wiring.detector.publish(detections(header, wrong))
    wiring.goes_on()
    assert told(caplog).count(said) == 1, caplog.text
    assert len(listener.bodies) == 1


def test_good_ones_beside_senseless_ones_are_asked_about(robot: Robot, listener: Any) -> None:
    wiring = Wiring(robot, listener)
    header = stamped(100.0)
    wiring.camera.publish(raw(picture(1), header))
    wiring.detector.publish(
        detections(
            header,
            detection('nan', (math.nan, 10, 50, 50)),
            detection('edge', (200.0, 150.0, 120.0, 90.0)),
            detection('over', (-20.0, -20.0, 400.0, 300.0)),
            detection('outside', (400.0, 10, 50, 50)),
        )
    )
    robot.until(lambda: listener.bodies)
    (priors,) = listener.priors()
    assert [prior['label'] for prior in priors] == ['edge', 'over']
    for prior in priors:
        for vertex in prior['vertices']:
            assert 0.0 <= float(vertex['x']) < 1.0 and 0.0 <= float(vertex['y']) < 1.0
            assert vertex['x'] != '1' and vertex['y'] != '1'


def test_empty_arrays_and_unknown_stamps(
    robot: Robot, listener: Any, caplog: pytest.LogCaptureFixture
) -> None:
    wiring = Wiring(robot, listener)
    wiring.camera.publish(raw(picture(1), stamped(100.0)))
    for number in range(REPEATS):
        wiring.detector.publish(detections(stamped(100.0)))
        wiring.detector.publish(detections(stamped(3.0 + number), detection('old', GOOD)))
        wiring.detector.publish(detections(stamped(90000.0 + number), detection('new', GOOD)))
        wiring.detector.publish(detections(stamped(-7.0 - number), detection('odd', GOOD)))
        unmatched = 3 * (number + 1)
        robot.until(lambda wanted=unmatched: robot.spark._cameras[0].unmatched == wanted)
    wiring.goes_on()
    assert caplog.text.count('cannot be asked about') == 1, caplog.text
    assert len(listener.bodies) == 1


def test_detections_without_a_stamp_are_warned_about_once(
    robot: Robot, listener: Any, caplog: pytest.LogCaptureFixture
) -> None:
    wiring = Wiring(robot, listener)
    wiring.camera.publish(raw(picture(1), stamped(100.0)))
    robot.until(lambda: len(robot.spark._cameras[0]._ring))
    for number in range(REPEATS):
        wiring.detector.publish(detections(stamped(0.0), detection(f'cat {number}', GOOD)))
    robot.until(lambda: len(listener.bodies) == REPEATS)
    assert caplog.text.count('the newest frame is taken') == 1, caplog.text
    assert all(status.header == stamped(100.0) for status in robot.statuses)


@pytest.mark.slow('ten thousand detections')
def test_ten_thousand_detections_in_one_message(
    robot: Robot, listener: Any, caplog: pytest.LogCaptureFixture
) -> None:
    wiring = Wiring(robot, listener)
    many = [
        detection('crowd', (float(n % 300), float(n // 300 * 6), 9.0, 5.0), 0.2 + n / 1e5)
        for n in range(10_000)
    ]
    for seconds in (100.0, 101.0):
        wiring.camera.publish(raw(picture(1), stamped(seconds)))
        wiring.detector.publish(detections(stamped(seconds), *many))
    wiring.goes_on()

    def crowds() -> list[Any]:
        # Several questions are sent at one time; the good one may be quicker.
        return [priors for priors in listener.priors() if priors[0]['label'] == 'crowd']

    robot.until(crowds)
    assert len(crowds()[0]) == 1000
    assert '10000 detections on one frame' in caplog.text


PIXELS = picture(1)


@pytest.mark.parametrize(
    ('wrong', 'said'),
    [
        ({'step': 100}, 'a step of 100 bytes'),
        ({'data': bytes(1000)}, '1000 bytes of data'),
        ({'data': b''}, '0 bytes of data'),
        ({'width': 0}, '0x240 pixels'),
        ({'height': 0}, '320x0 pixels'),
        ({'encoding': 'nv12'}, "the encoding 'nv12'"),
        ({'encoding': '32FC1', 'step': 1280, 'data': bytes(1280 * 240)}, "the encoding '32FC1'"),
        ({'encoding': ''}, "the encoding ''"),
    ],
)
def test_a_broken_image(
    robot: Robot,
    listener: Any,
    caplog: pytest.LogCaptureFixture,
    wrong: dict[str, Any],
    said: str,
) -> None:
    wiring = Wiring(robot, listener)
    for number in range(REPEATS):
        header = stamped(100.0 + number)
        wiring.camera.publish(raw(PIXELS, header, **wrong))
        wiring.detector.publish(detections(header, detection('cat', GOOD)))
    wiring.goes_on()
    assert told(caplog).count(said) == 1, caplog.text
    assert len(listener.bodies) == 1


def test_each_unknown_encoding_is_named_once(
    robot: Robot, listener: Any, caplog: pytest.LogCaptureFixture
) -> None:
    wiring = Wiring(robot, listener)
    for number in range(REPEATS):
        for encoding in ('32FC1', '64FC1', 'nv12', 'nv21'):
            wiring.camera.publish(raw(PIXELS, stamped(100.0 + number), encoding=encoding))
        wiring.camera.publish(raw(PIXELS, stamped(100.0 + number), data=bytes(100 + number)))
    wiring.goes_on()
    for encoding in ('32FC1', '64FC1', 'nv12', 'nv21'):
        assert told(caplog).count(f"the encoding '{encoding}'") == 1, caplog.text
    assert told(caplog).count('bytes of data, but') == 1, caplog.text


@pytest.mark.parametrize(
    ('data', 'form', 'said'),
    [
        (b'', 'jpeg', 'no data'),
        (b'not a picture', 'jpeg', 'neither JPEG nor PNG'),
        (b'\xff\xd8\xff', 'jpeg', 'cut off'),
        (b'\x89PNG', '16UC1; compressedDepth png', 'depth transport'),
    ],
)
def test_a_broken_compressed_image(
    robot: Robot,
    listener: Any,
    caplog: pytest.LogCaptureFixture,
    data: bytes,
    form: str,
    said: str,
) -> None:
    wiring = Wiring(robot, listener, front__transport='compressed')
    for number in range(REPEATS):
        header = stamped(100.0 + number)
        wiring.camera.publish(CompressedImage(header=header, format=form, data=data))
        wiring.detector.publish(detections(header, detection('cat', GOOD)))
    wiring.goes_on(frame=compressed(picture(1), stamped(500.0)))
    assert told(caplog).count(said) == 1, caplog.text
    assert len(listener.bodies) == 1
