# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""docs/interfaces.md names the topics, services and the action that a running node has."""

from __future__ import annotations

import re
from pathlib import Path

from rclpy.action import get_action_server_names_and_types_by_node
from robot import Robot

PAGE = Path(__file__).parents[2] / 'docs' / 'interfaces.md'
ROW = re.compile(r'^\| (?:(in|out) )?(`.*?) \| (`.*?) \|', re.MULTILINE)
# Of every node; its log's, its parameters' and those of an action, by their ends.
OF_ROS = re.compile(
    r'/(rosout|parameter_events|clock|\w*parameters?\w*|get_type_description)$|/_action/'
)


def described(title: str, camera: str = 'front') -> dict[tuple[str, str], str]:
    """Return (direction, name) → type from the table under a heading, for one camera."""
    table = PAGE.read_text('utf-8').partition(f'\n## {title}\n')[2].partition('\n## ')[0]
    found = {}
    for direction, names, types in ROW.findall(table):
        both = zip(re.findall('`([^`]+)`', names), re.findall('`([^`]+)`', types), strict=True)
        for name, type in both:
            name = name.replace('<camera>', camera).replace('~', '/spark')
            found[direction, name if name.startswith('/') else f'/{name}'] = type
    return found


def short(names_and_types: list[tuple[str, list[str]]]) -> dict[str, str]:
    """Return name → package/Type without what every node has."""
    return {
        name: re.sub('/(msg|srv|action)/', '/', types[0])
        for name, types in names_and_types if not OF_ROS.search(name)
    }


def test_the_tables_are_what_the_node_has(robot: Robot) -> None:
    spark = robot.start(cameras=['front', 'rear'], rear__transport='compressed')
    published = short(spark.get_publisher_names_and_types_by_node('spark', '/'))
    topics = {('out', name): type for name, type in published.items() if '/rear/' not in name}
    # It subscribes once somebody publishes, with the publisher's quality of service.
    inputs = [topic for camera in spark._cameras for topic in camera.topics]
    described_topics = described('Topics')
    assert {key: type for key, type in described_topics.items() if key[0] == 'out'} == topics
    front = {name for direction, name in described_topics if direction == 'in'}
    rear = {name for direction, name in described('Topics', 'rear') if direction == 'in'}
    assert set(inputs) == (front - {'/front/image_raw/compressed'}) | (rear - {'/rear/image_raw'})

    services = short(spark.get_service_names_and_types_by_node('spark', '/'))
    assert {name: type for (_, name), type in described('Services').items()} == services
    actions = short(get_action_server_names_and_types_by_node(spark, 'spark', '/'))
    assert {name: type for (_, name), type in described('Action').items()} == actions
