# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A service, a person at it, and another node that asks ours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from asker import Asker
from person import Person
from robot import Robot
from services import Service


@pytest.fixture(scope='module', params=['spark', 'heat'])
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A service on which nobody answers but the test's person."""
    service = Service(tmp_path_factory.mktemp('service') / 'data', request.param)
    service.start()
    yield service
    service.stop()


@pytest.fixture(scope='module')
def person(service: Service) -> Iterator[Person]:
    """Who answers."""
    person = Person(service)
    yield person
    person.close()


@pytest.fixture
def asker(robot: Robot) -> Iterator[Asker]:
    """Another node; the test starts ours."""
    robot.listen('front')
    asker = Asker(robot)
    yield asker
    asker.close()
