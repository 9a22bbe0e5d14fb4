# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The parameter files of docs/detectors.md are taken by the node as they stand there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import rclpy
import yaml
from rclpy.node import Node

from spark_ros.ros.declaring import ParameterError
from spark_ros.ros.parameters import read_parameters, unknown_parameters

PAGE = Path(__file__).parents[2] / 'docs' / 'detectors.md'
FILES = re.findall(r'^```yaml\n(.*?)^```', PAGE.read_text('utf-8'), re.M | re.S)


@pytest.fixture
def context() -> Iterator[rclpy.Context]:
    context = rclpy.Context()
    yield context
    rclpy.try_shutdown(context=context)


def test_there_are_some() -> None:
    assert len(FILES) == 4


@pytest.mark.parametrize('text', FILES, ids=range(len(FILES)))
def test_the_node_takes_it(context: rclpy.Context, tmp_path: Path, text: str) -> None:
    """Every name in it means something; only yolo_msgs may be missing, and is named."""
    file = tmp_path / 'parameters.yaml'
    file.write_text(text)
    rclpy.init(args=['--ros-args', '--params-file', str(file)], context=context)
    node = Node('spark', context=context)
    block = yaml.safe_load(text)['/**']['ros__parameters']
    (name,) = block['cameras']
    needs_yolo = 'yolo' in block[name].get('detections_type', '')
    if needs_yolo and find_spec('yolo_msgs') is None:
        with pytest.raises(ParameterError, match='yolo_msgs is not there'):
            read_parameters(node)
        return
    (camera,) = read_parameters(node).cameras
    assert unknown_parameters(node) == []
    assert camera.detections_topic == block[name]['detections_topic']
    assert list(camera.detection_image_size or []) == block[name].get('detection_image_size', [])
    labels = {label for label in block[name].get('class_labels', []) if label}
    assert set(camera.labels.ids) == labels
    assert not labels or set(block[name]['label_options']) <= labels
