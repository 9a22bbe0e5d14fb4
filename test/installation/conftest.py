# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The service as its users install it, and a browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chromium import chromium
from playwright.sync_api import Page

WAIT_MS = 30_000


@pytest.fixture
def page() -> Iterator[Page]:
    """A browser's page."""
    with chromium() as browser:
        page = browser.new_page(viewport={'width': 1280, 'height': 800})
        page.set_default_timeout(WAIT_MS)
        yield page
