# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""One detection, asked over SparkAI and over Heat, has the same resolution up to a pixel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import httpx
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
from serving import free_port
from vision_msgs.msg import Detection2DArray

from spark_ros.msg import Correction, Resolution

LABELS = ['cat', 'dog', 'bird', 'ghost', 'cow']
TRUTH = {
    1: (picture(1), [('cat', (40.0, 60.0, 100.0, 80.0)), ('dog', (200.0, 20.0, 120.0, 100.0)),
                     ('bird', (10.0, 170.0, 50.0, 60.0))]),
}  # fmt: skip


@pytest.fixture(scope='module')
def truth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp('truth') / 'truth.json'
    write_truth(path, TRUTH)
    return path




@pytest.fixture
def operated(truth: Path, tmp_path: Path) -> Iterator[dict[str, Service]]:
    services = {name: Service(tmp_path / name, name) for name in ('spark', 'heat')}
    for service in services.values():
        service.start(f'scripted:{truth}')
    yield services
    for service in services.values():
        service.stop()


def answer(robot: Robot, service: Service, monkeypatch: pytest.MonkeyPatch) -> Resolution:
    """Ask about the same frame and detections over one API."""
    monkeypatch.setenv('SPARK_TOKEN', service.key)
    node = robot.start(
        server__url=service.url, server__kind=service.kind, front__label_options=LABELS
    )
    camera = robot.publisher(Image, '/front/image_raw', BEST_EFFORT)
    detector = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)
    header = stamped(12.5, 'front_optical')
    camera.publish(raw(picture(1), header))
    detector.publish(
        detections(
            header,
            detection('dog', (201.0, 21.0, 119.0, 99.0), 0.9),
            detection('cow', (50.0, 70.0, 100.0, 80.0), 0.3),
            detection('ghost', (240.0, 170.0, 60.0, 60.0), 0.5),
        )
    )
    before = len(robot.resolutions)
    robot.until(lambda: len(robot.resolutions) > before)
    robot.executor.remove_node(node)
    node.close()
    robot.spark = None
    return robot.resolutions[-1]


def test_both_apis_give_the_same_resolution(
    robot: Robot, operated: dict[str, Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    robot.listen('front')
    spark = answer(robot, operated['spark'], monkeypatch)
    heat = answer(robot, operated['heat'], monkeypatch)
    assert (spark.header, spark.camera, spark.state) == (heat.header, heat.camera, heat.state)
    assert (spark.frame_match, spark.image_width, spark.image_height) == (
        heat.frame_match, heat.image_width, heat.image_height,
    )  # fmt: skip
    assert [c.kind for c in spark.corrections] == [c.kind for c in heat.corrections]
    assert {c.kind for c in spark.corrections} == {
        Correction.KIND_CONFIRMED, Correction.KIND_MODIFIED,
        Correction.KIND_REMOVED, Correction.KIND_ADDED,
    }  # fmt: skip
    for one, other in zip(spark.annotations, heat.annotations, strict=True):
        assert (one.label, one.id, one.type) == (other.label, other.id, other.type)
        for v, w in zip(one.vertices, other.vertices, strict=True):
            assert abs(v.x - w.x) * spark.image_width <= 1.0
            assert abs(v.y - w.y) * spark.image_height <= 1.0


def test_the_node_itself_can_host_the_frames(
    robot: Robot, operated: dict[str, Service], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    service, port = operated['heat'], free_port()
    monkeypatch.setenv('SPARK_TOKEN', service.key)
    robot.listen('front')
    robot.start(
        server__url=service.url, server__kind='heat', front__transport='compressed',
        front__label_options=LABELS, image_host__kind='node', image_host__host='127.0.0.1',
        image_host__port=port, image_host__url=f'http://127.0.0.1:{port}',
    )  # fmt: skip
    camera = robot.publisher(CompressedImage, '/front/image_raw/compressed', BEST_EFFORT)
    detector = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)
    camera.publish(compressed(picture(1), stamped(1.5)))
    detector.publish(detections(stamped(1.5), detection('cat', (50.0, 60.0, 100.0, 80.0))))
    robot.until(lambda: robot.resolutions)
    url = robot.resolutions[0].image_url
    assert url.startswith(f'http://127.0.0.1:{port}/frames/')
    frame = httpx.get(url, trust_env=False, timeout=60.0)
    pixels = cv2.imdecode(np.frombuffer(frame.content, np.uint8), cv2.IMREAD_COLOR)
    assert frame.status_code == 200 and pixels.shape == (240, 320, 3)
    changed = url.replace('signature=', 'signature=0')
    assert httpx.get(changed, trust_env=False, timeout=60.0).status_code == 403


def test_a_label_alone_can_be_asked_for(
    robot: Robot, operated: dict[str, Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    service = operated['heat']
    monkeypatch.setenv('SPARK_TOKEN', service.key)
    robot.listen('front')
    robot.start(
        server__url=service.url, server__kind='heat', heat__detection_as='label',
        front__label_options=LABELS,
    )  # fmt: skip
    camera = robot.publisher(Image, '/front/image_raw', BEST_EFFORT)
    detector = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)
    camera.publish(raw(picture(1), stamped(1.5)))
    sure, doubted = (
        detection('dog', (200.0, 20.0, 90.0, 100.0), 0.9),
        detection('cow', (50.0, 60.0, 100.0, 80.0), 0.3),
    )
    detector.publish(detections(stamped(1.5), sure, doubted))
    robot.until(lambda: robot.resolutions and robot.corrected)
    kinds = [correction.kind for correction in robot.resolutions[0].corrections]
    assert kinds == [Correction.KIND_UNMENTIONED, Correction.KIND_MODIFIED]
    dog, relabelled = robot.corrected[0].detections
    assert dog == sure and relabelled.bbox == doubted.bbox
    assert relabelled.results[0].hypothesis.class_id == robot.resolutions[0].response != 'cow'
