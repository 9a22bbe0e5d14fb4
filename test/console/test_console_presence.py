# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Whoever has the console open in a browser is there for robots, until the page is closed."""

import time

import httpx
import pytest
from playwright.sync_api import expect

WITHIN_S = 15


def count(service):
    return int(httpx.get(f'{service.url}/v1/changes', timeout=20).headers['spark-operators'])


def wait_for(service, wanted):
    end = time.monotonic() + WITHIN_S
    while (found := count(service)) != wanted:
        assert time.monotonic() < end, found


@pytest.mark.slow('two consoles in a browser')
def test_an_open_page_counts_until_it_is_closed(service, operators):
    ann, bob = operators
    wait_for(service, 2)
    bob.close()
    wait_for(service, 1)
    again = ann.context.new_page()
    again.goto(f'{service.url}/')
    # The same operator a second time.
    expect(again.get_by_test_id('connection')).to_have_text('live')
    assert count(service) == 1
    ann.close()
    again.goto('about:blank')
    wait_for(service, 0)
