# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What was answered already is shown to another operator, as if nobody had answered it."""

from __future__ import annotations

import json

import pytest
from console_mouse import drag, open_question, wait_until_open
from console_service import box, photograph, prior
from playwright.sync_api import expect

pytestmark = pytest.mark.slow('two consoles in a browser')

BOX = prior('<b>person</b>', box(0.2, 0.2, 0.4, 0.4))
SECRET = 'only the first one wrote this'


@pytest.fixture
def set_program(service):
    """Give a function that sets what a program checks."""

    def put(**fields):
        file = service.data.with_name('checked.yaml')
        program = {'instructions': 'Look', 'label_options': ['person'], **fields}
        file.write_text(json.dumps(program))
        service.command('program', 'set', 'checked', '--file', str(file))

    yield put
    put()


def ask(service):
    return service.ask(program_name='checked', priors={'annotations': [BOX]})


def checks_of(service):
    printed = service.command('check', 'list')
    return [json.loads(line) for line in printed.splitlines()]


def expect_all_answered(page):
    """Wait until nothing is open: what is said then may also stand there unseen before."""
    idle = page.get_by_test_id('idle')
    expect(idle).to_be_visible()
    expect(idle).to_contain_text('All answered')


def test_a_second_opinion_is_blind(service, set_program, operators):
    set_program(second_opinion_share=1)
    first, second = operators
    heard = []
    second.on('response', lambda response: heard.append(response))
    token = ask(service)
    open_question(first)
    drag(first, (0.6, 0.6), (0.8, 0.8))
    first.keyboard.press('r')
    first.keyboard.type(SECRET)
    first.keyboard.press('Control+Enter')
    expect_all_answered(first)
    expect(first.get_by_test_id('open-next')).to_be_hidden()
    told = service.engagement(token)
    assert told['state'] == 'closed' and told['response'] == SECRET

    expect(second.get_by_test_id('idle')).to_contain_text('your own view')
    expect(second.get_by_test_id('waiting')).to_have_text('0')
    second.keyboard.press('Enter')
    wait_until_open(second)
    expect(second.get_by_test_id('shape')).to_have_count(1)
    expect(second.get_by_test_id('instructions')).to_have_text('Correct the boxes.')
    assert SECRET not in second.content()
    second.keyboard.press('Enter')
    expect_all_answered(second)
    expect(second.get_by_test_id('notice')).to_be_hidden()

    texts = [each.text() for each in heard if '/console/api/' in each.url
             and 'events' not in each.url and each.ok]
    assert any('check-' in each for each in texts) and not any(SECRET in each for each in texts)
    assert service.engagement(token) == told
    check = next(each for each in checks_of(service) if each['token'] == token)
    assert check['first']['response'] == SECRET and check['kind'] == 'second'
    assert len(check['first']['annotations']) == 1 and check['answer']['annotations'] == []
    assert check['flags'] == ['interesting']


def test_several_images_are_one_check_whose_draft_is_kept(service, set_program, operators):
    set_program(second_opinion_share=1)
    first, second = operators
    places = [service.upload(photograph()) for _ in range(2)]
    priors = {'annotations': [{**BOX, 'image_idx': 1}]}
    token = service.ask(content_location=places, program_name='checked', priors=priors)
    open_question(first)
    first.keyboard.press('Enter')
    wait_until_open(first)
    first.keyboard.press('Enter')
    expect_all_answered(first)
    expect(second.get_by_test_id('idle')).to_contain_text('your own view')
    second.get_by_test_id('open-next').click()
    wait_until_open(second)
    films = second.get_by_test_id('film')
    expect(films).to_have_count(2)
    second.keyboard.press('Enter')
    expect(second.locator('#position')).to_have_text('image 2 of 2')
    wait_until_open(second)
    expect(second.get_by_test_id('shape')).to_have_count(1)
    # What was begun is kept while the check goes back.
    drag(second, (0.6, 0.6), (0.8, 0.8))
    second.reload()
    expect(second.get_by_test_id('idle')).to_contain_text('your own view')
    second.keyboard.press('Enter')
    second.get_by_test_id('draft-use').click()
    expect(second.get_by_test_id('shape')).to_have_count(2)
    wait_until_open(second)
    second.keyboard.press('Enter')
    expect_all_answered(second)
    found = [each for each in checks_of(service) if each['token'] == token]
    assert [len(each['answer']['annotations']) for each in found] == [0, 1]


def test_a_known_answer_is_left_for_a_robot_that_waits(service, set_program, operators):
    set_program(known_answers_share=1)
    first, second = operators
    known = ask(service)
    rows = second.get_by_test_id('question')
    expect(rows).to_have_count(1)
    open_question(first)
    first.keyboard.press('Enter')
    expect(first.get_by_test_id('idle')).to_be_visible()
    # The next row is that of the next question.
    expect(rows).to_have_count(0)
    service.command('truth', 'add', known)

    ask(service)
    open_question(second)
    second.keyboard.press('Enter')
    # By itself, since nobody waits.
    wait_until_open(second)
    expect(rows).to_have_count(0)
    token = ask(service)
    open_question(second)
    second.keyboard.press('Enter')
    wait_until_open(second)
    assert service.engagement(token)['state'] == 'closed'
    expect(rows).to_have_count(0)
    second.keyboard.press('Enter')
    expect(second.get_by_test_id('idle')).to_be_visible()
    [check] = [each for each in checks_of(service) if each['kind'] == 'known']
    assert check['token'] == known and check['agreement'] == 1
