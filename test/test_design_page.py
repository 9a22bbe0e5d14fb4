# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The way of a question, as the design page has it, is there in the code, and is short."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STEP = re.compile(r'^\| \d+ \| `([\w.]+)`.* \| `([\w/.]+\.py)` \| (.+) \|$', re.MULTILINE)
PAGE = (ROOT / 'docs' / 'design.md').read_text('utf-8')


def names_in(file: Path) -> set[str]:
    """Return the functions of a file, and its methods as `Class.method`."""
    found = set()
    for node in ast.parse(file.read_text('utf-8')).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found |= {
                f'{node.name}.{each.name}' for each in node.body
                if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
            }  # fmt: skip
    return found


def test_each_step_is_there() -> None:
    steps = STEP.findall(PAGE)
    assert steps
    for name, file, _ in steps:
        assert name in names_in(ROOT / 'spark_ros' / file), f'{name} in {file}'


def test_the_way_is_short() -> None:
    """For a reader: 25 functions, and as few files and changes of thread as it can do with."""
    steps = STEP.findall(PAGE)
    assert len(steps) <= 25
    assert len({file for _, file, _ in steps}) <= 13
    assert sum('⇒' in thread for _, _, thread in steps) <= 7


def test_every_file_that_a_page_names_is_there() -> None:
    """And every function that stands behind its name."""
    named = re.findall(r'`((?:ros|escalation|clients|service)/[\w/]+\.py)(?:: (\w+))?`', PAGE)
    assert named
    for file, name in named:
        path = ROOT / 'spark_ros' / file
        assert path.is_file(), file
        assert not name or re.search(rf'\b{name}\b', path.read_text('utf-8')), f'{name} in {file}'


def test_the_life_of_a_question_fits_on_a_page() -> None:
    source = ROOT / 'spark_ros' / 'escalation' / 'engagement.py'
    (live,) = (
        node for node in ast.parse(source.read_text('utf-8')).body
        if isinstance(node, ast.AsyncFunctionDef) and node.name == 'live'
    )  # fmt: skip
    assert live.end_lineno and live.end_lineno - live.lineno < 60
