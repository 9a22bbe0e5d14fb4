# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Every camera just works, whatever QoS it publishes with and whenever it appears."""

from __future__ import annotations

from typing import Any

import pytest
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
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
from vision_msgs.msg import Detection2DArray

from spark_ros.ros.matched import DEPTH, MatchedSubscription

IMAGES = '/front/image_raw'


def offered(robot: Robot, topic: str = IMAGES) -> Any:
    """Return the QoS of the node's subscription, once there is exactly one."""
    found = robot.node.get_subscriptions_info_by_topic(topic)
    return found[0].qos_profile if len(found) == 1 else None


def reliable(robot: Robot, topic: str = IMAGES) -> bool:
    profile = offered(robot, topic)
    return profile is not None and profile.reliability == ReliabilityPolicy.RELIABLE


def best_effort(robot: Robot, topic: str = IMAGES) -> bool:
    profile = offered(robot, topic)
    return profile is not None and profile.reliability == ReliabilityPolicy.BEST_EFFORT


def asks(robot: Robot, camera: Any, detector: Any, seconds: float) -> None:
    """Publish a frame and a doubted detection until the node asks about just that frame."""
    header = stamped(seconds)
    unlike_others = detection(f'cat {seconds:g}', (50, 60, 100, 80))

    def asked() -> bool:
        camera.publish(raw(picture(1), header))
        detector.publish(detections(header, unlike_others))
        return any(status.header == header for status in robot.statuses)

    robot.until(asked)


@pytest.mark.parametrize('images', [BEST_EFFORT, RELIABLE, LATCHED])
@pytest.mark.parametrize('found', [BEST_EFFORT, RELIABLE])
def test_a_publisher_that_was_there_first(
    robot: Robot, images: QoSProfile, found: QoSProfile
) -> None:
    camera = robot.node.create_publisher(Image, IMAGES, images)
    detector = robot.node.create_publisher(Detection2DArray, '/front/detections', found)
    robot.listen()
    robot.start()
    asks(robot, camera, detector, 5.0)
    robot.until(
        lambda: offered(robot) and offered(robot).reliability == images.reliability
    )
    assert offered(robot).durability == (
        images.durability if images is LATCHED else DurabilityPolicy.VOLATILE
    )


@pytest.mark.parametrize('images', [BEST_EFFORT, RELIABLE])
def test_a_publisher_that_appears_later(robot: Robot, images: QoSProfile) -> None:
    robot.listen()
    robot.start()
    detector = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)
    camera = robot.publisher(Image, IMAGES, images)
    asks(robot, camera, detector, 5.0)


def test_a_camera_that_changes_its_mind(robot: Robot) -> None:
    robot.listen()
    robot.start()
    detector = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)
    for round_ in range(2):
        camera = robot.publisher(Image, IMAGES, RELIABLE)
        robot.until(lambda: reliable(robot))
        asks(robot, camera, detector, 10.0 * round_ + 1)
        robot.node.destroy_publisher(camera)
        camera = robot.publisher(Image, IMAGES, BEST_EFFORT)
        robot.until(lambda: best_effort(robot))
        asks(robot, camera, detector, 10.0 * round_ + 2)
        robot.node.destroy_publisher(camera)


def test_with_several_publishers_the_weakest_decides(robot: Robot) -> None:
    robot.listen()
    robot.start()
    detector = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)
    strong = robot.publisher(Image, IMAGES, RELIABLE)
    robot.until(lambda: reliable(robot))
    weak = robot.node.create_publisher(Image, IMAGES, BEST_EFFORT)
    robot.until(lambda: best_effort(robot))
    asks(robot, strong, detector, 1.0)
    asks(robot, weak, detector, 2.0)
    robot.node.destroy_publisher(weak)
    robot.until(lambda: reliable(robot))


def test_the_standard_parameters_decide_over_it(robot: Robot) -> None:
    camera = robot.node.create_publisher(Image, IMAGES, RELIABLE)
    name = f'qos_overrides.{IMAGES}.subscription.reliability'
    robot.listen()
    node = robot.start(**{name: 'best_effort'})
    detector = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)
    asks(robot, camera, detector, 1.0)
    assert best_effort(robot)
    assert node.get_parameter(name).value == 'best_effort'


def test_parameters_name_no_reliability_that_nobody_chose(robot: Robot) -> None:
    """What `ros2 param dump` writes is so, and given to the node again it pins nothing."""
    robot.node.create_publisher(Image, IMAGES, RELIABLE)
    node = robot.start()
    robot.until(lambda: reliable(robot))
    shown = node.get_parameters_by_prefix(f'qos_overrides.{IMAGES}.subscription')
    assert {name: parameter.value for name, parameter in shown.items()} == {
        'depth': DEPTH, 'history': 'keep_last',
    }  # fmt: skip


def test_a_detection_may_come_before_its_image(robot: Robot) -> None:
    robot.listen()
    # Half a second may be over before the image is sent.
    robot.start(front__frames__wait_s=50.0)
    camera = robot.publisher(Image, IMAGES, BEST_EFFORT)
    detector = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)
    header = stamped(5.0)
    camera.publish(raw(picture(1), stamped(4.9)))
    detector.publish(detections(header, detection('cat', (50, 60, 100, 80))))
    waiting = robot.spark._cameras[0]._waiting
    robot.until(lambda: waiting or robot.spark._cameras[0]._waiting)
    camera.publish(raw(picture(2), header))
    robot.until(lambda: robot.statuses)
    assert robot.statuses[0].header == header


def test_detections_on_frames_from_before_the_node_are_no_news(
    robot: Robot, caplog: pytest.LogCaptureFixture
) -> None:
    """Camera and detector were there first, and the detector takes its time."""
    robot.listen()
    robot.start(front__frames__wait_s=0.1)
    watched = robot.spark._cameras[0]
    camera = robot.publisher(Image, IMAGES, RELIABLE)
    robot.until(lambda: reliable(robot))
    detector = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)

    def found(seconds: float) -> None:
        detector.publish(detections(stamped(seconds), detection('cat', (50, 60, 100, 80))))
        heard = watched.detections + 1
        robot.until(lambda: watched.detections == heard and not watched._waiting)

    found(7.0)
    camera.publish(raw(picture(1), stamped(10.0)))
    robot.until(lambda: watched.frames)
    found(8.0)
    assert watched.unmatched == 0 and 'cannot be asked about' not in caplog.text
    # Not of a moment ago: something is wrong with these stamps.
    found(1.0)
    assert watched.unmatched == 1 and 'no frame within 0.02 s' in caplog.text


@pytest.mark.parametrize(
    ('found_at', 'frame'), [(5.0, 5.0), (5.01, 5.0), (5.09, 5.1), (0.0, 5.2), (6.5, 5.2)]
)
def test_a_detection_finds_its_frame_by_stamp(
    robot: Robot, found_at: float, frame: float
) -> None:
    robot.listen()
    robot.start(front__frames__wait_s=0.1)
    camera = robot.publisher(Image, IMAGES, RELIABLE)
    robot.until(lambda: reliable(robot))
    detector = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)
    for seconds in (5.0, 5.1, 5.2):
        camera.publish(raw(picture(1), stamped(seconds)))
    robot.until(lambda: len(robot.spark._cameras[0]._ring) == 3)
    detector.publish(detections(stamped(found_at), detection('cat', (50, 60, 100, 80))))
    robot.until(lambda: robot.statuses)
    assert robot.statuses[0].header == stamped(frame)


@pytest.mark.slow('waits for discovery')
def test_what_is_still_unread_survives_a_change_of_qos(robot: Robot) -> None:
    robot.listen()
    robot.start()
    taken = robot.spark._cameras[0]
    strong = robot.publisher(Image, IMAGES, RELIABLE)
    for round_ in range(5):
        weak = robot.node.create_publisher(Image, IMAGES, BEST_EFFORT)
        robot.until(lambda: best_effort(robot))
        for seconds, camera in ((1.0, weak), (2.0, strong)):
            header, before = stamped(100.0 * round_ + seconds), taken.frames

            def flows(camera: Any = camera, header: Any = header, before: int = before) -> bool:
                camera.publish(raw(picture(1, 64, 48), header))
                return taken.frames > before

            robot.until(flows)
        stamps = [100.0 * round_ + 10 + number for number in range(DEPTH)]
        robot.node.destroy_publisher(weak)
        for stamp in stamps:
            strong.publish(raw(picture(1, 64, 48), stamped(stamp)))
        robot.until(lambda: reliable(robot))
        assert all(taken._ring.exact(int(stamp * 1e9)) for stamp in stamps)


def changing(
    robot: Robot, monkeypatch: pytest.MonkeyPatch
) -> tuple[Publisher, MatchedSubscription]:
    """Start a change of QoS that does not end by itself; return the detector and who hears it."""
    monkeypatch.setattr('spark_ros.ros.matched.OVERLAP_S', 3600.0)
    robot.start()
    (camera,) = robot.spark._cameras
    detector = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)
    (matched,) = (
        each for each in camera._subscriptions if each.resolved_topic == '/front/detections'
    )
    return detector, matched


def test_what_was_heard_before_the_change_of_qos_was_over_is_not_heard_again(
    robot: Robot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new subscription's copy may be read after the old one has gone."""
    _, matched = changing(robot, monkeypatch)
    robot.until(lambda: matched._retiring)
    heard: list[float] = []
    matched._callback = lambda message: heard.append(message.header.stamp.sec)
    old, new = matched._generation - 1, matched._generation
    both, later = (detections(stamped(seconds)) for seconds in (1.0, 2.0))
    matched._deliver(old, both)
    matched._retire()
    for message in (both, later, both):
        matched._deliver(new, message)
    assert heard == [1, 2, 1]


def test_two_messages_with_one_stamp_are_two_during_a_change_of_qos(
    robot: Robot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both subscriptions hear both; each is passed on once."""
    detector, matched = changing(robot, monkeypatch)
    robot.until(lambda: detector.get_subscription_count() == 2)
    heard: list[str] = []
    matched._callback = lambda message: heard.append(message.detections[0].id)
    for id, seconds in (('a', 1.0), ('b', 1.0), ('c', 2.0)):
        detector.publish(detections(stamped(seconds), detection('cat', (5, 6, 9, 8), id=id)))
    robot.until(lambda: 'c' in heard)
    robot.until(lambda: len(matched._heard) == 6)
    assert sorted(heard) == ['a', 'b', 'c']
