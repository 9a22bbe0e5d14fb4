# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Real Chromium in front of the real service."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from chromium import chromium
from console_service import Service
from console_stub import attached_files
from playwright.sync_api import Browser, Page
from serving import Serving, printed

open_browsers: list[Browser] = []
until_others_come = ExitStack()


@pytest.fixture(scope='session')
def running_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    data = tmp_path_factory.mktemp('service') / 'data'
    key = printed('key', 'create', 'rover', '--data', str(data))
    heat_key = printed('key', 'create', 'walker', '--heat', '--data', str(data))
    with Serving(data, '--port', '0', '--allow-fetch-net', '127.0.0.0/8') as started:
        yield Service(started.url, started.login, data, key, heat_key)


@pytest.fixture
def service(running_service: Service) -> Iterator[Service]:
    """Give the running service with an empty queue, and empty it again."""
    yield running_service
    running_service.clear_queue()


@pytest.fixture(scope='session')
def files() -> Iterator[str]:
    """Give the address of a server with attachments; see console_stub."""
    with attached_files() as url:
        yield url


@pytest.fixture
def browser() -> Browser:
    """One for all tests of the console that follow each other."""
    if not open_browsers:
        open_browsers.append(until_others_come.enter_context(chromium()))
    return open_browsers[0]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, object, object]:
    """Close it before the tests of something else: see `chromium`."""
    try:
        return (yield)
    finally:
        if nextitem is None or nextitem.path.parent != item.path.parent:
            open_browsers.clear()
            until_others_come.close()


@pytest.fixture
def new_page(service: Service, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Give pages with the given cookies, in contexts with the given options.

    Fails on any script error or refused resource.
    """
    contexts = []
    complaints: list[str] = []

    def make(session: Any = None, **options: Any) -> Page:
        context = browser.new_context(**{
            'viewport': {'width': 1280, 'height': 800}, 'storage_state': session, **options,
        })
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on('pageerror', lambda error: complaints.append(f'script error: {error}'))
        page.on('console', lambda message: complaints.append(message.text)
                if 'Content Security Policy' in message.text else None)
        page.on('dialog', lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
        return page

    yield make
    for context in contexts:
        context.close()
    assert not complaints


@pytest.fixture
def operators(
    service: Service, browser: Browser, new_page: Callable[..., Page]
) -> tuple[Page, Page]:
    """Give the consoles of two operators."""
    return open_console(service, browser, new_page, 0), open_console(service, browser, new_page, 1)


@pytest.fixture
def operator(service: Service, browser: Browser, new_page: Callable[..., Page]) -> Page:
    """Give the console of an operator."""
    return open_console(service, browser, new_page, 0)


@pytest.fixture
def intercepted(operator: Page) -> Page:
    """Give the console of `operator`, where each `route` holds from the very next call on.

    In Chromium the first of a page may not, unless it was there when the page was loaded.
    """
    operator.route('**/nothing', lambda route: route.abort())
    operator.reload()
    return operator


def open_console(
    service: Service, browser: Browser, new_page: Callable[..., Page], number: int
) -> Page:
    page = new_page(service.session(browser, number))
    page.goto(f'{service.url}/')
    return page
