# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The service is away, for hours for all the node knows: nothing is lost, the urgent go first."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from portal import Portal
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from robot import (
    BEST_EFFORT,
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
from services import Service
from vision_msgs.msg import Detection2DArray

from spark_ros.clients.spark import SparkClient
from spark_ros.escalation.journal.journal import Journal
from spark_ros.msg import EngagementStatus, Resolution

QUESTIONS = 100
# Four are on their way at one time; a busy machine lets one of them wait for a while.
OUT_OF_ORDER = 16
NEVER_S = 3600.0
BOX = (50.0, 60.0, 100.0, 80.0)
HEAR_ALL = QoSProfile(depth=2000, reliability=ReliabilityPolicy.RELIABLE)
HEAR_ALL_LATCHED = QoSProfile(depth=2000, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class Asker:
    """A camera and a detector that doubts an object of its own on each frame."""

    def __init__(self, robot: Robot) -> None:
        self._robot = robot
        robot.hear(EngagementStatus, '/spark/engagements', robot.statuses, HEAR_ALL)
        robot.hear(Resolution, '/spark/resolutions', robot.resolutions, HEAR_ALL_LATCHED)
        self._camera = robot.publisher(Image, '/front/image_raw', BEST_EFFORT)
        self._detector = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)
        robot.known()
        self._frame = raw(picture(1), stamped(1.0))

    def ask(self, number: int, score: float) -> str:
        """Return our id of the question about a number, once it is accepted."""
        header = stamped(float(number))
        self._frame.header = header

        def accepted() -> str:
            for status in self._robot.statuses:
                if status.header == header:
                    return str(status.id)
            self._camera.publish(self._frame)
            self._detector.publish(detections(header, detection(f'cat {number}', BOX, score)))
            return ''

        self._robot.until(accepted)
        return accepted()


@pytest.fixture
def token_file(tmp_path: Path, service: Service) -> str:
    file = tmp_path / 'token'
    file.touch(0o600)
    file.write_text(service.key)
    return str(file)


def spawn(robot: Robot, service: Service, token_file: str, **more: Any) -> NodeProcess:
    return robot.spawn(
        server__url=service.url, server__token_file=token_file, limits__open=0, **more
    )


def asked_of(service: Service) -> list[str]:
    """Return the tokens of what the service was asked, in that order."""

    async def read() -> list[str]:
        async with SparkClient(service.url, service.key) as client:
            return [engagement.token async for engagement in client.iter_engagements()]

    return asyncio.run(read())


@pytest.mark.slow('a hundred questions')
def test_a_hundred_questions_wait_and_all_are_answered_once(
    robot: Robot, service: Service, token_file: str, tmp_path: Path
) -> None:
    node = spawn(robot, service, token_file)
    asker = Asker(robot)
    scores = {number: 0.15 + 0.004 * number for number in range(1, QUESTIONS + 1)}
    numbers = list(scores)
    random.Random(7).shuffle(numbers)
    ids = [asker.ask(number, scores[number]) for number in numbers]
    assert len(set(ids)) == QUESTIONS
    assert {status.state for status in robot.statuses} == {EngagementStatus.STATE_QUEUED}
    # An outage is said once, not for each of a hundred questions again and again.
    assert node.output.count('cannot send questions') == 1, node.output

    service.start('scripted')
    robot.until(lambda: len(robot.resolutions) >= QUESTIONS, 120.0)
    robot.until(lambda: all(robot.states(id)[-1] == EngagementStatus.STATE_CLOSED for id in ids))
    assert sorted(resolution.id for resolution in robot.resolutions) == sorted(ids)
    assert all(r.state == Resolution.STATE_CLOSED and not r.late for r in robot.resolutions)
    number_of = {r.token: r.header.stamp.sec for r in robot.resolutions}
    sent = [number_of[token] for token in asked_of(service)]
    assert sorted(sent) == sorted(numbers)
    # The least certain first: the numbers are in the order of their scores.
    displaced = {number: abs(place - number) for place, number in enumerate(sent, 1)}
    assert max(displaced.values()) <= OUT_OF_ORDER, sent
    assert node.end() == 0, node.output
    with closing(Journal(tmp_path / 'journal.db')) as journal:
        assert journal.entries() == []


def refused(service: Service) -> bool:
    """Whether the service refuses the robot's key."""
    headers = {'Authorization': f'Bearer {service.key}'}
    answer = httpx.get(f'{service.url}/v1/engagement', headers=headers, timeout=60.0)
    return answer.status_code == 401


def revoked(service: Service, at: float | None) -> None:
    """Give a revoked key back, or revoke it, under the running service."""
    with closing(sqlite3.connect(service.data / 'service.db', timeout=30.0)) as db:
        db.execute('UPDATE keys SET revoked = ?', (at,))
        db.commit()


@pytest.mark.slow('waits for retries')
def test_a_revoked_key_stops_the_sending_and_loses_nothing(
    robot: Robot, service: Service, token_file: str
) -> None:
    service.start('scripted')
    node = spawn(robot, service, token_file)
    asker = Asker(robot)
    ids = [asker.ask(1, 0.3)]
    robot.until(lambda: robot.resolutions)
    service.command('key', 'revoke', 'rover')
    # Within a second it reaches a running service.
    robot.until(lambda: refused(service))
    ids += [asker.ask(number, 0.3) for number in (2, 3, 4, 5, 6)]

    robot.until(lambda: 'cannot send questions' in node.output)
    (said,) = [line for line in node.lines if 'cannot send questions' in line]
    assert '401' in said and 'ERROR' in said and service.key not in node.output
    robot.until(lambda: node.output.count('401') >= 2, 60.0)
    assert all(robot.states(id) == [EngagementStatus.STATE_QUEUED] for id in ids[1:])
    revoked(service, None)
    robot.until(lambda: len(robot.resolutions) == len(ids), 90.0)
    assert sorted(r.id for r in robot.resolutions) == sorted(ids)
    assert EngagementStatus.STATE_FAILED not in {status.state for status in robot.statuses}
    robot.until(lambda: 'accepts questions again' in node.output)
    assert len(asked_of(service)) == len(ids)


@pytest.mark.slow('waits for a timeout')
def test_what_expires_in_an_outage_is_over_at_the_service_too(
    robot: Robot, service: Service, token_file: str, tmp_path: Path
) -> None:
    """The node says so in time, and forgets the question once the service says it, too."""
    service.start()
    spawn(robot, service, token_file, timeout_s=10.0)
    id = Asker(robot).ask(1, 0.3)
    robot.until(lambda: EngagementStatus.STATE_OPEN in robot.states(id))
    service.stop()
    robot.until(lambda: EngagementStatus.STATE_EXPIRED in robot.states(id))
    with closing(sqlite3.connect(tmp_path / 'journal.db', timeout=30.0)) as kept:
        assert kept.execute('SELECT id FROM escalation').fetchall() == [(id,)]
        service.start()
        robot.until(lambda: not kept.execute('SELECT id FROM escalation').fetchall(), 90.0)
    assert robot.states(id)[-1] == EngagementStatus.STATE_EXPIRED and not robot.resolutions


def test_a_journal_that_is_full_says_whom_it_gives_up(robot: Robot) -> None:
    robot.start(journal__max_count=2, journal__max_age_h=1.0, limits__open=0)
    asker = Asker(robot)
    ids = [asker.ask(number, 0.3) for number in (1, 2, 3)]

    def given_up() -> list[EngagementStatus]:
        return [s for s in robot.statuses if s.state == EngagementStatus.STATE_FAILED]

    robot.until(given_up)
    (status,) = given_up()
    # The oldest, unless it was just being tried.
    assert status.id in ids[:2] and 'journal.max_count' in status.detail


def test_what_is_older_than_the_journal_keeps_is_given_up(robot: Robot) -> None:
    robot.start(journal__max_age_h=2.0 / 3600.0, timeout_s=0.0)
    id = Asker(robot).ask(1, 0.3)
    robot.until(lambda: EngagementStatus.STATE_FAILED in robot.states(id))
    assert 'journal.max_age_h' in [s.detail for s in robot.statuses if s.id == id][-1]


@pytest.fixture
def portal(service: Service) -> Iterator[Portal]:
    made = Portal(service.port)
    yield made
    made.close()


@pytest.mark.slow('waits for retries')
def test_a_login_page_in_between_interrupts_the_feed_and_no_more(
    robot: Robot, service: Service, token_file: str, portal: Portal
) -> None:
    service.start()
    node = robot.spawn(
        server__url=portal.url, server__token_file=token_file,
        poll__interval_s=NEVER_S, poll__max_interval_s=NEVER_S,
    )  # fmt: skip
    id = Asker(robot).ask(1, 0.3)
    robot.until(lambda: EngagementStatus.STATE_OPEN in robot.states(id))
    robot.until(lambda: portal.passed['GET /v1/changes'] >= 2)
    portal.closed = True
    portal.cut()
    robot.until(lambda: portal.refused['GET /v1/changes'] >= 2)
    service.stop()
    service.start('scripted')
    assert not robot.resolutions
    portal.closed = False
    robot.until(lambda: robot.resolutions, 60.0)
    assert robot.resolutions[0].id == id and not robot.resolutions[0].late
    assert 'the change feed is interrupted' in node.output
    assert 'has no change feed' not in node.output


@pytest.mark.parametrize('redirects', [True, False])
@pytest.mark.slow('waits for retries')
def test_what_a_login_page_says_to_a_question_is_no_refusal(
    robot: Robot, service: Service, token_file: str, portal: Portal, redirects: bool
) -> None:
    portal.closed, portal.redirects = True, redirects
    service.start('scripted')
    robot.spawn(server__url=portal.url, server__token_file=token_file)
    id = Asker(robot).ask(1, 0.3)
    robot.until(lambda: portal.refused['POST /v1/image'] >= 2)
    portal.closed = False
    robot.until(lambda: robot.resolutions, 60.0)
    assert robot.resolutions[0].id == id
    assert EngagementStatus.STATE_FAILED not in robot.states(id)
