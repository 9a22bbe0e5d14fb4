# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""One search follows a question through the logs of the node and of the service."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from person import Person
from robot import BEST_EFFORT, RELIABLE, Robot, detection, detections, picture, raw, stamped
from sensor_msgs.msg import Image
from services import KillableService
from vision_msgs.msg import Detection2DArray

ROBOT = {
    'spark': ['queued', 'uploaded', 'open', 'claimed', 'answered', 'published'],
    # The Heat API does not say that somebody works on it.
    'heat': ['queued', 'uploaded', 'open', 'flagged', 'published'],
}
SERVICE = {
    'spark': ['created', 'claimed', 'answered', 'delivered'],
    'heat': ['created', 'claimed', 'flagged', 'delivered'],
}


def states(log: str, wanted: str) -> list[str]:
    """Return the states in the lines that a search finds, each once, in order."""
    found = re.findall(rf'^.*{re.escape(wanted)}.* state=(\w+)', log, re.MULTILINE)
    return [*dict.fromkeys(found)]


@pytest.mark.slow('starts a node and a service')
@pytest.mark.parametrize('kind', ['spark', 'heat'])
def test_by_our_id_and_by_the_token(robot: Robot, tmp_path: Path, kind: str) -> None:
    service = KillableService(tmp_path / 'service', kind)
    token_file = tmp_path / 'token'
    token_file.touch(0o600)
    token_file.write_text(service.key)
    service.start()
    try:
        robot.listen('front')
        node = robot.spawn(
            server__url=service.url, server__token_file=str(token_file), server__kind=kind
        )
        camera = robot.publisher(Image, '/front/image_raw', BEST_EFFORT)
        detector = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)
        person = Person(service)

        def asked() -> bool:
            camera.publish(raw(picture(1), stamped(5.0)))
            detector.publish(
                detections(stamped(5.0), detection('cat', (50.0, 60.0, 100.0, 80.0)))
            )
            return bool(person.queue())

        robot.until(asked)
        question = person.claim()
        if kind == 'spark':
            robot.until(lambda: 'state=claimed' in node.output)
            person.answer(question, shapes=[])
        else:
            robot.until(lambda: 'state=open' in node.output)
            person.flag(question, 'dark')
        person.close()
        robot.until(lambda: robot.resolutions)
        robot.until(lambda: 'state=published' in node.output)
        assert node.end() == 0
    finally:
        service.stop()
    [resolution] = robot.resolutions
    log = (tmp_path / 'service.log').read_text()
    for wanted, begun in ((resolution.id, 0), (resolution.token, 2)):
        assert states(node.output, wanted) == ROBOT[kind][begun:]
        # The feed may have brought it before it was answered, too.
        assert [state for state in states(log, wanted) if state != 'pushed'] == SERVICE[kind]
    pattern = rf'question=\S+ token=\S+ robot=rover state={SERVICE[kind][2]}'
    [on_robot, in_service] = [re.search(pattern, text)[0] for text in (node.output, log)]
    assert on_robot == in_service
    assert service.key not in log + node.output
