# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""axe-core has nothing to say against any page of the console (WCAG 2.2 A and AA)."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from console_mouse import click, drag, open_question
from console_service import box, prior
from playwright.sync_api import expect

pytestmark = pytest.mark.slow('looks at every page of the console')

RULES = {'runOnly': {
    'type': 'tag',
    'values': ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
}}  # fmt: skip
PHONE = {'viewport': {'width': 390, 'height': 844}, 'has_touch': True, 'is_mobile': True}
PER = {'instruction': 'How likely?', 'choices': ['little', 'very'], 'max_answers': 1}
QUESTIONS = {
    'choices': ('multiple-choice', None, {'choices': ['a', 'b'], 'max_answers': 1}),
    'image choices': ('multiple-choice', None, {'choices_type': 'image', 'max_answers': 1}),
    'text': ('free-text', None, {}),
    'number': ('free-text', None, {'validation': 'number'}),
    'rating': ('rating', 'photo.jpg', {'attachments_type': 'image', 'rating_max': 10}),
    'file': ('image', None, {}),
    'telephone': ('free-text', None, {
        'attachments_type': 'text', 'attachments': ['dial:+49 30 1234@w1']}),
    'points': ('annotations-with-multiple-choice', 'photo.jpg', {
        'attachments_type': 'image', 'annotations_type': 'point', 'per_annotation': PER}),
    'spans': ('annotations', None, {
        'attachments_type': 'text', 'attachments': ['the cat sat on the mat']}),
    'moments': ('annotations', 'sound.wav', {'attachments_type': 'audio'}),
    'video': ('annotations', 'video.webm', {'attachments_type': 'video'}),
}


def assert_accessible(page):
    for theme in ('light', 'dark'):
        page.emulate_media(color_scheme=theme, reduced_motion='reduce')
        violations = Axe().run(page, options=RULES).response['violations']
        assert [
            (theme, each['id'], node['target'], node['failureSummary'])
            for each in violations for node in each['nodes']
        ] == []


@pytest.fixture
def console(service, browser, new_page):
    return console_in(service, browser, new_page)


@pytest.fixture
def phone(service, browser, new_page):
    return console_in(service, browser, new_page, **PHONE)


def console_in(service, browser, new_page, **options):
    page = new_page(service.session(browser, 0), **options)
    page.goto(f'{service.url}/')
    expect(page.get_by_test_id('connection')).to_have_attribute('data-state', 'live')
    return page


def ask_boxes(service):
    priors = [
        prior('face', box(0.1, 0.1, 0.4, 0.4), metadata={'score': 0.4, 'doubted': True}),
        prior('cup', box(0.5, 0.5, 0.9, 0.9), metadata={'score': 0.9}),
    ]
    service.ask(
        instructions='Look. ' * 100, metadata={'robot_id': 'rover', 'long': 'W' * 3000},
        priors={'label_options': ['face', 'cup', 'box'], 'annotations': priors},
    )


def test_the_console_with_nothing_and_with_something_in_the_queue(service, console):
    assert_accessible(console)
    ask_boxes(service)
    service.ask_heat('free-text')
    expect(console.get_by_test_id('question')).to_have_count(2)
    assert_accessible(console)


def test_boxes_while_they_are_changed_and_every_dialog(service, console):
    ask_boxes(service)
    open_question(console)
    assert_accessible(console)
    click(console, 0.2, 0.2)
    drag(console, (0.45, 0.05), (0.6, 0.3))
    assert_accessible(console)
    for opener, dialog in (
        ('flag', 'flag-dialog'), ('help-button', 'help'), ('sessions-button', 'sessions'),
    ):
        console.get_by_test_id(opener).click()
        expect(console.get_by_test_id(dialog)).to_be_visible()
        if dialog == 'sessions':
            expect(console.get_by_test_id('session')).not_to_have_count(0)
        assert_accessible(console)
        console.keyboard.press('Escape')


@pytest.mark.parametrize('name', QUESTIONS)
def test_each_kind_of_heat_question(service, console, files, name):
    kind, file, given = QUESTIONS[name]
    if file:
        given = {**given, 'attachments': [f'{files}/{file}?{n}' for n in range(2)]}
    if name == 'image choices':
        given = {**given, 'choices': [f'{files}/photo.jpg', f'{files}/other.jpg']}
    service.ask_heat(kind, instruction='Look at this.', **given)
    console.get_by_test_id('question').first.click()
    expect(console.get_by_test_id('submit')).to_be_visible()
    if name == 'points':
        expect(console.get_by_test_id('submit')).to_be_enabled()
        click(console, 0.3, 0.3)
        expect(console.get_by_test_id('mark')).to_have_count(1)
    console.keyboard.press('Control+Enter')
    assert_accessible(console)


def test_the_phone_with_its_drawers(service, phone):
    ask_boxes(service)
    assert_accessible(phone)
    phone.get_by_test_id('question').tap()
    expect(phone.get_by_test_id('submit')).to_be_enabled()
    assert_accessible(phone)
    for name in ('queue-button', 'menu-button'):
        phone.get_by_test_id(name).tap()
        assert_accessible(phone)


def test_the_other_pages(service, console):
    console.goto(f'{service.url}/console/statistics')
    expect(console.get_by_test_id('plot')).to_have_count(5)
    assert_accessible(console)
    console.goto(f'{service.url}/docs')
    expect(console.locator('details').first).to_be_visible()
    assert_accessible(console)
    console.evaluate('document.querySelectorAll("details").forEach((each) => (each.open = true))')
    assert_accessible(console)


def test_the_pages_of_who_is_not_logged_in(service, new_page):
    page = new_page()
    page.goto(f'{service.url}/')
    assert_accessible(page)
    page.goto(service.login_link())
    expect(page.get_by_role('button')).to_be_visible()
    assert_accessible(page)
