# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How long a page kept its thread busy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page

TASK = 'ThreadControllerImpl::RunTask'


@contextmanager
def task_times(page: Page) -> Iterator[list[float]]:
    """Give a list that afterwards holds how long each task of the browser computed, in ms.

    It is processor time: what else the machine does is not in it.
    """
    browser = page.context.browser
    assert browser is not None
    times: list[float] = []
    browser.start_tracing(page=page, categories=['toplevel'])
    try:
        yield times
    finally:
        events = json.loads(browser.stop_tracing())['traceEvents']
    times.extend(event.get('tdur', 0) / 1000 for event in events if event['name'] == TASK)
