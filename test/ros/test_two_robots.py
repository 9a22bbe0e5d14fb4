# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Two robots in namespaces of their own, one service, one key: nothing crosses over."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from robot import (
    BEST_EFFORT,
    LATCHED,
    RELIABLE,
    NodeProcess,
    Robot,
    detection,
    detections,
    picture,
    raw,
    stamped,
)
from sensor_msgs.msg import Image
from services import Service, write_truth
from vision_msgs.msg import Detection2DArray

from spark_ros.escalation.journal.journal import Journal
from spark_ros.msg import EngagementStatus, Resolution

ROBOTS = ('r1', 'r2')
LABEL = {'r1': 'crate', 'r2': 'pallet'}
# What each API calls a question's name.
ID = {'spark': 'token', 'heat': 'id'}
# The same stamps and camera names on both, so that nothing but the robot tells them apart.
STAMPS = (100.25, 200.5, 300.75)
TRUTH = {
    seed: (picture(seed), [(LABEL[robot], (50.0, 60.0, 100.0, 80.0))])
    for offset, robot in ((10, 'r1'), (20, 'r2'))
    for seed in range(offset, offset + len(STAMPS))
}


@pytest.fixture(params=[
    'spark', pytest.param('heat', marks=pytest.mark.slow('as over SparkAI, by four more nodes')),
])  # fmt: skip
def shared(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Service]:
    """A service that both robots ask with one key, over either API; no journals from before."""
    monkeypatch.setenv('ROS_HOME', str(tmp_path / 'ros_home'))
    service = Service(tmp_path / 'service', request.param)
    yield service
    service.stop()


class Heard:
    """What is said in one robot's namespace."""

    def __init__(self, robot: Robot, name: str) -> None:
        self.resolutions: list[Resolution] = []
        self.statuses: list[EngagementStatus] = []
        self.corrected: list[Detection2DArray] = []
        robot.hear(Resolution, f'/{name}/spark/resolutions', self.resolutions, LATCHED)
        robot.hear(EngagementStatus, f'/{name}/spark/engagements', self.statuses, RELIABLE)
        robot.hear(Detection2DArray, f'/{name}/spark/front/detections', self.corrected, LATCHED)

    def asked(self) -> set[str]:
        return {status.id for status in self.statuses}

    def answered(self) -> set[str]:
        return {resolution.id for resolution in self.resolutions}

    def labels(self) -> set[str]:
        return {
            found.results[0].hypothesis.class_id
            for message in self.corrected for found in message.detections
        }  # fmt: skip


def spawn(robot: Robot, service: Service, name: str) -> NodeProcess:
    """Run a robot's node as a launch file does: in a namespace, the rest by its defaults."""
    robot.parameters.pop('journal.path', None)
    key_file = service.data.with_name('key')
    key_file.touch(0o600)
    key_file.write_text(service.key)
    return robot.spawn(
        '-r', f'__ns:=/{name}', robot_id=name, server__url=service.url,
        server__kind=service.kind, server__token_file=str(key_file),
        front__label_options=list(LABEL.values()),
    )  # fmt: skip


def ask(robot: Robot, name: str, heard: Heard) -> None:
    """Have a robot ask about its pictures."""
    camera = robot.publisher(Image, f'/{name}/front/image_raw', BEST_EFFORT)
    detector = robot.publisher(Detection2DArray, f'/{name}/front/detections', RELIABLE)
    first = {'r1': 10, 'r2': 20}[name]
    for seed, stamp in enumerate(STAMPS, first):
        header = stamped(stamp)
        # A label of its own, or the cool-down would keep the later ones from being asked.
        doubted = detections(header, detection(f'thing {seed}', (40, 60, 100, 80)))

        def noted(seed: int = seed, header: Any = header, doubted: Any = doubted) -> bool:
            camera.publish(raw(picture(seed), header))
            detector.publish(doubted)
            return any(status.header == header for status in heard.statuses)

        robot.until(noted, 60)


def changes(service: Service, **query: str) -> dict[str, Any]:
    """Return what the change feed says."""
    answer = httpx.get(
        f'{service.url}/v1/changes', params=query, trust_env=False, timeout=60.0,
        headers={'Authorization': f'Bearer {service.key}', 'X-Api-Key': service.key},
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def tokens(service: Service, cursor: str, robot_id: str) -> set[str]:
    """Return which questions' changes a robot is sent."""
    found = changes(service, cursor=cursor, robot_id=robot_id)['changes']
    return {(c.get('engagement') or c.get('request'))[ID[service.kind]] for c in found}


@pytest.mark.slow('starts several nodes')
def test_each_robot_hears_its_own_answers_only(
    robot: Robot, shared: Service, tmp_path: Path
) -> None:
    """On its topics, in its journal, and from the feed."""
    write_truth(tmp_path / 'truth.json', TRUTH)
    shared.start(f'scripted:{tmp_path / "truth.json"}')
    begin = changes(shared)['cursor']
    heard = {name: Heard(robot, name) for name in ROBOTS}
    nodes = {name: spawn(robot, shared, name) for name in ROBOTS}
    robot.known(*ROBOTS)
    for name in ROBOTS:
        ask(robot, name, heard[name])
    robot.until(lambda: all(len(h.resolutions) == len(STAMPS) for h in heard.values()), 60)
    robot.until(lambda: all(len(h.corrected) == len(STAMPS) for h in heard.values()), 60)

    assert not heard['r1'].asked() & heard['r2'].asked()
    for name in ROBOTS:
        assert heard[name].answered() == heard[name].asked()
        assert heard[name].labels() == {LABEL[name]}
        assert {r.state for r in heard[name].resolutions} == {Resolution.STATE_CLOSED}
        own = {resolution.token for resolution in heard[name].resolutions}
        assert tokens(shared, begin, name) == own
    assert not tokens(shared, begin, 'r3')

    for name in ROBOTS:
        assert nodes[name].end() == 0, nodes[name].output
        path = Path(os.environ['ROS_HOME']) / 'spark_ros' / f'{name}_{name}_spark.db'
        journal = Journal(path)
        assert journal.entries() == []
        journal.close()


@pytest.mark.slow('starts four nodes')
def test_an_answer_for_a_robot_that_is_away_waits_for_that_robot(
    robot: Robot, shared: Service
) -> None:
    """Though the other one asks for answers with the same key."""
    shared.start()
    heard = {name: Heard(robot, name) for name in ROBOTS}
    nodes = {name: spawn(robot, shared, name) for name in ROBOTS}
    robot.known(*ROBOTS)
    for name in ROBOTS:
        ask(robot, name, heard[name])

    def opened(name: str) -> int:
        return sum(s.state == EngagementStatus.STATE_OPEN for s in heard[name].statuses)

    robot.until(lambda: all(opened(name) == len(STAMPS) for name in ROBOTS), 60)
    assert nodes['r2'].end() == 0, nodes['r2'].output
    shared.stop()
    shared.start('scripted')
    robot.until(lambda: heard['r1'].answered() == heard['r1'].asked(), 60)
    assert not heard['r2'].resolutions

    asked = heard['r2'].asked()
    spawn(robot, shared, 'r2')
    robot.until(lambda: heard['r2'].answered() == asked, 60)
    assert heard['r1'].answered() == heard['r1'].asked()
    assert not heard['r1'].asked() & asked
