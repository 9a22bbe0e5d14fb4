# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a row of the queue tells, which rows there are, and how one hears of them elsewhere."""

import io
import re
import sqlite3
from contextlib import closing

import pytest
from console_mouse import open_question, send_nothing, wait_until_open
from PIL import Image
from playwright.sync_api import expect

HOSTILE = '<img src=x onerror=alert(1)>‮'
MANY = 5000
# The page reads the queue at least so often.
READ_AGAIN_MS = 20_000
# Copies of a question that has job 1; each is a question of its own.
COPY = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {many})
INSERT INTO {table} ({names}) SELECT {values} FROM {table}, n
WHERE {table}.id = (SELECT max(id) FROM {table})
"""


def shaded(shade: int) -> bytes:
    data = io.BytesIO()
    Image.new('RGB', (640, 480), (shade, 80, 80)).save(data, 'JPEG')
    return data.getvalue()


def metadata(robot: str, camera: str) -> dict:
    return {'metadata': {'robot_id': robot, 'camera': camera}}


def test_a_row_tells_who_asks_what_until_when_and_who_has_it(service, browser, operator):
    long = 'Is this crate damaged? ' * 20
    service.ask(instructions=long, **metadata('rover-7', 'front'))
    row = operator.get_by_test_id('question')
    expect(row.get_by_test_id('asker')).to_have_text('rover-7 · front')
    title = row.locator('.title')
    expect(title).to_contain_text('Is this crate damaged?')
    lines = title.evaluate('(e) => e.clientHeight / parseFloat(getComputedStyle(e).lineHeight)')
    assert round(lines) == 2, lines
    expect(row.get_by_test_id('patience')).to_be_hidden()
    with service.console(browser, 1) as other:
        (line,) = other.get('/queue').json()['questions']
        other.post(f'/questions/{line["id"]}/claim', json={}).raise_for_status()
        expect(row.locator('.badge')).to_have_text('taken')
        expect(row.get_by_test_id('holder')).to_have_text(re.compile(r'by [0-9a-f]{6}'))


@pytest.mark.slow('a rare case, in a browser')
@pytest.mark.usefixtures('intercepted')
def test_the_bar_shortens_and_changes_its_colour(service, operator):
    operator.clock.install()
    operator.reload()
    location = service.upload(shaded(1))
    with service._http() as robot:
        robot.post('/v1/engagement', headers={'Spark-Deadline': '600'}, json={
            'content_location': location, 'instructions': 'Soon?',
        }).raise_for_status()  # fmt: skip
    bar = operator.get_by_test_id('patience')
    expect(bar).to_be_visible()
    # No reading of the queue from here on: what the service says is the real time.
    operator.route('**/console/api/**', lambda route: route.abort())
    width = '(e) => e.firstChild.getBoundingClientRect().width / e.clientWidth'
    colour = '(e) => getComputedStyle(e.firstChild).backgroundColor'
    seen = []
    for state, least, most, wait_ms in (
        ('later', 0.9, 1.01, READ_AGAIN_MS), ('halfway', 0.4, 0.5, 310_000),
        ('soon', 0.0, 0.2, 180_000),
    ):  # fmt: skip
        operator.clock.fast_forward(wait_ms)
        # A reading has failed by now, so that none from before is still on its way.
        expect(operator.get_by_test_id('connection')).to_have_attribute('data-state', 'lost')
        expect(bar).to_have_attribute('data-left', state)
        assert least <= bar.evaluate(width) <= most
        seen.append(bar.evaluate(colour))
    assert len(set(seen)) == 3


def test_the_filter_holds_for_rows_counts_and_what_is_next(service, operator):
    service.ask(instructions='first', **metadata('r1', 'front'))
    service.ask(instructions='second', program_name=HOSTILE, **metadata('r2', 'rear'))
    service.ask(instructions='third', **metadata('r2', 'rear'))
    rows = operator.get_by_test_id('question')
    expect(rows).to_have_count(3)
    robots, programs = (operator.get_by_test_id(f'filter-{each}') for each in ('robot', 'program'))
    expect(robots).to_be_visible()
    expect(robots.locator('option')).to_have_text(['All robots', 'r2 (2)', 'r1 (1)'])
    robots.select_option('r2')
    expect(rows.locator('.title')).to_have_text(['second', 'third'])
    expect(operator.get_by_test_id('waiting')).to_have_text('2')
    expect(operator.locator('#queue-rest')).to_have_text('2 of 3 that wait')
    programs.focus()
    programs.select_option(HOSTILE)
    expect(rows.locator('.title')).to_have_text(['second'])
    programs.select_option(index=0)
    expect(rows).to_have_count(2)
    # What comes later is told, too, and only what is wanted.
    service.ask(instructions='fourth', **metadata('r1', 'front'))
    service.ask(instructions='fifth', **metadata('r2', 'rear'))
    expect(rows.locator('.title')).to_have_text(['second', 'third', 'fifth'])
    operator.locator('#open-next').click()
    for name in ('second', 'third', 'fifth'):
        wait_until_open(operator)
        expect(operator.get_by_test_id('instructions')).to_have_text(name)
        operator.get_by_test_id('response').fill('yes')
        operator.keyboard.press('Control+Enter')
    expect(operator.get_by_test_id('idle')).to_contain_text('All answered')
    robots.focus()
    robots.select_option(index=0)
    expect(rows).to_have_count(2)


@pytest.mark.slow('a rare case, in a browser')
@pytest.mark.usefixtures('intercepted')
def test_an_old_list_of_robots_does_not_come_after_a_newer_one(service, operator):
    waiting = []
    operator.route('**/console/api/queue/groups', lambda route: (
        route.continue_() if waiting else waiting.append(route)))
    with operator.expect_request('**/console/api/queue/groups'):
        service.ask(**metadata('r1', 'front'))
    expect(operator.get_by_test_id('waiting')).to_have_text('1')
    (reading,) = waiting
    old = reading.fetch()
    service.ask(**metadata('r2', 'rear'))
    expect(operator.get_by_test_id('waiting')).to_have_text('2')
    # One that was asked for now would be here first.
    operator.evaluate('() => fetch("/console/api/queue/groups").then((got) => got.text())')
    reading.fulfill(response=old)
    assert reading.request.response().json() == old.json()
    expect(operator.get_by_test_id('filter-robot').locator('option')).to_have_text(
        ['All robots', 'r1 (1)', 'r2 (1)'])


def test_the_next_picture_is_there_before_it_is_claimed(service, operator):
    for shade in (10, 200):
        service.ask(shaded(shade), instructions=f'shade {shade}',
                    priors={'label_options': ['person']})
    open_question(operator)
    expect(operator.get_by_test_id('instructions')).to_have_text('shade 10')
    loaded = """() => performance.getEntriesByType('resource')
        .filter(({name, transferSize}) => name.includes('/v1/image/') && transferSize).length"""
    operator.wait_for_function(f'() => ({loaded})() === 2')
    expect(operator.get_by_test_id('question').nth(1).locator('.badge')).to_have_text('open')
    send_nothing(operator)
    expect(operator.get_by_test_id('instructions')).to_have_text('shade 200')
    expect(operator.get_by_test_id('image')).to_have_js_property('naturalWidth', 640)
    wait_until_open(operator)
    assert operator.evaluate(loaded) == 2


@pytest.mark.slow('a rare case, in a browser')
def test_a_hidden_tab_is_told_by_title_and_notification(service, operator):
    operator.add_init_script("""
        Object.defineProperty(document, 'hidden', {get: () => true});
        globalThis.told = [];
        globalThis.Notification = class extends EventTarget {
          static permission = 'default';
          static async requestPermission() { this.permission = 'granted'; }
          constructor(title, {body, tag}) { super(); told.push([title, body, tag]); }
        };
    """)
    operator.reload()
    expect(operator.get_by_test_id('connection')).to_have_text('live')
    service.ask(instructions=HOSTILE)
    expect(operator).to_have_title('(1) spark console')
    ask = operator.get_by_test_id('notify')
    assert operator.evaluate('told') == [], 'nothing without a permission'
    ask.click()
    expect(ask).to_be_hidden()
    service.ask(instructions=HOSTILE)
    operator.wait_for_function('() => told.length === 1')
    assert operator.evaluate('told') == [['spark console', '2 questions wait', 'queue']]


@pytest.mark.slow('5,000 questions')
def test_5000_that_wait_are_counted_and_cost_the_browser_little(service, operator):
    service.ask(instructions='one of many')
    expect(operator.get_by_test_id('question')).to_have_count(1)
    operator.add_init_script("""
        globalThis.atOnce = 0;
        new MutationObserver((records) => {
          const rows = records.flatMap(({addedNodes}) => [...addedNodes])
            .filter(({nodeName}) => nodeName === 'LI');
          atOnce = Math.max(atOnce, rows.length);
        }).observe(document, {childList: true, subtree: true});
    """)
    measure = operator.context.new_cdp_session(operator)
    measure.send('Performance.enable')
    with closing(sqlite3.connect(service.data / 'service.db', timeout=30)) as database:
        newest, newest_question = (
            database.execute(f'SELECT max(id) FROM {table}').fetchone()[0]
            for table in ('jobs', 'questions')
        )
        for table, own in (
            ('jobs', {'token': 'token || i'}), ('questions', {'job_id': 'job_id + i'}),
        ):  # fmt: skip
            names = [row[1] for row in database.execute(f'PRAGMA table_info({table})')]
            names.remove('id')
            values = ', '.join(own.get(name, f'{table}.{name}') for name in names)
            if table == 'jobs':
                names, values = ['id', *names], f'{newest} + i, {values}'
            database.execute(COPY.format(
                many=MANY - 1, table=table, names=', '.join(names), values=values))
        database.commit()
        try:
            operator.reload()
            expect(operator.get_by_test_id('waiting')).to_have_text(f'{MANY}')
            expect(operator.get_by_test_id('question')).to_have_count(200)
            expect(operator.locator('#queue-rest')).to_contain_text('and 4,800 more')
            operator.keyboard.press('Enter')
            wait_until_open(operator)
            operator.get_by_test_id('response').fill('yes')
            operator.keyboard.press('Control+Enter')
            expect(operator.get_by_test_id('waiting')).to_have_text(f'{MANY - 1}')
            wait_until_open(operator)
            # Between them the browser can do what the operator wants.
            assert operator.evaluate('atOnce') <= 20
            found = measure.send('Performance.getMetrics')['metrics']
            # Of processor time, in seconds: how long a task takes also depends on the machine.
            assert next(each['value'] for each in found if each['name'] == 'ThreadTime') < 2
        finally:
            for table, column in (
                ('changes', 'question_id'), ('questions', 'job_id'), ('jobs', 'id'),
            ):  # fmt: skip
                last = newest_question if table == 'changes' else newest
                database.execute(f'DELETE FROM {table} WHERE {column} > {last}')
            database.commit()
