# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A person answers once, and later frames of the same thing have that answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from monitor import OK, Seen
from person import Person
from robot import RELIABLE, Box, Robot, compressed, detection, detections, picture, stamped
from sensor_msgs.msg import CompressedImage
from services import Service
from vision_msgs.msg import Detection2DArray

from spark_ros.msg import Correction, Resolution

pytestmark = pytest.mark.slow('a node and a person before many frames')

CAT: Box = (40.0, 60.0, 100.0, 80.0)
COW: Box = (200.0, 120.0, 80.0, 80.0)


class Camera:
    """The robot's camera and detector: the same hall again and again."""

    def __init__(self, robot: Robot) -> None:
        self._images = robot.publisher(CompressedImage, '/front/image_raw/compressed', RELIABLE)
        self._found = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)
        self._at = 1000.0

    def see(self, *found: Any, data: bytes | None = None, seed: int = 1) -> Any:
        """Publish a frame and what was found on it; return its header."""
        self._at += 1.0
        header = stamped(self._at, 'optical')
        image = compressed(picture(seed), header)
        if data is not None:
            image.data = data
        self._images.publish(image)
        self._found.publish(detections(header, *found))
        return header


@pytest.fixture
def person(service: Service) -> Iterator[Person]:
    service.start()
    person = Person(service)
    yield person
    person.close()


def test_later_frames_have_the_answer(
    robot: Robot, service: Service, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('SPARK_TOKEN', service.key)
    robot.listen('front')
    diagnostics = Seen(robot)
    robot.start(
        server__url=service.url, front__transport='compressed', front__reuse_s=60.0,
        front__cooldown_s=0.0, front__label_options=['cat', 'dog', 'cow'],
    )  # fmt: skip
    camera = Camera(robot)
    camera.see(detection('cat', CAT))
    robot.until(lambda: robot.statuses and robot.statuses[-1].state == Resolution.STATE_OPEN)
    question = person.claim()
    (prior,) = question['priors']
    dog = {'prior': 0, 'label': 'dog', 'type': 'bounding_box', 'vertices': prior['vertices']}
    person.answer(question, shapes=[dog])
    robot.until(lambda: robot.resolutions)
    (first,) = robot.resolutions

    # A little to the right, with something that the detector is sure of.
    x, y, width, height = CAT
    sure = detection('cow', COW, 0.9)
    header = camera.see(sure, detection('cat', (x + 4, y, width, height), 0.5))
    robot.until(lambda: len(robot.resolutions) == 2 and len(robot.corrected) == 2)
    again = robot.resolutions[-1]
    assert (again.header, again.state) == (header, Resolution.STATE_CLOSED)
    assert again.id not in ('', first.id) and again.token == ''
    assert list(again.flags) == ['reused'] and 'reused' not in first.flags
    assert {each.key: each.value for each in again.metadata}['reused_from'] == first.id
    assert [(c.kind, c.original.label, c.corrected.label) for c in again.corrections] == [
        (Correction.KIND_UNMENTIONED, 'cow', 'cow'),
        (Correction.KIND_MODIFIED, 'cat', 'dog'),
    ]
    corrected = robot.corrected[-1]
    assert corrected.header == header
    cow, dog = corrected.detections
    assert cow == sure
    assert (dog.results[0].hypothesis.class_id, dog.bbox.center.position.x) == ('dog', 94.0)
    # Nobody was asked, so no step is told.
    assert {status.id for status in robot.statuses} == {first.id}

    values = diagnostics.until('questions', OK)
    while values['answers used again'] != '1':
        diagnostics.wait(1)
        values = diagnostics.until('questions', OK)
    assert values['ended: closed'] == '1'

    # What is not covered is asked about, whatever else is known.
    camera.see(detection('cat', CAT), detection('cow', COW))
    robot.until(lambda: len(person.queue()) == 1)
    assert len(robot.resolutions) == 2


def test_a_frame_that_cannot_be_decoded_is_asked_about(
    robot: Robot, service: Service, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('SPARK_TOKEN', service.key)
    robot.listen('front')
    robot.start(
        server__url=service.url, front__transport='compressed', front__reuse_s=60.0,
        front__cooldown_s=0.0,
    )  # fmt: skip
    camera = Camera(robot)
    # The header is right, and says all that is needed to ask.
    whole = bytes(compressed(picture(1), stamped(1.0)).data)
    camera.see(detection('cat', CAT))
    robot.until(lambda: person.queue())
    question = person.claim()
    person.answer(question, shapes=[])
    robot.until(lambda: robot.resolutions)
    cut = whole[: whole.index(b'\xff\xda') + 4]
    header = camera.see(detection('cat', CAT), data=cut)
    robot.until(lambda: len({status.id for status in robot.statuses}) == 2)
    assert robot.statuses[-1].header == header
    camera.see(detection('cat', CAT))
    robot.until(lambda: len(robot.resolutions) == 2)
    assert list(robot.resolutions[-1].flags) == ['reused']
