# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A doubted detection leaves a topic, is answered on the real service, and comes back."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from robot import (
    BEST_EFFORT,
    LATCHED,
    RELIABLE,
    TOKEN,
    Robot,
    compressed,
    detection,
    detections,
    picture,
    pixel_box,
    raw,
    stamped,
)
from sensor_msgs.msg import CompressedImage, Image
from services import Service, write_truth
from vision_msgs.msg import Detection2DArray

from spark_ros.escalation.journal.journal import Journal
from spark_ros.msg import Correction, EngagementStatus, Resolution

TRUTH = {
    1: (picture(1), [('cat', (40.0, 60.0, 100.0, 80.0)), ('dog', (200.0, 20.0, 90.0, 100.0)),
                     ('bird', (10.0, 170.0, 50.0, 60.0))]),
    33: (picture(33), [('leaf', (98.0, 90.0, 64.0, 40.0))]),
    2: (picture(2, 400, 300), [('mug', (250.0, 150.0, 150.0, 150.0))]),
}  # fmt: skip
STEPS = [
    EngagementStatus.STATE_QUEUED, EngagementStatus.STATE_OPEN,
    EngagementStatus.STATE_ASSIGNED, EngagementStatus.STATE_CLOSED,
]  # fmt: skip
# Heat answers in whole pixels.
CLOSE_PX = {'spark': 1e-6, 'heat': 1.0}
LABELS = ['cat', 'dog', 'bird', 'mug', 'leaf', 'cow', 'cup', 'ghost']


@pytest.fixture(scope='module', params=['spark', 'heat'])
def operated(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A service, asked over either API, whose operator knows the truth about some pictures."""
    folder = tmp_path_factory.mktemp('operated')
    write_truth(folder / 'truth.json', TRUTH)
    service = Service(folder / 'data', request.param)
    service.start(f'scripted:{folder / "truth.json"}')
    yield service
    service.stop()


def ask(robot: Robot, service: Service, monkeypatch: pytest.MonkeyPatch, **more: object) -> None:
    """Start the node against a service."""
    monkeypatch.setenv('SPARK_TOKEN', service.key)
    robot.start(
        **{
            'server__url': service.url,
            'server__kind': service.kind,
            'front__label_options': LABELS,
            **more,
        }
    )


def close(service: Service, box: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether two (x, y, width, height) boxes are as near as the API can bring them."""
    near = CLOSE_PX[service.kind]
    return all(math.isclose(a, b, abs_tol=near) for a, b in zip(box, other, strict=True))


def test_every_kind_of_correction_comes_back(
    robot: Robot, operated: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    robot.listen('front')
    ask(robot, operated, monkeypatch)
    camera = robot.publisher(Image, '/front/image_raw', BEST_EFFORT)
    detector = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)
    # The answer belongs to the middle frame, though others come before and after it.
    for seed, seconds in ((8, 1000.0), (1, 1000.125), (9, 1000.25)):
        camera.publish(raw(picture(seed), stamped(seconds, 'front_optical')))
    header = stamped(1000.125, 'front_optical')
    confirmed = detection('dog', (200.0, 20.0, 90.0, 100.0), 0.9, id='track 4')
    confirmed.results[0].pose.pose.position.z = 2.5
    moved = detection('cow', (50.0, 70.0, 100.0, 80.0), 0.3)
    ghost = detection('ghost', (240.0, 170.0, 60.0, 60.0), 0.5)
    noise = detection('cat', (5.0, 5.0, 20.0, 20.0), 0.01)
    detector.publish(detections(header, noise, confirmed, moved, ghost))

    robot.until(lambda: robot.resolutions and robot.corrected)
    (resolution,) = robot.resolutions
    assert resolution.header == header
    assert resolution.state == Resolution.STATE_CLOSED
    assert resolution.frame_match == Resolution.FRAME_MATCH_EXACT
    assert (resolution.camera, resolution.image_width, resolution.image_height) == (
        'front', 320, 240,
    )  # fmt: skip
    assert resolution.token and resolution.image_url and not resolution.late
    assert [(c.kind, c.original.label, c.corrected.label) for c in resolution.corrections] == [
        (Correction.KIND_CONFIRMED, 'dog', 'dog'),
        (Correction.KIND_MODIFIED, 'cow', 'cat'),
        (Correction.KIND_REMOVED, 'ghost', ''),
        (Correction.KIND_ADDED, '', 'bird'),
    ]
    for annotation in resolution.annotations:
        for vertex in annotation.vertices:
            assert 0.0 <= vertex.x < 1.0 and 0.0 <= vertex.y < 1.0

    (corrected,) = robot.corrected
    assert corrected.header == header
    dog, cat, bird = corrected.detections
    assert dog == confirmed
    assert [d.results[0].hypothesis.class_id for d in (cat, bird)] == ['cat', 'bird']
    assert close(operated, pixel_box(cat), (40.0, 60.0, 100.0, 80.0)), pixel_box(cat)
    assert close(operated, pixel_box(bird), (10.0, 170.0, 50.0, 60.0)), pixel_box(bird)

    robot.until(lambda: robot.states(resolution.id)[-1:] == STEPS[-1:])
    states = robot.states(resolution.id)
    assert states == [step for step in STEPS if step in states] and states[:2] == STEPS[:2]
    assert all(status.header == header for status in robot.statuses)
    assert robot.spark is not None
    robot.executor.remove_node(robot.spark)
    robot.spark.close()
    robot.spark = None
    journal = Journal(tmp_path / 'journal.db')
    assert journal.entries() == []
    journal.close()


def test_two_cameras_at_once_are_not_mixed_up(
    robot: Robot, operated: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    robot.listen('front', 'rear')
    ask(
        robot, operated, monkeypatch,
        cameras=['front', 'rear'], rear__transport='compressed',
        rear__detection_image_size=[800, 600], rear__label_options=LABELS,
    )  # fmt: skip
    front = robot.publisher(Image, '/front/image_raw', RELIABLE)
    rear = robot.publisher(CompressedImage, '/rear/image_raw/compressed', BEST_EFFORT)
    on_front = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)
    on_rear = robot.publisher(Detection2DArray, '/rear/detections', BEST_EFFORT)
    at_front, at_rear = stamped(50.5, 'front_optical'), stamped(50.5, 'rear_optical')
    front.publish(raw(picture(1), at_front))
    rear.publish(compressed(picture(2, 400, 300), at_rear))
    on_front.publish(detections(at_front, detection('cat', (50.0, 60.0, 100.0, 80.0))))
    # The detector sees twice the image's size; the mug reaches to the very corner.
    on_rear.publish(detections(at_rear, detection('cup', (480.0, 280.0, 310.0, 310.0))))
    robot.until(lambda: len(robot.resolutions) == 2 and len(robot.corrected) == 2)
    resolutions = {r.camera: r for r in robot.resolutions}
    assert resolutions['front'].header == at_front and resolutions['rear'].header == at_rear
    corrected = {c.header.frame_id: c for c in robot.corrected}
    assert {d.results[0].hypothesis.class_id for d in corrected['front_optical'].detections} == {
        'cat', 'dog', 'bird',
    }  # fmt: skip
    (mug,) = corrected['rear_optical'].detections
    assert mug.results[0].hypothesis.class_id == 'mug'
    assert close(operated, pixel_box(mug), (500.0, 300.0, 300.0, 300.0)), pixel_box(mug)
    (correction,) = resolutions['rear'].corrections
    assert max(v.x for v in correction.corrected.vertices) < 1.0


def test_a_rotated_box_that_was_confirmed_returns_as_it_came(
    robot: Robot, operated: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    robot.listen('front')
    ask(robot, operated, monkeypatch)
    camera = robot.publisher(Image, '/front/image_raw', BEST_EFFORT)
    detector = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)
    header = stamped(70.0)
    tilted = detection('leaf', (100.0, 100.0, 60.0, 20.0), id='7')
    tilted.bbox.center.theta = 0.4
    camera.publish(raw(picture(33), header))
    detector.publish(detections(header, tilted))
    robot.until(lambda: robot.corrected)
    assert robot.corrected[0].detections == [tilted]


def test_who_subscribes_later_gets_the_last_answers(
    robot: Robot, operated: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    robot.listen()
    ask(robot, operated, monkeypatch)
    camera = robot.publisher(Image, '/front/image_raw', BEST_EFFORT)
    detector = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)
    camera.publish(raw(picture(1), stamped(5.0)))
    detector.publish(detections(stamped(5.0), detection('cat', (50.0, 60.0, 100.0, 80.0))))
    robot.until(lambda: robot.resolutions)
    late: list[Resolution] = []
    robot.hear(Resolution, '/spark/resolutions', late, LATCHED)
    boxes: list[Detection2DArray] = []
    robot.hear(Detection2DArray, '/spark/front/detections', boxes, LATCHED)
    robot.until(lambda: late and boxes)
    assert [r.id for r in late] == [r.id for r in robot.resolutions]
    assert boxes[0].header == stamped(5.0)


def test_a_service_that_comes_up_late_gets_the_questions(
    robot: Robot, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    robot.listen('front')
    ask(robot, service, monkeypatch)
    camera = robot.publisher(Image, '/front/image_raw', BEST_EFFORT)
    detector = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)
    camera.publish(raw(picture(1), stamped(5.0)))
    detector.publish(detections(stamped(5.0), detection('cat', (50.0, 60.0, 100.0, 80.0))))
    robot.until(lambda: robot.statuses)
    service.start('scripted')
    robot.until(lambda: robot.resolutions)
    assert robot.resolutions[0].corrections[0].kind == Correction.KIND_CONFIRMED


def test_a_wrong_key_delays_and_loses_nothing(
    robot: Robot,
    operated: Service,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The node holds on to what it asked until it runs with the right key."""
    robot.listen('front')
    node = robot.start(server__url=operated.url, server__kind=operated.kind)
    camera = robot.publisher(Image, '/front/image_raw', BEST_EFFORT)
    detector = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)
    camera.publish(raw(picture(1), stamped(5.0)))
    detector.publish(detections(stamped(5.0), detection('cat', (50.0, 60.0, 100.0, 80.0))))

    def refused() -> bool:
        return any('cannot send questions' in said and '401' in said for said in caplog.messages)

    robot.until(lambda: robot.statuses and refused())
    assert TOKEN not in caplog.text
    robot.executor.remove_node(node)
    node.close()
    ask(robot, operated, monkeypatch)
    robot.until(lambda: robot.resolutions)
    assert robot.resolutions[0].header == stamped(5.0)
    assert robot.resolutions[0].id == robot.statuses[0].id
