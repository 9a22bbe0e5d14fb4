# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A program's reference images are looked at beside the picture."""

import pytest
from console_mouse import drag, open_question, wait_until_open
from console_service import box, photograph, prior
from playwright.sync_api import expect

pytestmark = pytest.mark.slow('opens reference images in a browser')

PHONE = {'width': 390, 'height': 844}
SCALE = """() => {
  const image = document.querySelector('#beside-image img');
  return new DOMMatrix(getComputedStyle(image).transform).a;
}"""


@pytest.fixture(params=[2])
def token(service, request):
    files = [service.data.parent / f'reference-{n}.jpg' for n in range(request.param)]
    for file in files:
        file.write_bytes(photograph())
    written = service.data.parent / 'references.yaml'
    names = ', '.join(f'"{file}"' for file in files)
    written.write_text(f'instructions: Compare.\nreference_images: [{names}]\n')
    service.command('program', 'set', 'references', '--file', str(written))
    priors = {'annotations': [prior('person', box(0.1, 0.1, 0.4, 0.4))]}
    return service.ask(program_name='references', priors=priors)


def test_one_key_goes_through_the_references(operator, token):
    open_question(operator)
    beside, image = operator.get_by_test_id('beside'), operator.get_by_test_id('beside-image')
    expect(operator.get_by_test_id('reference')).to_have_count(2)
    expect(beside).to_be_hidden()
    operator.keyboard.press('i')
    expect(beside).to_contain_text('Reference 1 of 2')
    expect(image.locator('img')).to_have_js_property('naturalWidth', 640)
    # Both are seen whole, side by side, and the picture's boxes can still be drawn.
    at, stage = beside.bounding_box(), operator.get_by_test_id('stage').bounding_box()
    assert stage['x'] + stage['width'] <= at['x'] + 1
    expect(operator.get_by_test_id('image')).to_be_in_viewport(ratio=1)
    drag(operator, (0.5, 0.5), (0.7, 0.7))
    expect(operator.get_by_test_id('summary')).to_have_text('1 unchanged · 1 added')
    operator.keyboard.press('i')
    expect(beside).to_contain_text('Reference 2 of 2')
    operator.keyboard.press('i')
    expect(beside).to_be_hidden()
    assert len(operator.context.pages) == 1


def test_a_reference_is_looked_at_closer_and_hidden(operator, token):
    open_question(operator)
    second = operator.get_by_test_id('reference').nth(1)
    second.click()
    expect(second).to_have_attribute('aria-pressed', 'true')
    beside, image = operator.get_by_test_id('beside'), operator.get_by_test_id('beside-image')
    expect(beside).to_contain_text('Reference 2 of 2')
    expect(image.locator('img')).to_have_js_property('naturalWidth', 640)
    place = image.bounding_box()
    operator.mouse.move(place['x'] + 50, place['y'] + 50)
    operator.mouse.wheel(0, -600)
    operator.wait_for_function(f'() => ({SCALE})() > 2')
    before = operator.locator('#beside-image img').bounding_box()
    operator.mouse.down()
    operator.mouse.move(place['x'] + 30, place['y'] + 20, steps=3)
    operator.mouse.up()
    after = operator.locator('#beside-image img').bounding_box()
    assert (before['x'] - after['x'], before['y'] - after['y']) == (20, 30)
    operator.get_by_test_id('beside-next').click()
    assert operator.evaluate(SCALE) == 1
    operator.get_by_test_id('beside-closer').click()
    assert operator.evaluate(SCALE) == 1.5
    operator.get_by_test_id('beside-hide').click()
    expect(beside).to_be_hidden()


def test_a_reference_stays_for_the_questions_that_follow(service, operator, token):
    service.ask(program_name='references')
    service.ask()
    open_question(operator)
    operator.keyboard.press('i')
    expect(operator.get_by_test_id('beside')).to_be_visible()
    for visible in (True, False):
        operator.keyboard.press('s')
        operator.keyboard.press('Enter')
        wait_until_open(operator)
        expect(operator.get_by_test_id('beside')).to_be_visible(visible=visible)


def test_two_fingers_look_closer_on_a_phone(service, browser, token):
    context = browser.new_context(
        viewport=PHONE, has_touch=True, is_mobile=True, storage_state=service.session(browser, 0)
    )
    page = context.new_page()
    page.goto(f'{service.url}/')
    page.get_by_test_id('question').first.tap()
    wait_until_open(page)
    page.get_by_test_id('reference').first.tap()
    image = page.get_by_test_id('beside-image')
    expect(image.locator('img')).to_have_js_property('naturalWidth', 640)
    place = image.bounding_box()
    x, y = place['x'] + place['width'] / 2, place['y'] + place['height'] / 2
    fingers = context.new_cdp_session(page)
    for kind, apart in (('touchStart', 20), ('touchMove', 40), ('touchMove', 60)):
        points = [{'x': x - apart, 'y': y, 'id': 0}, {'x': x + apart, 'y': y, 'id': 1}]
        fingers.send('Input.dispatchTouchEvent', {'type': kind, 'touchPoints': points})
    fingers.send('Input.dispatchTouchEvent', {'type': 'touchEnd', 'touchPoints': []})
    assert page.evaluate(SCALE) == pytest.approx(3, abs=0.1)
    # It lies over the picture, so the next question starts without it.
    service.ask(program_name='references')
    expect(page.get_by_test_id('question')).to_have_count(2)
    page.get_by_test_id('skip').tap()
    page.get_by_test_id('skip-send').tap()
    expect(page.get_by_test_id('priors')).to_be_hidden()
    expect(page.get_by_test_id('beside')).to_be_hidden()
    page.get_by_test_id('reference').first.tap()
    page.get_by_test_id('beside-hide').tap()
    expect(page.get_by_test_id('beside')).to_be_hidden()
    context.close()
