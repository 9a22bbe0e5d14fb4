# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The list of what waits: true counts, small pictures, and rows that lead on."""

import re

import pytest
from console_mouse import open_question, send_nothing, wait_until_open
from console_service import box, prior
from playwright.sync_api import expect

from spark_ros.service.operators import live_queue

# Longer than the time between two heartbeats.
HEARTBEAT_MS = 11_000
LABELS = {'label_options': ['person']}


@pytest.mark.slow('asks hundreds of questions')
def test_all_that_wait_are_counted_not_only_those_that_are_listed(
    service, operator, monkeypatch
):
    monkeypatch.setattr(live_queue, 'QUEUE_LENGTH', 2)
    for n in range(5):
        service.ask(instructions=f'question {n}', priors=LABELS)
    rows = operator.get_by_test_id('question')
    expect(operator.get_by_test_id('waiting')).to_have_text('5')
    expect(rows).to_have_count(2)
    expect(operator.get_by_role('navigation')).to_contain_text('and 3 more')
    expect(operator.get_by_test_id('idle')).to_contain_text('5 questions waiting')
    expect(operator).to_have_title(re.compile(r'\(5\)'))
    open_question(operator)
    for left in (4, 3, 2, 1):
        send_nothing(operator)
        expect(operator.get_by_test_id('waiting')).to_have_text(str(left))
        wait_until_open(operator)
    expect(operator.get_by_role('navigation')).not_to_contain_text('more')


def test_the_oldest_can_be_opened_only_where_one_that_is_free_is_listed(
    service, browser, operator, monkeypatch
):
    monkeypatch.setattr(live_queue, 'QUEUE_LENGTH', 1)
    for _ in range(2):
        service.ask()
    idle, oldest = operator.get_by_test_id('idle'), operator.locator('#open-next')
    expect(idle).to_contain_text('2 questions waiting')
    expect(oldest).to_be_visible()
    with service.console(browser, 1) as other:
        (first,) = other.get('/queue').json()['questions']
        other.post(f'/questions/{first["id"]}/claim', json={}).raise_for_status()
        expect(idle).to_contain_text('1 question waiting')
        expect(oldest).to_be_hidden()


@pytest.mark.slow('a rare case, in a browser')
def test_questions_for_others_hide_nothing_and_are_counted(
    service, browser, operator, monkeypatch
):
    monkeypatch.setattr(live_queue, 'QUEUE_LENGTH', 2)
    first = service.ask_heat('free-text')
    open_question(operator)
    operator.get_by_test_id('text-answer').fill('an answer')
    operator.keyboard.press('Control+Enter')
    expect(operator.get_by_test_id('idle')).to_be_visible()
    (cruncher,) = service.heat_request(first)['crunchers']
    others = [service.ask_heat('free-text', exclude_crunchers=[cruncher]) for _ in range(3)]
    idle, oldest = operator.get_by_test_id('idle'), operator.locator('#open-next')
    expect(idle).to_contain_text('3 questions in the queue must be answered by another operator')
    expect(oldest).to_be_hidden()
    service.ask(instructions='for all')
    expect(idle).to_contain_text('1 question waiting')
    oldest.click()
    expect(operator.get_by_test_id('instructions')).to_have_text('for all')
    for each in others:
        service.abort_heat(each)


def without_heartbeats(route):
    """Let a claim last so long that the page learns only from what it is told."""
    answer = route.fetch()
    route.fulfill(response=answer, json={**answer.json(), 'lease_s': 3600})


@pytest.mark.usefixtures('intercepted')
def test_what_the_asker_aborts_is_closed_at_once(service, operator):
    operator.route('**/claim', without_heartbeats)
    aborted = service.ask_heat('free-text', instruction='Aborted?')
    service.ask_heat('free-text', instruction='And this?')
    open_question(operator)
    operator.get_by_test_id('text-answer').fill('half an answer')
    service.abort_heat(aborted)
    expect(operator.get_by_test_id('notice')).to_contain_text('no longer yours')
    expect(operator.get_by_test_id('instructions')).to_have_text('And this?')


@pytest.mark.slow('a rare case, in a browser')
@pytest.mark.usefixtures('intercepted')
def test_a_question_that_is_lost_right_after_a_heartbeat_is_closed(service, operator):
    aborted = service.ask_heat('free-text', instruction='Aborted?')
    service.ask_heat('free-text', instruction='And this?')
    expect(operator.get_by_test_id('question')).to_have_count(2)

    def read_before_the_claim(route):
        answer = route.fetch()
        found = answer.json()
        for each in found['questions']:
            each['mine'] = False
        route.fulfill(response=answer, json=found)

    operator.route('**/claim', without_heartbeats)
    operator.route('**/console/api/queue', read_before_the_claim)
    with operator.expect_request('**/heartbeat'):
        open_question(operator)
    service.abort_heat(aborted)
    expect(operator.get_by_test_id('notice')).to_contain_text('no longer yours')
    expect(operator.get_by_test_id('instructions')).to_have_text('And this?')


@pytest.mark.slow('a rare case, in a browser')
@pytest.mark.usefixtures('intercepted')
def test_a_question_that_is_lost_while_its_answer_is_sent_is_closed(service, operator):
    operator.clock.install()
    operator.reload()
    aborted = service.ask_heat('free-text', instruction='Aborted?')
    service.ask_heat('free-text', instruction='And this?')
    open_question(operator)
    operator.get_by_test_id('text-answer').fill('an answer')
    held = []
    operator.route('**/answer', lambda route: held.append(route))
    with operator.expect_request('**/answer'):
        operator.keyboard.press('Control+Enter')
    service.abort_heat(aborted)
    operator.clock.fast_forward(HEARTBEAT_MS)
    expect(operator.get_by_test_id('notice')).to_contain_text('no longer yours')
    expect(operator.get_by_test_id('instructions')).to_have_text('Aborted?')
    held[0].fulfill(status=503)
    expect(operator.get_by_test_id('instructions')).to_have_text('And this?')
    expect(operator.get_by_test_id('notice')).to_contain_text('no longer yours')


def test_enter_goes_on_after_a_click_on_a_row(service, browser, operator):
    """Also where the row is somebody else's, or the one that is open already."""
    for words in ('taken', 'free'):
        service.ask(instructions=words, priors=LABELS)
    with service.console(browser, 1) as other:
        taken, _ = other.get('/queue').json()['questions']
        other.post(f'/questions/{taken["id"]}/claim', json={}).raise_for_status()
    rows = operator.get_by_test_id('question')
    expect(rows.first.locator('.badge')).to_have_text('taken')
    rows.first.click()
    expect(operator.get_by_test_id('notice')).to_contain_text('another operator')
    operator.keyboard.press('Enter')
    wait_until_open(operator)
    expect(operator.get_by_test_id('instructions')).to_have_text('free')
    rows.nth(1).click()
    send_nothing(operator)
    expect(rows).to_have_count(1)


def test_a_row_of_somebody_else_does_not_cost_the_open_question(service, browser, operator):
    priors = {'annotations': [prior('person', box(0.1, 0.1, 0.3, 0.3))], **LABELS}
    for words in ('taken', 'mine'):
        service.ask(instructions=words, priors=priors)
    with service.console(browser, 1) as other:
        taken, _ = other.get('/queue').json()['questions']
        other.post(f'/questions/{taken["id"]}/claim', json={}).raise_for_status()
    rows = operator.get_by_test_id('question')
    expect(rows.first.locator('.badge')).to_have_text('taken')
    rows.nth(1).click()
    wait_until_open(operator)
    rows.first.click()
    expect(operator.get_by_test_id('notice')).to_contain_text('another operator')
    expect(operator.get_by_test_id('instructions')).to_have_text('mine')
    operator.keyboard.press('Enter')
    expect(rows).to_have_count(1)


def test_a_row_loads_a_small_picture_and_not_the_image(service, operator):
    asked_for = []
    operator.on('request', lambda request: asked_for.append(request.url))
    for _ in range(2):
        service.ask()
    pictures = operator.get_by_test_id('question').locator('img')
    expect(pictures).to_have_count(2)
    for picture in pictures.all():
        expect(picture).to_have_attribute('loading', 'lazy')
        expect(picture).to_have_js_property('naturalWidth', 128)
        expect(picture).to_have_js_property('naturalHeight', 96)
    # Only the one that would be opened next is fetched ahead.
    assert len({url for url in asked_for if '/v1/image/' in url}) <= 1


@pytest.mark.slow('a rare case, in a browser')
def test_a_row_without_a_picture_has_a_sign(service, operator, files):
    """A video, and an image that cannot be had: no icon of a broken image."""
    service.ask(content_location=[f'{files}/video.webm'], content_type='video')
    service.ask(content_location=[f'{files}/gone.jpg'])
    rows = operator.get_by_test_id('question')
    for row, sign in ((rows.nth(0), '▶'), (rows.nth(1), '▣')):
        expect(row.locator('.thumb')).to_have_text(sign)
        expect(row.locator('img')).to_have_count(0)
    # Fetched or not, it stays so.
    for kind in ('Shapes cannot be drawn', 'answered 404'):
        operator.keyboard.press('s')
        operator.keyboard.press('Enter')
        operator.keyboard.press('Enter')
        expect(operator.get_by_test_id('cover')).to_contain_text(kind)
        expect(operator.get_by_test_id('question').locator('img')).to_have_count(0)


@pytest.mark.slow('a rare case, in a browser')
@pytest.mark.usefixtures('intercepted')
def test_a_small_picture_that_does_not_come_leaves_a_sign(service, operator):
    operator.route('**/thumbnails/**', lambda route: route.fulfill(status=503))
    service.ask()
    expect(operator.get_by_test_id('question').locator('.thumb')).to_have_text('▣')


@pytest.mark.slow('a rare case, in a browser')
@pytest.mark.usefixtures('intercepted')
def test_a_small_picture_that_failed_is_tried_again(service, operator):
    # What the page hears while it opens would try it again at once.
    expect(operator.get_by_test_id('connection')).to_have_text('live')
    operator.route('**/thumbnails/**', lambda route: route.fulfill(status=503))
    service.ask()
    row = operator.get_by_test_id('question').first
    expect(row.locator('.thumb')).to_have_text('▣')
    operator.unroute('**/thumbnails/**')
    # What was asked for before it was to come may still fail while this one appears.
    service.ask()
    expect(operator.get_by_test_id('question')).to_have_count(2)
    service.ask()
    expect(row.locator('img')).to_have_js_property('naturalWidth', 128)


@pytest.mark.slow('a rare case, in a browser')
@pytest.mark.usefixtures('intercepted')
def test_a_small_picture_that_keeps_failing_is_not_tried_for_ever(service, operator):
    asked_for = []

    def fail(route):
        asked_for.append(route.request.url)
        route.fulfill(status=503)

    operator.route('**/thumbnails/**', fail)
    rows = operator.get_by_test_id('question')
    for count in range(1, 10):
        service.ask()
        expect(rows).to_have_count(count)
        expect(rows.last.locator('.thumb')).to_have_text('▣')
    assert 1 < asked_for.count(asked_for[0]) <= 5
