# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What an operator needs is in view in windows of all sizes."""

import re

import pytest
from console_mouse import open_question
from console_service import box, prior
from playwright.sync_api import expect

pytestmark = pytest.mark.slow('looks at the console in ten sizes')

SIZES = [(1360, 800), (1280, 720), (1180, 820), (999, 700), (900, 700)]
SMALL = [(820, 1180), (700, 700), (390, 844), (844, 390), (360, 640)]
PHONE = {'viewport': {'width': 390, 'height': 844}, 'has_touch': True, 'is_mobile': True}
TABLET = {'viewport': {'width': 820, 'height': 1180}, 'has_touch': True, 'is_mobile': True}


def expect_no_scrolling(page):
    for side in ('Width', 'Height'):
        page.wait_for_function(f'document.documentElement.scroll{side} <= inner{side}')


@pytest.fixture
def phone(service, browser, new_page):
    page = new_page(service.session(browser, 0), **PHONE)
    page.goto(f'{service.url}/')
    return page


def test_submit_is_in_view_where_words_are_long(service, browser, new_page):
    page = new_page(service.session(browser, 0), locale='de-DE')
    page.goto(f'{service.url}/')
    service.ask(priors={'label_set': ['person']})
    open_question(page)
    submit = page.get_by_test_id('submit')
    for width, height in SIZES + SMALL:
        page.set_viewport_size({'width': width, 'height': height})
        ends = 'log-out' if (width, height) in SIZES else 'menu-button'
        for name in ('submit', 'flag', 'skip', ends):
            expect(page.get_by_test_id(name)).to_be_in_viewport(ratio=1)
    expect(submit).to_have_text(re.compile('^Senden Enter$'), use_inner_text=True)
    page.get_by_test_id('response').focus()
    expect(submit).to_have_text(re.compile('^Senden Strg Enter$'), use_inner_text=True)
    expect(submit).to_be_in_viewport(ratio=1)


def test_submit_and_the_image_are_in_view(service, operator):
    labels = [f'part number {n}' for n in range(40)]
    priors = {'label_options': labels, 'annotations': [prior(labels[0], box(0.1, 0.1, 0.4, 0.4))]}
    service.ask(instructions='A long instruction. ' * 20, priors=priors)
    open_question(operator)
    for width, height in SIZES + SMALL:
        operator.set_viewport_size({'width': width, 'height': height})
        ends = 'log-out' if (width, height) in SIZES else 'menu-button'
        for name in ('submit', 'flag', 'skip', 'draw', 'image', ends):
            # The browser's own numbers are not exact.
            expect(operator.get_by_test_id(name)).to_be_in_viewport(ratio=0.9999)
        expect_no_scrolling(operator)
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('idle')).to_be_visible()
    expect(operator.get_by_role('navigation')).to_be_in_viewport()


def test_the_light_is_in_reach_while_a_polygon_is_drawn(service, operator):
    service.ask(priors={'label_options': ['person']})
    operator.set_viewport_size({'width': 1280, 'height': 720})
    open_question(operator)
    operator.keyboard.press('g')
    light, done = operator.get_by_test_id('light'), operator.get_by_test_id('finish')
    expect(done).to_be_visible()
    # In one row; a key's sign makes a button a little higher.
    assert abs(light.bounding_box()['y'] - done.bounding_box()['y']) < 5
    # Where the tools need two rows, the sliders lie above both.
    for width in (1280, 390):
        operator.set_viewport_size({'width': width, 'height': 844})
        light.click()
        expect(operator.get_by_test_id('brightness')).to_be_in_viewport(ratio=0.9999)
        light.click()
        expect(operator.get_by_test_id('brightness')).to_be_hidden()


def test_a_thumb_chooses_rates_and_writes_on_a_phone(service, phone):
    choice = service.ask_heat('multiple-choice', choices=['a', 'b', 'c'], max_answers=1)
    rating = service.ask_heat('rating', rating_min=0, rating_max=10, rating_step=1)
    text = service.ask_heat('free-text')
    phone.get_by_test_id('open-next').tap()
    phone.get_by_test_id('choice').nth(1).tap()
    submit(phone)
    slider = phone.get_by_test_id('slider')
    area = slider.bounding_box()
    slider.tap(position={'x': area['width'] - 8, 'y': area['height'] / 2})
    submit(phone)
    phone.get_by_test_id('text-answer').tap()
    phone.get_by_test_id('text-answer').fill('twelve')
    submit(phone)
    expect(phone.get_by_test_id('idle')).to_be_visible()
    assert service.heat_response(choice) == ['b']
    assert service.heat_response(rating) == 10
    assert service.heat_response(text) == 'twelve'


def submit(phone):
    expect_no_scrolling(phone)
    expect(phone.get_by_test_id('submit')).to_be_in_viewport(ratio=1)
    expect(phone.get_by_test_id('submit')).to_be_enabled()
    phone.get_by_test_id('submit').tap()


def test_the_queue_and_the_menu_are_drawers_on_a_phone(service, phone):
    service.ask_heat('free-text', instruction='first')
    service.ask_heat('free-text', instruction='second')
    rows = phone.get_by_test_id('question')
    expect(phone.get_by_test_id('queue-button')).to_be_hidden()
    rows.filter(has_text='first').tap()
    expect(phone.get_by_test_id('instructions')).to_have_text('first')
    expect(rows.first).to_be_hidden()

    opener = phone.get_by_test_id('queue-button')
    opener.tap()
    expect(opener).to_have_attribute('aria-expanded', 'true')
    rows.filter(has_text='second').tap()
    expect(phone.get_by_test_id('instructions')).to_have_text('second')
    expect(rows.first).to_be_hidden()

    phone.get_by_test_id('menu-button').tap()
    expect(phone.get_by_test_id('log-out')).to_be_in_viewport(ratio=1)
    phone.keyboard.press('Escape')
    expect(phone.get_by_test_id('log-out')).to_be_hidden()
    expect(phone.get_by_test_id('menu-button')).to_be_focused()


@pytest.mark.parametrize('device', [PHONE, TABLET], ids=['phone', 'tablet'])
def test_a_finger_finds_whatever_can_be_pressed(service, browser, new_page, files, device):
    page = new_page(service.session(browser, 0), **device)
    page.goto(f'{service.url}/')
    service.ask(priors={'label_options': ['a', 'b'], 'annotations': [
        prior('a', box(0.1, 0.1, 0.4, 0.4))]})  # fmt: skip
    service.ask_heat('multiple-choice', choices=['a', 'b'], max_answers=1)
    service.ask_heat('annotations', attachments_type='audio', attachments=[f'{files}/sound.wav'])
    rows = page.get_by_test_id('question')
    expect(rows).to_have_count(3)
    for number in sorted(row.get_attribute('data-id') for row in rows.all()):
        if page.get_by_test_id('queue-button').is_visible():
            page.get_by_test_id('queue-button').tap()
        page.locator(f'[data-id="{number}"]').tap()
        expect(page.locator(f'[data-id="{number}"]')).to_have_attribute('aria-current', 'true')
        expect(page.get_by_test_id('submit')).to_be_enabled()
        small = page.evaluate("""() => [...document.querySelectorAll('button, a, input, textarea')]
          .filter((each) => each.checkVisibility())
          .map((each) => [each.outerHTML, each.getBoundingClientRect()])
          .filter(([, { width, height }]) => width < 44 || height < 44)""")
        assert small == []


def test_the_theme_is_the_systems_and_the_stage_is_the_same_in_both(service, operator):
    service.ask()
    open_question(operator)

    def grounds():
        return [operator.evaluate(
            f'getComputedStyle(document.querySelector("{name}")).backgroundColor'
        ) for name in ('.panel', '#stage')]  # fmt: skip

    operator.emulate_media(color_scheme='light')
    light = grounds()
    operator.emulate_media(color_scheme='dark')
    dark = grounds()
    assert light[0] != dark[0]
    assert light[1] == dark[1]


def test_nothing_moves_for_who_wants_it_so(service, operator):
    def transition():
        return operator.evaluate(
            'getComputedStyle(document.querySelector("#log-out")).transitionDuration')

    operator.emulate_media(reduced_motion='no-preference')
    assert '0.08s' in transition()
    operator.emulate_media(reduced_motion='reduce')
    assert transition() == '0s'
