# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Where the demo's service keeps its data, and how its questions are shown."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from spark_ros.cli.spark_arguments import parser
from spark_ros.demo.errors import DemoError
from spark_ros.demo.session import KEY, new_data_folder, show_command


def test_the_data_of_an_earlier_demo_are_removed_and_nothing_else(tmp_path: Path) -> None:
    output = tmp_path / 'output'
    data = new_data_folder(output)
    assert data == output / 'service' and not data.exists()
    data.mkdir()
    (data / 'notes').touch()
    with pytest.raises(DemoError, match='not from a demo: choose another --output'):
        new_data_folder(output)
    assert (data / 'notes').exists()
    (data / KEY).touch()
    assert new_data_folder(output) == data and not data.exists()
    (tmp_path / 'file').touch()
    with pytest.raises(DemoError, match='file: File exists: choose another --output'):
        new_data_folder(tmp_path / 'file')


@pytest.mark.parametrize('backend', ['spark', 'heat'])
def test_the_command_that_shows_a_question_is_one(backend: str) -> None:
    command = show_command('http://127.0.0.1:65535', Path('demo_output/service'), backend)
    arguments = parser().parse_args(shlex.split(command)[1:])
    assert (arguments.command, arguments.url) == ('show', 'http://127.0.0.1:65535')
    assert arguments.token_file == 'demo_output/service/key'
    assert (arguments.api or 'spark') == backend
