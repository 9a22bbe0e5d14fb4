# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""docs/command-line.md says what the parsers say."""

from __future__ import annotations

import argparse
import runpy
from pathlib import Path
from typing import Any

import pytest

from spark_ros.cli.spark_arguments import parser

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def reference() -> dict[str, Any]:
    """What writes the page."""
    return runpy.run_path(str(ROOT / 'dev' / 'command_reference.py'))


def test_the_page_is_up_to_date(reference: dict[str, Any]) -> None:
    """If not: .venv/bin/python dev/command_reference.py"""
    page = (ROOT / 'docs' / 'command-line.md').read_text('utf-8')
    assert page == reference['rewritten'](page, parser())
    for name in reference['commands'](parser()):
        assert f'-- options of: {name} --' in page or name == 'spark'


def test_a_new_option_makes_it_stale(reference: dict[str, Any]) -> None:
    """The check above can fail."""
    page = (ROOT / 'docs' / 'command-line.md').read_text('utf-8')
    changed = parser()
    reference['commands'](changed)['list'].add_argument('--new', help='something')
    assert '| `--new` | something |' not in page
    assert '| `--new NEW` | something |' not in page
    assert reference['rewritten'](page, changed) != page


def test_every_option_is_described(reference: dict[str, Any]) -> None:
    """None has an empty help."""
    for name, command in reference['commands'](parser()).items():
        for action in command._actions:
            assert action.help or isinstance(action, argparse._SubParsersAction), (name, action)


def test_the_notes_fit_a_terminal(reference: dict[str, Any]) -> None:
    """argparse does not wrap them."""
    for command in reference['commands'](parser()).values():
        assert max((len(line) for line in (command.epilog or '').splitlines()), default=0) <= 80
