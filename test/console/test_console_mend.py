# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""An answer is taken back, a question passed on with a reason, a mistake noted afterwards."""

import pytest
from console_mouse import drag, open_question, wait_until_open
from console_service import box, prior
from playwright.sync_api import expect

pytestmark = pytest.mark.slow('works with programs and two consoles in a browser')

BOX = prior('<b>person</b>', box(0.2, 0.2, 0.4, 0.4))
REASON = 'Ask <img src=x onerror=alert(1)> who knows'


@pytest.fixture
def hold_for(service):
    """Give a function that asks for a program whose answers are held back for some seconds."""
    yield lambda seconds: ask_of_program(service, seconds)
    # What is left over is flagged, and a flag that is held back would stay in the queue.
    ask_of_program(service, 0)


def ask_of_program(service, seconds):
    file = service.data.with_name('slow.yaml')
    file.write_text(
        f'instructions: Look\ngrace_s: {seconds}\nlabel_options: [person]\n'
        'flag_reasons: [fog, "<i>night</i>"]\n'
    )
    service.command('program', 'set', 'slow', '--file', str(file))
    return service.ask(program_name='slow', priors={'annotations': [BOX]})


def test_an_answer_is_taken_back_with_what_was_drawn(service, hold_for, operator):
    token = hold_for(30)
    open_question(operator)
    drag(operator, (0.6, 0.6), (0.8, 0.8))
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('held')).to_contain_text('Sent in')
    assert service.engagement(token)['state'] == 'assigned'
    # Nobody else has it.
    row = operator.get_by_test_id('question')
    expect(row).to_contain_text('being sent')
    expect(row.get_by_test_id('holder')).to_be_hidden()
    operator.keyboard.press('z')
    wait_until_open(operator)
    expect(operator.get_by_test_id('held')).to_be_hidden()
    expect(operator.get_by_test_id('shape')).to_have_count(2)
    operator.keyboard.press('f')
    reasons = operator.get_by_test_id('flag-dialog').locator('.reasons button')
    expect(reasons).to_have_text(['fog 1', '<i>night</i> 2'])
    operator.keyboard.press('1')
    expect(operator.get_by_test_id('reason')).to_have_value('fog')


@pytest.mark.usefixtures('intercepted')
def test_an_answer_is_taken_back_while_the_next_question_is_on_its_way(
    service, hold_for, operator
):
    hold_for(30)
    open_question(operator)
    waiting = []
    operator.route('**/console/api/next', lambda route: waiting.append(route))
    drag(operator, (0.6, 0.6), (0.8, 0.8))
    with operator.expect_request('**/console/api/next'):
        operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('held')).to_contain_text('Sent in')
    operator.keyboard.press('z')
    (next_question,) = waiting
    next_question.continue_()
    wait_until_open(operator)
    expect(operator.get_by_test_id('held')).to_be_hidden()
    expect(operator.get_by_test_id('shape')).to_have_count(2)


@pytest.mark.usefixtures('intercepted')
def test_a_list_that_was_asked_for_before_does_not_bring_a_held_answer_back(
    service, hold_for, operator
):
    hold_for(30)
    open_question(operator)
    waiting = []

    def delay(route):
        if waiting:
            route.continue_()
        else:
            waiting.append(route)

    drag(operator, (0.6, 0.6), (0.8, 0.8))
    operator.route('**/console/api/queue', delay)
    with operator.expect_request('**/console/api/queue'):
        operator.keyboard.press('Enter')
        expect(operator.get_by_test_id('held')).to_contain_text('Sent in')
        expect(operator.get_by_test_id('idle')).to_be_visible()
    (route,) = waiting
    old = route.fetch()
    assert old.json()['held']
    with operator.expect_request('**/console/api/queue') as again:
        operator.keyboard.press('z')
        wait_until_open(operator)
        route.fulfill(response=old)
    assert again.value.response().json()['held'] == []
    expect(operator.get_by_test_id('held')).to_be_hidden()


def test_a_skip_passes_its_reason_on(service, operators):
    first, second = operators
    service.ask()
    open_question(first)
    first.keyboard.press('s')
    first.get_by_test_id('skip-reason').fill(REASON)
    first.get_by_test_id('skip-send').click()
    expect(first.get_by_test_id('idle')).to_be_visible()
    open_question(second)
    expect(second.get_by_test_id('skip-said')).to_contain_text(REASON)


def test_a_mistake_is_noted_on_the_page_of_answers(service, operator):
    token = service.ask(priors={'annotations': [BOX]})
    open_question(operator)
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('idle')).to_be_visible()
    before = service.engagement(token)
    operator.get_by_test_id('answers-link').click()
    given = operator.get_by_test_id('given').first
    expect(given.get_by_test_id('outline')).to_have_count(1)
    expect(given.get_by_test_id('became')).to_contain_text('<b>person</b> · confirmed')
    given.get_by_test_id('note').fill(REASON)
    given.get_by_test_id('note-send').click()
    expect(given.get_by_test_id('correction')).to_contain_text(REASON)
    operator.reload()
    expect(given.get_by_test_id('correction')).to_contain_text(REASON)
    assert service.engagement(token) == before
