# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The line for a step of a question: one form, whatever the values are."""

from __future__ import annotations

import logging
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_ros.wire.step_log import MAX_VALUE, log_step, step_text

LINE = re.compile(r'(\w+=([!#-<>-~]+|"([^"\\]|\\.)*"))( \w+=([!#-<>-~]+|"([^"\\]|\\.)*"))*')


def test_the_form(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    log_step(
        logging.getLogger('test'), 'open', question='a-1', token='b-2', robot='rover 7',
        camera=None, program='the "best"', waited_s=1.5,
    )  # fmt: skip
    log_step(logging.getLogger('test'), 'queued', question='a-1', token='', robot=None)
    assert [record.getMessage() for record in caplog.records] == [
        r'question=a-1 token=b-2 robot="rover 7" state=open program="the \"best\"" waited_s=1.500',
        'question=a-1 token=- robot=- state=queued',
    ]


@given(st.text(st.characters(), max_size=3 * MAX_VALUE))
def test_no_value_ends_the_line_or_looks_like_another_field(text: str) -> None:
    line = step_text({'question': text, 'state': 'open'})
    assert line.isascii() and line.isprintable()
    assert LINE.fullmatch(line) and line.endswith(' state=open')
    assert line.count('state=open') == 1 or '"' in line
