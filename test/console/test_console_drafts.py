# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Unfinished work survives what ends a page, and nobody else gets it."""

import time
from contextlib import suppress

import pytest
from console_mouse import click, drag, open_question, wait_until_open
from console_service import box, prior
from playwright.sync_api import Error, expect

pytestmark = pytest.mark.slow('reloads and kills consoles in a browser')

DEADLINE_S = 15
STORED = (
    '() => Object.keys(localStorage).filter((key) => key.startsWith("spark-draft/")).length'
)
BOX = prior('person', box(0.2, 0.2, 0.4, 0.4))


def wait_until_stored(page, drafts=1):
    end = time.monotonic() + DEADLINE_S
    while page.evaluate(STORED) != drafts:
        assert time.monotonic() < end
        page.evaluate('() => new Promise(requestAnimationFrame)')


def draw(page):
    drag(page, (0.6, 0.6), (0.8, 0.8))
    expect(page.get_by_test_id('shape')).to_have_count(2)
    wait_until_stored(page)


def ask(service, **more):
    labels = ['person', 'face']
    return service.ask(priors={'annotations': [BOX], 'label_options': labels}, **more)


def test_a_reload_offers_what_was_drawn(service, operator):
    token = ask(service)
    open_question(operator)
    draw(operator)
    operator.reload()
    operator.get_by_test_id('question').first.click()
    expect(operator.get_by_test_id('draft-offer')).to_contain_text('ago')
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('shape')).to_have_count(2)
    # With its history: the box that was drawn is undone, and another one is not the same.
    operator.keyboard.press('Control+z')
    expect(operator.get_by_test_id('shape')).to_have_count(1)
    operator.keyboard.press('Control+Shift+z')
    drag(operator, (0.05, 0.6), (0.15, 0.8))
    expect(operator.get_by_test_id('shape')).to_have_count(3)
    wait_until_open(operator)
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('idle')).to_be_visible()
    assert len(service.engagement(token)['annotations']) == 2
    assert operator.evaluate(STORED) == 0


def test_it_is_offered_where_a_question_is_told_before_the_queue_is_read(service, operator):
    """Only the queue itself says who works here, and so what is theirs."""
    ask(service)
    open_question(operator)
    draw(operator)
    waiting, may_go_on = [], []
    operator.route('**/console/api/queue', lambda route: (
        route.continue_() if may_go_on else waiting.append(route)))
    operator.reload()
    with operator.expect_response('**/claim'):
        operator.get_by_test_id('question').click()
    may_go_on.append(True)
    for reading in waiting:
        reading.continue_()
    operator.get_by_test_id('draft-use').click()
    expect(operator.get_by_test_id('shape')).to_have_count(2)


@pytest.mark.usefixtures('intercepted')
def test_what_is_answered_is_not_kept_while_the_next_question_is_on_its_way(service, operator):
    ask(service)
    open_question(operator)
    draw(operator)
    waiting = []
    operator.route('**/console/api/next', lambda route: waiting.append(route))
    with operator.expect_request('**/console/api/next'):
        operator.keyboard.press('Enter')
    # As the page is left, or a moment after what was done last.
    operator.evaluate('() => dispatchEvent(new Event("pagehide"))')
    assert operator.evaluate(STORED) == 0
    (next_question,) = waiting
    next_question.continue_()
    expect(operator.get_by_test_id('idle')).to_be_visible()
    assert operator.evaluate(STORED) == 0


def test_it_can_be_started_anew(service, operator):
    ask(service)
    open_question(operator)
    draw(operator)
    operator.goto('about:blank')
    operator.go_back()
    operator.get_by_test_id('question').first.click()
    operator.get_by_test_id('draft-anew').click()
    expect(operator.get_by_test_id('shape')).to_have_count(1)
    # What is chosen is told when the dialog has closed.
    wait_until_stored(operator, 0)
    operator.reload()
    open_question(operator)
    expect(operator.get_by_test_id('draft-offer')).to_be_hidden()


def test_a_crashed_tab_loses_nothing(service, operator):
    ask(service)
    open_question(operator)
    draw(operator)
    other = operator.context.new_page()
    with operator.expect_event('crash'), suppress(Error):
        operator.goto('chrome://crash', timeout=5000)
    other.goto(f'{service.url}/')
    # Until its lease has ended it is still this operator's.
    other.get_by_test_id('question').first.click()
    other.get_by_test_id('draft-use').click()
    expect(other.get_by_test_id('shape')).to_have_count(2)


def test_words_and_choices_survive_too(service, operator):
    service.ask_heat('free-text')
    open_question(operator)
    field = operator.get_by_test_id('text-answer')
    field.fill('a forklift, <b>I</b> think')
    wait_until_stored(operator)
    operator.reload()
    operator.get_by_test_id('question').first.click()
    operator.get_by_test_id('draft-use').click()
    expect(field).to_have_value('a forklift, <b>I</b> think')


def test_what_was_lost_to_another_is_offered_when_it_comes_back(service, operators):
    first, second = operators
    ask(service)
    open_question(first)
    draw(first)
    row = second.get_by_test_id('question')
    expect(row).to_contain_text('taken')
    first.goto('about:blank')
    expect(row).to_contain_text('open')
    open_question(second)
    expect(second.get_by_test_id('shape')).to_have_count(1)
    expect(second.get_by_test_id('draft-offer')).to_be_hidden()
    second.keyboard.press('s')
    second.keyboard.press('Enter')
    expect(second.get_by_test_id('idle')).to_be_visible()
    first.goto(service.url)
    first.get_by_test_id('question').first.click()
    first.get_by_test_id('draft-use').click()
    expect(first.get_by_test_id('shape')).to_have_count(2)


def test_a_logout_deletes_it(service, browser, new_page):
    page = new_page()
    page.goto(service.login_link())
    page.get_by_role('button').click()
    ask(service)
    open_question(page)
    draw(page)
    page.get_by_test_id('log-out').click()
    expect(page.get_by_text('login-link')).to_be_visible()
    assert page.evaluate(STORED) == 0


def test_what_is_older_than_a_day_is_not_offered(service, operator):
    ask(service)
    open_question(operator)
    draw(operator)
    operator.evaluate("""() => {
      for (const key of Object.keys(localStorage)) {
        const draft = JSON.parse(localStorage.getItem(key));
        localStorage.setItem(key, JSON.stringify({ ...draft, at: draft.at - 24 * 3600 * 1000 }));
      }
      // The page that is left does not store it anew.
      Storage.prototype.setItem = () => {};
    }""")
    operator.reload()
    open_question(operator)
    expect(operator.get_by_test_id('draft-offer')).to_be_hidden()
    expect(operator.get_by_test_id('shape')).to_have_count(1)
    assert operator.evaluate(STORED) == 0


def test_what_makes_no_sense_is_not_shown(service, operator):
    ask(service)
    open_question(operator)
    draw(operator)
    operator.evaluate("""() => {
      const [key] = Object.keys(localStorage).filter((each) => each.startsWith('spark-draft/'));
      localStorage.setItem(key, JSON.stringify({ at: Date.now(), value: { edits: 7 } }));
      Storage.prototype.setItem = () => {};
    }""")
    operator.reload()
    operator.get_by_test_id('question').first.click()
    operator.get_by_test_id('draft-use').click()
    expect(operator.get_by_test_id('shape')).to_have_count(1)
    click(operator, 0.3, 0.3)
    wait_until_open(operator)
