# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What other detectors speak: letterboxed pixels, numbers for classes, messages of their own."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest
from listener import Listener
from rclpy.serialization import serialize_message
from robot import (
    LATCHED,
    RELIABLE,
    Box,
    Robot,
    detection,
    detections,
    picture,
    pixel_box,
    raw,
    stamped,
)
from sensor_msgs.msg import Image
from services import Service, write_truth
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray, LabelInfo, VisionClass

from spark_ros.escalation.question.escalation import FrameMatch
from spark_ros.policy import Thresholds
from spark_ros.ros.declaring import ParameterError
from spark_ros.ros.detected_frame import RosDetectedFrame
from spark_ros.ros.detectors import DetectorView
from spark_ros.ros.serialized_image import read_image

HD = (1920, 1080)
CAT, DOG, BIRD = (960.0, 540.0, 480.0, 270.0), (96.0, 108.0, 192.0, 216.0), (0.0, 0.0, 90.0, 90.0)
TRUTH = {5: (picture(5, *HD), [('cat', CAT), ('dog', DOG), ('bird', BIRD)])}
LABELS = ['person', 'dog', 'cat', 'bird']
# 1920 x 1080 in 640 x 640: a third of the size, and 140 pixels above and below.
SEEN = {
    'stretch': (1 / 3, 640 / 1080, 0.0),
    'letterbox': (1 / 3, 1 / 3, 140.0),
    'letterbox_top_left': (1 / 3, 1 / 3, 0.0),
}


@pytest.fixture(scope='module')
def operated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service whose operator knows what is on the frame."""
    folder = tmp_path_factory.mktemp('detectors')
    write_truth(folder / 'truth.json', TRUTH)
    service = Service(folder / 'data')
    service.start(f'scripted:{folder / "truth.json"}')
    yield service
    service.stop()


@pytest.fixture
def asking(robot: Robot, operated: Service, monkeypatch: pytest.MonkeyPatch) -> Robot:
    """A robot that asks this service."""
    monkeypatch.setenv('SPARK_TOKEN', operated.key)
    robot.parameters.update({'server.url': operated.url, 'front.label_options': LABELS})
    robot.listen('front')
    return robot


def seen(box: Box, fit: str) -> Box:
    """Return where a box of the frame is in the 640 x 640 pixels that the network sees."""
    across, down, top = SEEN[fit]
    x, y, width, height = box
    return x * across, y * down + top, width * across, height * down


def show(robot: Robot, header: Header, found: Any) -> None:
    """Publish the frame, and what a detector says of it; reliably, as the frame is large."""
    images = robot.publisher(Image, '/front/image_raw', RELIABLE)
    detector = robot.publisher(type(found), '/front/detections', RELIABLE)
    images.publish(raw(TRUTH[5][0], header))
    detector.publish(found)


def said(message: Detection2DArray) -> list[str]:
    return [found.results[0].hypothesis.class_id for found in message.detections]


@pytest.mark.parametrize('fit', SEEN)
def test_network_pixels_and_numbers_there_and_back(asking: Robot, fit: str) -> None:
    """People see boxes on the frame with names; the detector's pixels and numbers come back."""
    asking.start(
        front__detection_image_size=[640, 640], front__detection_fit=fit,
        front__class_labels=LABELS,
    )  # fmt: skip
    header = stamped(10.5)
    sure = detection('1', seen(DOG, fit), 0.9, id='track 3')
    x, y, width, height = CAT
    moved = detection('0', seen((x + 60, y + 30, width, height), fit), 0.3)
    show(asking, header, detections(header, sure, moved))
    asking.until(lambda: asking.resolutions and asking.corrected)

    (resolution,) = asking.resolutions
    (dog, cat, bird) = resolution.corrections
    assert (dog.original.label, cat.original.label) == ('dog', 'person')
    assert [one.corrected.label for one in (dog, cat, bird)] == ['dog', 'cat', 'bird']
    first = cat.original.vertices[0]
    assert (first.x * 1920, first.y * 1080) == pytest.approx((x + 60, y + 30), abs=1e-6)

    (corrected,) = asking.corrected
    assert corrected.header == header
    assert said(corrected) == ['1', '2', '3']
    assert corrected.detections[0] == sure
    for found, box in zip(corrected.detections[1:], (CAT, BIRD), strict=True):
        assert pixel_box(found) == pytest.approx(seen(box, fit), abs=1e-6)


def test_what_lies_in_the_bars_is_left_out(robot: Robot, listener: Listener) -> None:
    robot.start(
        server__url=listener.url, front__detection_image_size=[640, 640],
        front__detection_fit='letterbox',
    )  # fmt: skip
    header = stamped(3.0)
    in_the_bar = detection('cat', (100.0, 20.0, 200.0, 100.0))
    show(robot, header, detections(header, in_the_bar, detection('dog', seen(DOG, 'letterbox'))))
    robot.until(lambda: listener.bodies)
    assert [prior['label'] for prior in listener.priors()[0]] == ['dog']


def test_a_letterbox_needs_a_size(robot: Robot) -> None:
    with pytest.raises(ParameterError, match=r"'front\.detection_fit'.*detection_image_size"):
        robot.start(front__detection_fit='letterbox')


def label_info(*names: str, first: int = 0) -> LabelInfo:
    """Return what a pipeline announces."""
    classes = [
        VisionClass(class_id=number, class_name=name) for number, name in enumerate(names, first)
    ]
    return LabelInfo(class_map=classes, threshold=0.25)


def test_labels_that_the_detector_announces(asking: Robot) -> None:
    """Before the node is there; they win over the parameter, which names the others."""
    latched = asking.node.create_publisher(LabelInfo, '/front/label_info', LATCHED)
    latched.publish(label_info('cat', 'dog', first=40))
    node = asking.start(
        front__label_info_topic='front/label_info', front__class_labels=['', '', '', 'bird'],
        front__ask_below_labels=['cat'], front__ask_below_scores=[0.95], front__ask_below=0.1,
    )  # fmt: skip
    (camera,) = node._cameras
    asking.until(lambda: camera._labels.now.of('40') == 'cat')
    header = stamped(20.0)
    # Only by its name is class 40 doubted.
    show(asking, header, detections(header, detection('40', CAT, 0.9)))
    asking.until(lambda: asking.resolutions and asking.corrected)
    assert asking.resolutions[0].corrections[0].original.label == 'cat'
    assert said(asking.corrected[0]) == ['40', '41', '3']


def test_classes_without_a_label_keep_their_numbers(
    asking: Robot, caplog: pytest.LogCaptureFixture
) -> None:
    """And labels without a class keep their words; each is said once."""
    asking.start(front__class_labels=['person', 'dog'], front__cooldown_s=0.0)
    for at in (30.0, 31.0):
        header = stamped(at)
        found = detections(header, detection('77', CAT, 0.5), detection('1', DOG, 0.9))
        count = len(asking.corrected)
        show(asking, header, found)
        asking.until(lambda count=count: len(asking.corrected) > count < len(asking.resolutions))
    assert asking.resolutions[0].corrections[0].original.label == '77'
    assert [said(each) for each in asking.corrected] == [['cat', '1', 'bird']] * 2
    assert caplog.text.count("no label for the class id '77'") == 1, caplog.text
    assert caplog.text.count('no class id for the label') == 1, caplog.text


@pytest.mark.parametrize('labels', [[''] * 3, ['x' * 201], ['a'] * 10_001])
def test_labels_that_say_nothing_or_too_much(
    robot: Robot, listener: Listener, caplog: pytest.LogCaptureFixture, labels: list[str]
) -> None:
    """What a topic announces never stops the node; class ids then stand for themselves."""
    topic = robot.node.create_publisher(LabelInfo, '/front/label_info', RELIABLE)
    robot.start(server__url=listener.url, front__label_info_topic='front/label_info')
    robot.until(topic.get_subscription_count)
    topic.publish(label_info(*labels))
    if labels[0]:
        robot.until(lambda: 'are not taken' in caplog.text)
    header = stamped(3.0)
    show(robot, header, detections(header, detection('2', CAT)))
    robot.until(lambda: listener.bodies)
    assert [prior['label'] for prior in listener.priors()[0]] == ['2']


@pytest.mark.skipif(find_spec('yolo_msgs') is not None, reason='yolo_msgs is installed')
def test_a_type_that_is_not_installed_is_named(robot: Robot) -> None:
    with pytest.raises(ParameterError, match=r"'front\.detections_type'.*yolo_msgs is not there"):
        robot.start(front__detections_type='yolo_msgs/DetectionArray')


def yolo(label: str, number: int, box: Box, score: float, id: str = '') -> Any:
    """Return a detection of yolo_ros."""
    pytest.importorskip('yolo_msgs', reason='yolo_ros is not installed')
    messages = import_module('yolo_msgs.msg')
    x, y, width, height = box
    found = messages.Detection(class_id=number, class_name=label, score=score, id=id)
    found.bbox.center.position.x, found.bbox.center.position.y = x + width / 2, y + height / 2
    found.bbox.size.x, found.bbox.size.y = width, height
    return found


def yolo_array(header: Header, *found: Any) -> Any:
    return import_module('yolo_msgs.msg').DetectionArray(header=header, detections=list(found))


def test_yolo_ros_there_and_back(asking: Robot) -> None:
    """Its own messages in, corrected vision_msgs out."""
    header = stamped(40.0)
    tilted = yolo('dog', 1, DOG, 0.9, 'track 3')
    found = yolo_array(header, tilted, yolo('person', 0, CAT, 0.3))
    asking.start(front__detections_type='yolo_msgs/DetectionArray')
    show(asking, header, found)
    asking.until(lambda: asking.resolutions and asking.corrected)
    (corrected,) = asking.corrected
    assert corrected.header == header
    dog, cat, bird = corrected.detections
    assert said(corrected) == ['dog', 'cat', 'bird']
    assert (dog.id, dog.results[0].hypothesis.score) == ('track 3', 0.9)
    for one, box in ((dog, DOG), (cat, CAT), (bird, BIRD)):
        assert pixel_box(one) == pytest.approx(box, abs=1e-6)


@pytest.mark.parametrize(
    'wrong',
    [
        {'score': float('nan')}, {'score': 87.0}, {'box': (1.0, 1.0, float('nan'), 5.0)},
        {'box': (1.0, float('inf'), 5.0, 5.0)}, {'box': (1.0, 1.0, -5.0, 5.0)},
    ],
)  # fmt: skip
def test_nonsense_from_yolo_ros_is_named_once(
    robot: Robot, listener: Listener, caplog: pytest.LogCaptureFixture, wrong: dict[str, Any]
) -> None:
    header = stamped(50.0)
    bad = yolo('cat', 2, wrong.get('box', CAT), wrong.get('score', 0.9))
    robot.start(server__url=listener.url, front__detections_type='yolo_msgs/DetectionArray')
    show(robot, header, yolo_array(header, bad, bad))
    robot.until(lambda: 'a detection is left out' in caplog.text)
    # Without a name there is only the number.
    later = stamped(51.0)
    show(robot, later, yolo_array(later, yolo('', 2, CAT, 0.3), bad))
    robot.until(lambda: listener.bodies)
    assert [prior['label'] for prior in listener.priors()[0]] == ['2']
    assert caplog.text.count('a detection is left out') == 1


@pytest.mark.parametrize(
    ('score', 'may_be'), [(0.9, False), (0.5, True), (0.05, False), (float('nan'), True)]
)
def test_a_frame_tells_whether_it_may_be_doubted(score: float, may_be: bool) -> None:
    """What makes no sense has to be looked at, too."""
    found = detections(stamped(1.0), detection('cat', CAT, 0.9), detection('dog', DOG, score))
    frame = RosDetectedFrame(
        'front', raw(picture(1), stamped(1.0)), found, FrameMatch.EXACT, DetectorView(), print
    )
    assert frame.may_be_doubted(Thresholds(0.6, 0.1)) is may_be


def test_what_reads_the_detections_later_keeps_no_image() -> None:
    """A log that waits for its disk would fill the memory with frames."""
    image = read_image(bytes(serialize_message(raw(picture(1), stamped(1.0)))))
    found = detections(stamped(1.0), detection('cat', (10.0, 10.0, 20.0, 20.0), 0.9))
    frame = RosDetectedFrame('front', image, found, FrameMatch.EXACT, DetectorView(), print)
    read, gone = frame.reader(), weakref.ref(image)
    del frame, image
    assert gone() is None
    assert [each.label for each in read()] == ['cat']
