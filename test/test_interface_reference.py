# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""docs/interfaces.md says what the comments of the messages, services and the action say."""

from __future__ import annotations

import re
import runpy
import shutil
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted(
    str(file.relative_to(ROOT))
    for folder in ('msg', 'srv', 'action') for file in (ROOT / folder).iterdir()
)


@pytest.fixture(scope='module')
def reference() -> dict[str, Any]:
    """What writes the page."""
    return runpy.run_path(str(ROOT / 'dev' / 'interface_reference.py'))


@pytest.fixture(scope='module')
def page() -> str:
    return (ROOT / 'docs' / 'interfaces.md').read_text('utf-8')


def test_the_page_is_up_to_date(reference: dict[str, Any], page: str) -> None:
    """If not: make docs"""
    assert page == reference['rewritten'](page)


def test_every_interface_is_on_the_page(page: str) -> None:
    assert sorted(re.findall(r'<!-- interface: (\S+) -->', page)) == FILES


@pytest.mark.parametrize('file', FILES)
def test_every_field_is_there_with_a_meaning(file: str, page: str) -> None:
    """By a reading of its own: the first two words of each line that is no comment."""
    block = page.partition(f'<!-- interface: {file} -->\n')[2].partition('<!-- end -->')[0]
    for line in (ROOT / file).read_text('utf-8').splitlines():
        words = line.partition('#')[0].split()
        if words and words != ['---']:
            name, _, value = words[1].partition('=')
            shown = f'`{name}` = {value}' if value else f'`{name}`'
            assert f'| {shown} | `{words[0]}` |' in block, line
    assert not re.search(r'\| *\|$', block, re.MULTILINE)


def test_a_changed_comment_makes_it_stale(
    reference: dict[str, Any], page: str, tmp_path: Path
) -> None:
    """The first test can fail."""
    for folder in ('msg', 'srv', 'action'):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    vertex = tmp_path / 'msg' / 'Vertex.msg'
    vertex.write_text(vertex.read_text('utf-8').replace('to the right', 'to the left'), 'utf-8')
    assert reference['rewritten'](page, tmp_path) != page
