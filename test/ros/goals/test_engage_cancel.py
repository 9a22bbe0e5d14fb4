# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A goal is canceled wherever its question stands; no answer to it is published afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest
from asker import (
    ASSIGNED,
    CANCELED,
    OPEN,
    QUEUED,
    SUCCEEDED,
    WITHDRAWN,
    Asker,
    goal,
    journal_of,
    of_camera,
    spawned,
    started,
    words,
)
from person import Person
from robot import Robot
from services import Service

from spark_ros.escalation.journal.journal import Journal
from spark_ros.escalation.withdrawals import NOTE
from spark_ros.msg import Question, Resolution

TEXT = Question.KIND_FREE_TEXT


def answered_after(robot: Robot, asker: Asker, person: Person, service: Service) -> str:
    """Ask and answer another question: what would have come of an earlier one has come."""
    sent = asker.send(goal(TEXT, seed=2))
    sent.until(OPEN)
    person.answer(person.claim(), **words('the next', service))
    assert sent.end(SUCCEEDED).resolution.response == 'the next'
    robot.until(lambda: [r for r in robot.resolutions if r.id == sent.id])
    return sent.id


def test_before_its_frame_has_come(robot: Robot, asker: Asker) -> None:
    started(robot, None, front__frames__wait_s=60.0)
    sent = asker.send(of_camera('front', 5.0))
    assert len(sent.cancel()) == 1
    result = sent.end(WITHDRAWN)
    assert not result.success and 'frame' in result.reason
    assert result.resolution.state == Resolution.STATE_CANCELED
    assert not sent.feedback and not robot.statuses


@pytest.mark.slow('waits for a service that is away')
def test_queued_while_the_service_is_down(robot: Robot, asker: Asker, tmp_path: Path) -> None:
    node = spawned(robot, None)
    sent = asker.send(goal(TEXT))
    sent.until(QUEUED)
    assert len(sent.cancel()) == 1
    result = sent.end(WITHDRAWN)
    assert not result.success and result.resolution.state == Resolution.STATE_CANCELED
    assert result.resolution.id == sent.id
    assert sent.states == [QUEUED, CANCELED]
    robot.until(lambda: robot.states(sent.id) == [QUEUED, CANCELED])
    assert node.end() == 0, node.output
    journal = Journal(journal_of(tmp_path))
    assert journal.entries() == []
    journal.close()


def test_in_the_very_moment_of_being_asked(
    robot: Robot, asker: Asker, tmp_path: Path
) -> None:
    """Wherever the cancel meets it, it ends canceled, and nothing of it stays."""
    node = spawned(robot, None, limits__open=0)
    sent = [asker.send(goal(TEXT, seed=number)) for number in range(40)]
    cancels = []
    for each in sent:
        robot.until(lambda each=each: each.handle)
        cancels.append(each.handle.cancel_goal_async())
    robot.until(lambda: all(cancel.done() for cancel in cancels), 60)
    for each in sent:
        assert each.end(WITHDRAWN).resolution.state == Resolution.STATE_CANCELED
        assert each.states in ([], [QUEUED, CANCELED])
    assert asker.call('list_engagements').engagements == []
    assert node.end() == 0, node.output
    assert 'Traceback' not in node.output, node.output
    journal = Journal(journal_of(tmp_path))
    assert journal.entries() == []
    journal.close()


def test_open(robot: Robot, asker: Asker, service: Service, person: Person) -> None:
    started(robot, service)
    sent = asker.send(goal(TEXT))
    sent.until(OPEN)
    sent.cancel()
    sent.end(WITHDRAWN)
    assert sent.states == [QUEUED, OPEN, CANCELED]
    # It is withdrawn there: nobody works in vain.
    robot.until(lambda: not person.queue())
    next_id = answered_after(robot, asker, person, service)
    assert [r.id for r in robot.resolutions] == [next_id]


def test_assigned(robot: Robot, asker: Asker, service: Service, person: Person) -> None:
    started(robot, service)
    sent = asker.send(goal(TEXT))
    sent.until(OPEN)
    person.claim()
    if service.kind == 'spark':
        sent.until(ASSIGNED)
    sent.cancel()
    sent.end(WITHDRAWN)
    assert sent.states[-1] == CANCELED
    robot.until(lambda: not person.queue())
    next_id = answered_after(robot, asker, person, service)
    assert [r.id for r in robot.resolutions] == [next_id]


def test_after_it_was_answered_it_is_too_late(
    robot: Robot, asker: Asker, service: Service, person: Person
) -> None:
    started(robot, service)
    sent = asker.send(goal(TEXT))
    sent.until(OPEN)
    person.answer(person.claim(), **words('shut', service))
    assert sent.end(SUCCEEDED).success
    assert sent.cancel() == []
    robot.until(lambda: [r.response for r in robot.resolutions] == ['shut'])


@pytest.mark.slow('starts the node again')
def test_the_service_is_told_after_an_outage_and_a_restart(
    robot: Robot, asker: Asker, service: Service, tmp_path: Path
) -> None:
    person = Person(service)
    node = spawned(robot, service)
    sent = asker.send(goal(TEXT))
    sent.until(OPEN)
    assert len(person.queue()) == 1
    service.stop()
    sent.cancel()
    sent.end(WITHDRAWN)
    assert node.end() == 0, node.output
    journal = Journal(journal_of(tmp_path))
    assert sent.feedback[-1].token in journal.recall(NOTE) and journal.entries() == []
    journal.close()
    service.start()
    assert len(person.queue()) == 1
    asker.gone()
    started(robot, service)
    robot.until(lambda: not person.queue(), 60)
    assert not robot.resolutions
    person.close()
