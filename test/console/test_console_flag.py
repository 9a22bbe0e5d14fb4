# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A question that cannot be answered as asked is flagged, with a reason, never guessed."""

from console_mouse import open_question
from playwright.sync_api import expect


def test_a_flag_carries_its_reason(service, operator):
    token = service.ask()
    open_question(operator)
    operator.keyboard.press('f')
    dialog = operator.get_by_test_id('flag-dialog')
    expect(dialog).to_be_visible()
    # Without a reason it is not sent.
    operator.get_by_test_id('flag-send').click()
    expect(dialog).to_be_visible()
    operator.get_by_test_id('reason').fill('The lens is covered in mud.')
    operator.get_by_test_id('flag-send').click()
    expect(operator.get_by_test_id('idle')).to_be_visible()
    given = service.engagement(token)
    assert given['state'] == 'closed'
    assert 'flagged' in given['flags']
    assert given['feedback'] == 'The lens is covered in mud.'


def test_a_skipped_question_goes_back_to_the_queue(service, operator):
    token = service.ask(instructions='first')
    service.ask(instructions='second')
    expect(operator.get_by_test_id('question')).to_have_count(2)
    open_question(operator)
    operator.keyboard.press('s')
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('instructions')).to_have_text('second')
    assert service.engagement(token)['state'] == 'open'
