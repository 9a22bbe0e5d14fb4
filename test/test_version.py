# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Each command says its version, which is the package's."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import rclpy

from spark_ros import __version__
from spark_ros.cli import service, spark
from spark_ros.ros.main import main as spark_node


@pytest.mark.parametrize(
    ('name', 'main'), [('spark', spark.main), ('spark-service', service.main)]
)
def test_a_command_line_says_its_version(
    name: str, main: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(['--version'])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f'{name} {__version__}\n'


def test_the_node_says_its_version_without_ros(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rclpy, 'init', lambda **_: pytest.fail('rclpy was started'))
    assert spark_node(['spark_node', '--version']) == 0
    assert capsys.readouterr().out == f'spark_node {__version__}\n'
    monkeypatch.setattr('sys.argv', ['spark_node', '--version'])
    assert spark_node() == 0
