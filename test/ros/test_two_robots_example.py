# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""examples/two_robots.launch.py: a node in each namespace, each with its own id and journal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from robot import RELIABLE, ROOT, Robot, detection, detections, picture, raw, stamped
from sensor_msgs.msg import Image
from services import Service
from vision_msgs.msg import Detection2DArray

from spark_ros.msg import EngagementStatus, Resolution

EXAMPLE = ROOT / 'examples' / 'two_robots.launch.py'
PAGE = ROOT / 'docs' / 'two-robots.md'
RUN = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource

service = LaunchService()
service.include_launch_description(LaunchDescription([
    IncludeLaunchDescription(
        PythonLaunchDescriptionSource(sys.argv[1]),
        launch_arguments=[argument.split(':=') for argument in sys.argv[2:]],
    ),
]))
sys.exit(service.run())
"""


@pytest.fixture
def launched(tmp_path: Path, service: Service) -> Iterator[subprocess.Popen[str]]:
    """The example, before a service that confirms, with the parameters of the page."""
    pytest.importorskip('launch_ros', reason='ROS launch is not on the package registries')
    service.start('scripted')
    key = tmp_path / 'key'
    key.touch(0o600)
    key.write_text(service.key)
    parameters = tmp_path / 'fleet.yaml'
    parameters.write_text(PAGE.read_text('utf-8').split('```yaml\n')[1].split('```')[0])
    process = subprocess.Popen(
        [sys.executable, '-c', RUN, str(EXAMPLE), f'server_url:={service.url}',
         f'token_file:={key}', f'params_file:={parameters}'],
        env={
            **os.environ,
            'ROS_HOME': str(tmp_path / 'home'),
            'AMENT_PREFIX_PATH': os.environ.get('AMENT_PREFIX_PATH', sys.prefix),
        },
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    yield process
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def test_each_robot_asks_for_itself(
    launched: subprocess.Popen[str], robot: Robot, tmp_path: Path
) -> None:
    resolutions: dict[str, list[Resolution]] = {'r1': [], 'r2': []}
    for name, heard in resolutions.items():
        statuses: list[EngagementStatus] = []
        robot.hear(Resolution, f'/{name}/spark/resolutions', heard, RELIABLE)
        robot.hear(EngagementStatus, f'/{name}/spark/engagements', statuses, RELIABLE)
        images = robot.node.create_publisher(Image, f'/{name}/front/image_raw', RELIABLE)
        found = robot.node.create_publisher(
            Detection2DArray, f'/{name}/front/detections', RELIABLE
        )
        robot.until(lambda i=images: i.get_subscription_count(), 90)
        robot.until(lambda f=found: f.get_subscription_count(), 90)
        header = stamped(5.0, name)

        def asked(i=images, f=found, s=statuses, h=header) -> bool:
            i.publish(raw(picture(3), h))
            f.publish(detections(h, detection('cat', (10.0, 10.0, 50.0, 50.0))))
            return bool(s)

        robot.until(asked, 90)
    robot.until(lambda: all(resolutions.values()), 90)
    for name, heard in resolutions.items():
        assert {resolution.header.frame_id for resolution in heard} == {name}
        assert {m.value for r in heard for m in r.metadata if m.key == 'robot_id'} == {name}
    os.killpg(launched.pid, signal.SIGINT)
    told, _ = launched.communicate(timeout=60)
    assert launched.returncode == 0, told
    journals = {path.name for path in (tmp_path / 'home' / 'spark_ros').glob('*.db')}
    assert journals == {'r1_r1_spark.db', 'r2_r2_spark.db'}


def test_the_parameters_of_the_page_are_parameters() -> None:
    files = PAGE.read_text('utf-8').split('```yaml\n')[1:]
    assert [set(yaml.safe_load(text.split('```')[0])) for text in files] == [{'/**', '/r2/spark'}]
