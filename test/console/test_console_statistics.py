# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The page of statistics in a browser."""

from __future__ import annotations

import re
import sqlite3
import time
from contextlib import closing

import pytest
from playwright.sync_api import expect

from spark_ros.service.operators import statistics_api

HOSTILE = '<img src=x onerror=alert(1)>\u202e</td><script>alert(2)</script>'


@pytest.fixture
def answered(service, browser):
    """Answer a question of each of two programs."""
    with service.console(browser, 0) as client:
        for program in ('crates', HOSTILE):
            service.ask(program_name=program)
            [waiting] = client.get('/queue').json()['questions']
            client.post(f'/questions/{waiting["id"]}/claim', json={}).raise_for_status()
            client.post(
                f'/questions/{waiting["id"]}/answer', json={'shapes': [], 'response': 'a crate'}
            ).raise_for_status()


def test_it_is_reached_from_the_console_and_shows_what_was_answered(answered, operator):
    operator.get_by_test_id('statistics-link').click()
    plots = operator.get_by_test_id('plot')
    expect(plots).to_have_count(5)
    expect(plots.nth(0)).to_contain_text('Questions without an answer')
    expect(plots.nth(2).locator('.median :is(circle, polyline)')).to_have_count(1)
    expect(operator.get_by_test_id('totals')).to_contain_text('Answered')
    row = operator.get_by_test_id('program-row').filter(has_text='crates')
    # Name, answers, and two numbers for each part of the time; nothing was delivered.
    expect(row.locator('td')).to_have_count(8)
    assert row.locator('td').all_inner_texts()[6:] == 2 * ['\u2013']
    operator.get_by_test_id('console-link').click()
    expect(operator.get_by_test_id('connection')).to_have_text('live')


def test_a_name_from_outside_is_only_text(answered, operator):
    operator.goto(operator.url + 'console/statistics')
    named = operator.get_by_text(HOSTILE, exact=True)
    row = operator.get_by_test_id('program-row').filter(has=named)
    expect(row.locator('bdi')).to_have_text(HOSTILE)
    expect(operator.locator('img, script:not([src])')).to_have_count(0)


def test_why_questions_were_skipped_is_told(service, browser, operator):
    service.ask(program_name='crates')
    with service.console(browser, 0) as client:
        [waiting] = client.get('/queue').json()['questions']
        client.post(f'/questions/{waiting["id"]}/claim', json={}).raise_for_status()
        skip = client.post(f'/questions/{waiting["id"]}/skip', json={'reason': HOSTILE})
        skip.raise_for_status()
    operator.goto(operator.url + 'console/statistics')
    # Those of a day may have been read before, and are kept for some seconds.
    operator.get_by_test_id('hours-168').click()
    row = operator.get_by_test_id('skipped-row').filter(has_text='crates')
    expect(row).to_contain_text(HOSTILE)
    expect(operator.locator('img, script:not([src])')).to_have_count(0)


@pytest.mark.slow('a page that is seldom seen, in a browser')
def test_another_range_and_a_narrow_window(answered, operator):
    operator.goto(operator.url + 'console/statistics')
    expect(operator.get_by_test_id('plot')).to_have_count(5)
    with operator.expect_response('**/console/api/statistics?hours=168') as told:
        operator.get_by_test_id('hours-168').click()
    assert told.value.ok
    expect(operator.get_by_test_id('hours-168')).to_have_attribute('aria-pressed', 'true')
    operator.set_viewport_size({'width': 420, 'height': 800})
    width = 'document.documentElement.scrollWidth'
    operator.wait_for_function(f'() => {width} <= 420')
    heights = 'Math.max(...[...document.querySelectorAll(".plot")].map((e) => e.clientWidth))'
    operator.wait_for_function(f'() => {heights} <= 400')


@pytest.mark.slow('a rare case, in a browser')
@pytest.mark.parametrize(('first', 'second', 'count', 'problem'), [
    (200, 503, 0, '^The service has a problem'), (503, 200, 5, '^$')])
def test_a_reading_that_comes_after_a_newer_one_says_nothing(
    operator, first, second, count, problem
):
    waiting = []

    def answer(route, status):
        if status == 200:
            route.continue_()
        else:
            route.fulfill(status=status)

    operator.route('**/console/api/statistics*', lambda route: (
        answer(route, second) if 'hours=168' in route.request.url else waiting.append(route)))
    with operator.expect_request('**/console/api/statistics*'):
        operator.goto(operator.url + 'console/statistics')
    with operator.expect_response('**/console/api/statistics*'):
        operator.get_by_test_id('hours-168').click()
    plots, said = operator.get_by_test_id('plot'), operator.get_by_test_id('problem')
    expect(plots).to_have_count(count)
    expect(said).to_have_text(re.compile(problem))
    (reading,) = waiting
    answer(reading, first)
    reading.request.response().finished()
    # One that was asked for now would be here later.
    operator.evaluate('() => fetch("/console/api/sessions").then((got) => got.text())')
    expect(plots).to_have_count(count)
    expect(said).to_have_text(re.compile(problem))


@pytest.mark.slow('a page that is seldom seen, in a browser')
def test_who_is_logged_out_is_told(answered, operator):
    operator.goto(operator.url + 'console/statistics')
    expect(operator.get_by_test_id('plot')).to_have_count(5)
    operator.context.clear_cookies()
    operator.get_by_test_id('hours-168').click()
    expect(operator.get_by_test_id('problem')).to_contain_text('log in')
    operator.reload()
    expect(operator.get_by_role('heading', name='Log in to the console')).to_be_visible()


@pytest.fixture
def checked(answered, service, monkeypatch):
    """Store checks of whoever answered last: of the known answers, they gave a third."""
    monkeypatch.setattr(statistics_api, 'KEPT_S', 0.0)
    with closing(sqlite3.connect(service.data / 'service.db')) as database, database:
        question, operator = database.execute(
            'SELECT id, answered_by FROM questions WHERE flags = ? ORDER BY closed DESC', ['[]']
        ).fetchone()
        rows = [
            (question, 1, 'known', 'closed', 0, who, time.time(), '{}', '[]', agreement)
            for who, right in ((operator, 10), ('nobody', 30))
            for agreement in [1.0] * right + [0.1] * (30 - right)
        ]
        database.execute(
            'UPDATE jobs SET known = 1 WHERE id = (SELECT job_id FROM questions WHERE id = ?)',
            [question],
        )
        database.executemany(
            'INSERT INTO checks (question_id, key_id, kind, state, created, operator, answered,'
            ' answer, flags, agreement) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)', rows
        )
    yield
    with closing(sqlite3.connect(service.data / 'service.db')) as database, database:
        database.execute('DELETE FROM checks')


@pytest.mark.slow('a page that is seldom seen, in a browser')
def test_how_well_each_operator_answers(checked, operator):
    operator.goto(operator.url + 'console/statistics')
    first = operator.get_by_test_id('operator-row').first
    expect(first).to_contain_text('10 of 30')
    expect(first.get_by_test_id('stands-out')).to_have_text('stands out')
    expect(first.get_by_role('rowheader')).to_contain_text('you')
    # By Wilson: 19.2 to 51.2 %.
    bar = first.get_by_role('img', name='19% to 51%')
    dot, interval = (bar.locator(each).bounding_box() for each in ('circle', '.interval'))
    assert interval['x'] < dot['x'] < interval['x'] + interval['width']
    other = operator.get_by_test_id('operator-row').filter(has_text='30 of 30')
    expect(other.get_by_test_id('stands-out')).to_have_count(0)
    expect(other).not_to_contain_text('you')
