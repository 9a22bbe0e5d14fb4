# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Real Chromium for the tests of the console."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

# Without its window it starts, and draws, for two thirds of the processor's time.
BROWSERS = [Path('/usr/bin/chromium-headless-shell'), Path('/usr/bin/chromium')]
CHROMIUM = next((each for each in BROWSERS if each.exists()), None)
ARGUMENTS = [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
]
# As long as pages wait by themselves for what is clicked.
expect.set_options(timeout=30_000)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start a browser; without one the test is skipped, under CI it fails.

    While Playwright is started, its event loop counts as running in this thread, and no other
    test could start one.
    """
    if CHROMIUM is None:
        reason = 'THE CONSOLE IS NOT TESTED: apt-get install chromium-headless-shell, or chromium'
        if os.environ.get('CI'):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


def log_in(page: Page, link: str) -> None:
    """Open a login link and press its button."""
    page.goto(link)
    page.get_by_role('button', name='Log in').click()
    page.wait_for_url(link.partition('login?')[0])
