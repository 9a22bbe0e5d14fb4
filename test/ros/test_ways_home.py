# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""An answer comes home by the change feed, by a push, or by polling."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from monitor import OK, Seen
from robot import BEST_EFFORT, RELIABLE, Robot, detection, detections, picture, raw, stamped
from sensor_msgs.msg import Image
from services import Service
from serving import free_port
from vision_msgs.msg import Detection2DArray

from spark_ros.clients.change_feed import FeedClient
from spark_ros.clients.errors import UnsupportedError

NEVER_S = 3600.0


@pytest.fixture(params=['spark', 'heat'])
def operated(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Service]:
    service = Service(tmp_path / 'service', request.param)
    service.allow_loopback = True
    service.start('scripted')
    yield service
    service.stop()


def ask(robot: Robot) -> None:
    camera = robot.publisher(Image, '/front/image_raw', BEST_EFFORT)
    detector = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)
    camera.publish(raw(picture(1), stamped(5.0)))
    detector.publish(detections(stamped(5.0), detection('cat', (50.0, 60.0, 100.0, 80.0))))


def start(robot: Robot, service: Service, monkeypatch: pytest.MonkeyPatch, **more: object) -> None:
    monkeypatch.setenv('SPARK_TOKEN', service.key)
    robot.listen('front')
    robot.start(server__url=service.url, server__kind=service.kind, **more)


def test_by_the_feed(
    robot: Robot, operated: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(robot, operated, monkeypatch, poll__interval_s=NEVER_S, poll__max_interval_s=NEVER_S)
    ask(robot)
    robot.until(lambda: robot.resolutions)


def without_a_feed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the service one that follows the vendors' pages alone."""

    async def changes(self: FeedClient, **_: object) -> None:
        raise UnsupportedError(404, 'no feed')

    monkeypatch.setattr(FeedClient, 'changes', changes)


def test_by_a_push(
    robot: Robot, operated: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    without_a_feed(monkeypatch)
    secret = tmp_path / 'secret'
    secret.write_text(operated.command('key', 'secret', 'rover'))
    secret.chmod(0o600)
    port = free_port()
    start(
        robot, operated, monkeypatch,
        poll__interval_s=NEVER_S, poll__max_interval_s=NEVER_S, webhook__host='127.0.0.1',
        webhook__port=port, webhook__public_url=f'http://127.0.0.1:{port}/',
        webhook__secret_file=str(secret),
    )  # fmt: skip
    seen = Seen(robot)
    ask(robot)
    robot.until(lambda: robot.resolutions, 45.0)
    robot.until(lambda: seen.until('questions', OK)['answers come by'] == 'webhook')


def test_by_polling(
    robot: Robot, operated: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_a_feed(monkeypatch)
    start(robot, operated, monkeypatch, poll__interval_s=0.1)
    ask(robot)
    robot.until(lambda: robot.resolutions)
