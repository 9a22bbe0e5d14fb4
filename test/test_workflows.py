# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The workflows: what can be known of them without running them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / '.github' / 'workflows').glob('*.yml'))


@pytest.fixture(params=FILES, ids=lambda path: path.name)
def workflow(request: pytest.FixtureRequest) -> dict[str, Any]:
    """A workflow, parsed."""
    parsed: dict[str, Any] = yaml.safe_load(request.param.read_text('utf-8'))
    return parsed


def steps(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the steps of all its jobs."""
    return [step for job in workflow['jobs'].values() for step in job['steps']]


def test_both_are_there() -> None:
    """ROS from apt, and ROS from PyPI."""
    assert [path.name for path in FILES] == ['pypi.yml', 'ros.yml']


def test_it_may_only_read_and_its_actions_are_pinned(workflow: dict[str, Any]) -> None:
    """By major version at least."""
    assert workflow['permissions'] == {'contents': 'read'}
    used = [step['uses'] for step in steps(workflow) if 'uses' in step]
    assert used and all(re.fullmatch(r'[\w-]+/[\w-]+@(v\d+|[0-9a-f]{40})', one) for one in used)
    assert all(job['timeout-minutes'] for job in workflow['jobs'].values())


def test_it_uses_only_what_there_is(workflow: dict[str, Any]) -> None:
    """Targets of the Makefile, and files of the checkout."""
    makefile = (ROOT / 'Makefile').read_text('utf-8')
    for line in '\n'.join(step.get('run', '') for step in steps(workflow)).splitlines():
        for target in re.findall(r'^\s*make ([\w-]+)', line):
            assert re.search(rf'^{target}:', makefile, re.MULTILINE)
        for path in re.findall(r'(?<![\w/.])test/[\w/.]+', line):
            assert (ROOT / path).exists(), path


def test_every_distribution_that_make_knows_is_tried() -> None:
    """And every one that apt has an image for."""
    matrices = {
        path.name: next(iter(yaml.safe_load(path.read_text('utf-8'))['jobs'].values()))[
            'strategy']['matrix']
        for path in FILES
    }  # fmt: skip

    def distros(matrix: dict[str, Any]) -> set[str]:
        return {*matrix['distro'], *(one['distro'] for one in matrix['include'])}

    known = {
        file.stem.removeprefix('ros-') for file in (ROOT / 'dev/requirements').glob('ros-*.txt')
    }
    assert distros(matrices['pypi.yml']) == known
    assert distros(matrices['ros.yml']) == known | {'humble', 'lyrical'}
    low, high = re.findall(
        r'\((3, \d+)\) <= .*<= \((3, \d+)\)', (ROOT / 'dev/bootstrap.py').read_text('utf-8'))[0]
    minors = range(int(low[3:]), int(high[3:]) + 1)
    assert matrices['pypi.yml']['python'] == [f'3.{minor}' for minor in minors]


def test_what_may_not_be_skipped_there_is_installed() -> None:
    """With CI set, tests that want a browser or SDFormat fail where it is missing."""
    needed = re.search(r'needed=\((.*?)\)', (ROOT / '.ci/run').read_text('utf-8'), re.DOTALL)
    assert needed
    # These are in the image.
    beside = set(needed[1].split()) - {'g++', 'git', 'make', 'python3-dev', 'python3-venv'}
    job = yaml.safe_load((ROOT / '.github/workflows/pypi.yml').read_text('utf-8'))['jobs']['test']
    assert job['env']['CI'] == 'true'
    installed = {word for step in job['steps'] for word in step.get('run', '').split()}
    assert beside and beside <= installed
