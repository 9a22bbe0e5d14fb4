# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A browser is killed: its question is back within its lease, and its drawing is offered."""

import os
import signal
import time
from pathlib import Path

import pytest
from chromium import ARGUMENTS, CHROMIUM, log_in
from console_mouse import drag, open_question
from console_service import Service, box, prior
from playwright.sync_api import expect
from serving import Serving, printed

pytestmark = pytest.mark.slow('starts and kills browsers of its own')

LEASE_S = 5
DEADLINE_S = 30
BOX = prior('person', box(0.2, 0.2, 0.4, 0.4))


@pytest.fixture
def impatient(tmp_path):
    """Give a service with a short lease."""
    data = tmp_path / 'data'
    key = printed('key', 'create', 'rover', '--data', str(data))
    with Serving(data, '--port', '0', '--lease', str(LEASE_S)) as started:
        yield Service(started.url, started.login, data, key)


@pytest.fixture
def start(browser, tmp_path):
    """Give a function that starts a browser with one and the same profile."""
    started = []

    def make():
        context = browser.browser_type.launch_persistent_context(
            tmp_path / 'profile', executable_path=CHROMIUM, args=ARGUMENTS,
            viewport={'width': 1280, 'height': 800},
        )  # fmt: skip
        context.set_default_timeout(15_000)
        started.append(context)
        return context

    yield make
    for context in started:
        context.close()


def processes_of(profile):
    """Give the ids of the browser and of what it was started by; its children have a type."""
    found = []
    for each in Path('/proc').glob('[0-9]*/cmdline'):
        try:
            line = each.read_bytes().split(b'\0')
        except OSError:
            continue
        given = any(word == f'--user-data-dir={profile}'.encode() for word in line)
        if given and not any(word.startswith(b'--type=') for word in line):
            found.append(int(each.parent.name))
    assert found
    return found


def wait_until(is_so):
    end = time.monotonic() + DEADLINE_S
    while not is_so():
        assert time.monotonic() < end


def is_written(page, profile):
    """Tell whether the browser has written a draft to the disk, which it does after a while."""
    page.evaluate('() => new Promise(requestAnimationFrame)')
    files = (profile / 'Default' / 'Local Storage' / 'leveldb').glob('*.log')
    return any(b'spark-draft/' in each.read_bytes() for each in files)


def state_of_the_first(console):
    return console.get('/queue').json()['questions'][0]['state']


def test_a_killed_browser_loses_neither_its_question_nor_its_drawing(
    impatient, browser, start, tmp_path
):
    # The login is on the disk since the browser was closed, as that of any day before.
    first = start()
    log_in(first.new_page(), impatient.first_login)
    first.close()
    impatient.ask(priors={'annotations': [BOX], 'label_options': ['person', 'face']})

    context = start()
    page = context.new_page()
    page.goto(impatient.url)
    open_question(page)
    drag(page, (0.6, 0.6), (0.8, 0.8))
    expect(page.get_by_test_id('shape')).to_have_count(2)
    profile = tmp_path / 'profile'
    wait_until(lambda: is_written(page, profile))
    other = impatient.console(browser, 0)
    # Also where a heartbeat came late: it is claimed again.
    wait_until(lambda: state_of_the_first(other) == 'assigned')
    with context.expect_event('close'):
        for pid in processes_of(profile):
            os.kill(pid, signal.SIGKILL)
    # The lease has a few seconds, and a page that lives keeps it for as long as it likes.
    wait_until(lambda: state_of_the_first(other) == 'open')

    again = start().new_page()
    again.goto(impatient.url)
    again.get_by_test_id('question').first.click()
    expect(again.get_by_test_id('draft-offer')).to_be_visible()
    again.get_by_test_id('draft-use').click()
    expect(again.get_by_test_id('shape')).to_have_count(2)
