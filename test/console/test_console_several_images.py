# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A question with several images: one row, one claim, one answer with the marks on each."""

import io

import pytest
from console_mouse import assert_box, drag, open_question, wait_until_open
from console_service import box, photograph, prior
from PIL import Image
from playwright.sync_api import expect

pytestmark = pytest.mark.slow('works on several images in a browser')

LABELS = {'label_set': ['crate', 'person']}


def ask(service, count=3, **body):
    places = [service.upload(photograph()) for _ in range(count)]
    priors = {**LABELS, 'annotations': [
        prior('crate', box(0.1, 0.1, 0.3, 0.3), image_idx=0),
        prior('person', box(0.5, 0.5, 0.8, 0.8), image_idx=1),
    ]}  # fmt: skip
    return service.ask(content_location=places, **{'priors': priors, **body})


def job(service, token):
    with service._http() as robot:
        return robot.get(f'/v1/job/{token}').json()[0]


def test_one_row_one_claim_one_answer_with_marks_on_each(service, browser, operator):
    token = ask(service)
    row = operator.get_by_test_id('question')
    expect(row.get_by_test_id('images')).to_have_text('3 images')
    expect(operator.get_by_test_id('waiting')).to_have_text('1')
    before = int(operator.get_by_test_id('answered').text_content())
    open_question(operator)
    assert [each['state'] for each in job(service, token)['engagements']] == ['assigned'] * 3
    films = operator.get_by_test_id('film')
    expect(films).to_have_count(3)
    expect(films.locator('img').first).to_have_js_property('naturalWidth', 128)
    position = operator.locator('#position')
    expect(position).to_have_text('image 1 of 3')
    # Enter shows what was not looked at yet, and answers nothing.
    operator.keyboard.press('Enter')
    expect(position).to_have_text('image 2 of 3')
    wait_until_open(operator)
    operator.keyboard.press(']')
    expect(position).to_have_text('image 3 of 3')
    wait_until_open(operator)
    operator.keyboard.press('n')
    drag(operator, (0.2, 0.2), (0.4, 0.6))
    operator.keyboard.press('[')
    expect(position).to_have_text('image 2 of 3')
    expect(films.nth(2)).to_have_attribute('aria-label', 'image 3 of 3, looked at, 1 mark')
    wait_until_open(operator)
    operator.keyboard.press('Tab')
    operator.keyboard.press('Delete')
    operator.get_by_test_id('response').fill('all three')
    films.first.click()
    expect(position).to_have_text('image 1 of 3')
    expect(operator.get_by_test_id('response')).to_have_value('all three')
    films.nth(2).click()
    wait_until_open(operator)
    operator.keyboard.press('Enter')
    expect(row).to_have_count(0)
    expect(operator.get_by_test_id('answered')).to_have_text(str(before + 1))
    expect(operator.get_by_test_id('filmstrip')).to_be_hidden()
    done = job(service, token)
    assert done['state'] == 'closed'
    first, second, third = done['engagements']
    assert [each['response'] for each in done['engagements']] == ['all three'] * 3
    assert [each['label'] for each in first['confirmed_annotations']] == ['crate']
    assert [each['label'] for each in second['removed_annotations']] == ['person']
    (drawn,) = third['annotations']
    assert drawn['image_idx'] == 2
    assert_box(drawn, 0.2, 0.2, 0.4, 0.6)


def test_what_was_done_to_each_image_comes_back_after_a_skip(service, operator):
    ask(service, 2)
    open_question(operator)
    operator.keyboard.press('n')
    drag(operator, (0.4, 0.4), (0.6, 0.6))
    operator.keyboard.press(']')
    wait_until_open(operator)
    operator.keyboard.press('s')
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('idle')).to_be_visible()
    expect(operator.get_by_test_id('filmstrip')).to_be_hidden()
    operator.keyboard.press('Enter')
    wait_until_open(operator)
    expect(operator.locator('#position')).to_have_text('image 2 of 2')
    operator.keyboard.press('[')
    expect(operator.get_by_test_id('summary')).to_contain_text('1 added')


def test_a_question_without_a_filmstrip_follows_one_with_it(service, operator):
    ask(service, 2)
    data = io.BytesIO()
    Image.new('RGB', (320, 240)).save(data, 'PNG')
    service.ask(data.getvalue(), instructions='only one', priors={'label_set': ['crate']})
    open_question(operator)
    for _ in range(2):
        wait_until_open(operator)
        operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('instructions')).to_have_text('only one')
    expect(operator.get_by_test_id('filmstrip')).to_be_hidden()
    expect(operator.locator('#position')).to_be_hidden()
    wait_until_open(operator)


def test_a_colleague_gets_none_of_the_images(service, operators):
    one, two = operators
    ask(service, 2)
    open_question(one)
    expect(two.get_by_test_id('question').locator('.badge')).to_have_text('taken')
    with two.expect_response('**/console/api/next') as told:
        two.keyboard.press('Enter')
    assert told.value.json()['id'] is None
    expect(two.get_by_test_id('panel')).to_be_hidden()
    one.keyboard.press('s')
    one.keyboard.press('Enter')
    expect(two.get_by_test_id('question').locator('.badge')).to_have_text('open')
    open_question(two)
    expect(two.get_by_test_id('film')).to_have_count(2)
