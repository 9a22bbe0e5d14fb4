# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Priority, turns, deadlines and withdrawal, as an operator sees them."""

import sqlite3
import time
from contextlib import closing

import httpx
import pytest
from console_mouse import open_question, wait_until_open
from console_service import photograph
from playwright.sync_api import expect

from spark_ros.service.storage.schema import NEVER

pytestmark = pytest.mark.slow('waits for deadlines before a browser')

# A clock can be stopped only later than now.
AHEAD_S = 30
LABELS = {'label_options': ['person']}


def ask(service, words, key=None, **headers):
    """Ask with headers; return the token."""
    robot = httpx.Client(
        base_url=service.url, headers={'Authorization': f'Bearer {key or service.key}'},
        trust_env=False, timeout=20,
    )
    image = robot.post('/v1/image', files={'image_file': ('a.jpg', photograph())})
    answer = robot.post('/v1/engagement', headers=headers, json={
        'content_location': image.json()['signedUrl'], 'instructions': words,
    })
    assert answer.status_code == 200, answer.text
    return answer.json()['token']


def withdraw(service, token):
    headers = {'Authorization': f'Bearer {service.key}'}
    path = f'{service.url}/v1/engagement/{token}'
    assert httpx.delete(path, headers=headers, trust_env=False, timeout=20).status_code == 200


def let_deadlines_pass(service):
    """Bring all deadlines to now, by the clock of the service."""
    with closing(sqlite3.connect(service.data / 'service.db', timeout=30)) as database, database:
        database.execute(
            'UPDATE questions SET deadline = ? WHERE deadline < ?', [time.time(), NEVER])


def titles(page):
    return page.get_by_test_id('queue').locator('.title')


def test_what_nobody_waits_for_is_gone_at_once(service, operator):
    """Withdrawn or expired, and whoever has it open is told."""
    operator.clock.install()
    operator.reload()
    withdrawn = ask(service, 'withdrawn')
    ask(service, 'stays')
    open_question(operator)
    expect(operator.get_by_test_id('instructions')).to_have_text('withdrawn')
    # From here on the page's clock stands still: it does not look by itself.
    operator.clock.pause_at(time.time() + AHEAD_S)
    withdraw(service, withdrawn)
    expect(titles(operator)).to_have_text(['stays'])
    notice = operator.get_by_test_id('notice')
    expect(notice).to_contain_text('the caller has withdrawn it')
    expect(operator.get_by_test_id('instructions')).to_have_text('stays')
    ask(service, 'expires', **{'Spark-Deadline': '110'})
    expect(titles(operator)).to_have_count(2)
    row = operator.get_by_test_id('question').filter(has_text='expires')
    expect(row.get_by_test_id('left')).to_contain_text('s left')
    row.click()
    expect(operator.get_by_test_id('instructions')).to_have_text('expires')
    expect(operator.get_by_test_id('left-of-open')).to_contain_text('s left')
    let_deadlines_pass(service)
    expect(titles(operator)).to_have_text(['stays'])
    expect(notice).to_contain_text('nobody answered it in time')
    expect(operator.get_by_test_id('instructions')).to_have_text('stays')
    expect(operator.get_by_test_id('left-of-open')).to_be_hidden()


def test_the_most_urgent_is_next_and_two_keys_take_turns(service, operator):
    other = service.command('key', 'create', 'another')
    for number in range(3):
        ask(service, f'one {number}')
    ask(service, 'other 0', other)
    expect(titles(operator)).to_have_count(4)
    ask(service, 'urgent', **{'Spark-Priority': '200'})
    expect(titles(operator).first).to_have_text('urgent')
    first = operator.get_by_test_id('question').first
    expect(first.get_by_test_id('priority')).to_have_text('P200')
    operator.keyboard.press('Enter')
    opened = []
    for _ in range(4):
        wait_until_open(operator)
        opened.append(operator.get_by_test_id('instructions').inner_text())
        operator.get_by_test_id('response').fill('yes')
        before = opened[-1]
        operator.keyboard.press('Control+Enter')
        expect(operator.get_by_test_id('instructions')).not_to_have_text(before)
    assert opened == ['urgent', 'other 0', 'one 0', 'one 1']


@pytest.mark.slow('a narrow window, and a wide one')
@pytest.mark.parametrize('width', [700, 1400])
def test_a_row_with_everything_fits(service, operator, width):
    operator.set_viewport_size({'width': width, 'height': 800})
    ask(service, 'urgent', **{'Spark-Priority': '255', 'Spark-Deadline': '86000'})
    row = operator.get_by_test_id('question').first
    for part in ('left', 'priority'):
        expect(row.get_by_test_id(part)).to_be_in_viewport(ratio=1)
