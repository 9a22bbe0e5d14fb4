# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A question has one operator at a time."""

import pytest
from console_mouse import open_question, send_nothing, wait_until_open
from playwright.sync_api import expect

pytestmark = pytest.mark.slow('two consoles in a browser')


def test_two_operators_cannot_have_the_same_question(service, operators):
    first, second = operators
    token = service.ask(instructions='only once', priors={'label_options': ['person']})
    open_question(first)

    row = second.get_by_test_id('question')
    expect(row).to_contain_text('taken')
    row.click()
    expect(second.get_by_test_id('notice')).to_contain_text('another operator')
    expect(second.get_by_test_id('panel')).to_be_hidden()

    # Given back, it is the second one's to take.
    first.keyboard.press('s')
    first.keyboard.press('Enter')
    expect(row).to_contain_text('open')
    open_question(second)
    assert service.engagement(token)['state'] == 'assigned'
    send_nothing(second)
    expect(first.get_by_test_id('question')).to_have_count(0)
    assert service.engagement(token)['state'] == 'closed'


def test_leaving_the_page_gives_the_question_back(service, operators):
    first, second = operators
    service.ask()
    open_question(first)
    expect(second.get_by_test_id('question')).to_contain_text('taken')
    first.goto('about:blank')
    expect(second.get_by_test_id('question')).to_contain_text('open')
    open_question(second)


def test_of_two_who_go_on_at_once_each_gets_another_question(service, operators):
    for n in range(2):
        service.ask(instructions=f'question {n}')
    for page in operators:
        expect(page.get_by_test_id('question')).to_have_count(2)
    for page in operators:
        page.keyboard.press('Enter')
    for page in operators:
        wait_until_open(page)
    seen = {page.get_by_test_id('instructions').text_content() for page in operators}
    assert seen == {'question 0', 'question 1'}
