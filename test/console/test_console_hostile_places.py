# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What robots, programs and colleagues write is text wherever the console shows it."""

import json
import re

import pytest
from console_mouse import open_question, wait_until_open
from console_service import box, photograph, prior
from file_host import FileHost, Said
from playwright.sync_api import expect

pytestmark = pytest.mark.slow('a page in a browser for each text and place')

TEXTS = {
    'markup': '<img src=x onerror="window.owned=1;alert(1)"></script><script>window.owned=1'
              '</script>',
    'script url': 'javascript:window.owned=1',
    'loads': '<link rel=stylesheet href=//192.0.2.1/a.css><img src=http://192.0.2.1/a.png>',
    'quotes': '\'"`;${1}{{1}}</option></select></textarea></bdi>',
    'backwards': 'abc\u202edef\u202c العربية',
    'long': 'W' * 190,
}  # fmt: skip


@pytest.fixture(params=TEXTS)
def text(request):
    return TEXTS[request.param]


@pytest.fixture(autouse=True)
def harmless(service, operator):
    """Check at the end that nothing ran, and that the browser asked the service alone."""
    urls = []
    operator.context.on('request', lambda request: urls.append(request.url))
    yield
    assert operator.evaluate('window.owned') is None
    addresses = operator.eval_on_selector_all(
        '[src], [href]', 'all => all.map(each => each.src || each.href || "")')
    assert all(each.startswith((f'{service.url}/', 'data:', 'blob:')) for each in addresses)
    assert urls
    assert all(each.startswith((f'{service.url}/', 'data:', 'blob:')) for each in urls)
    assert operator.evaluate('document.documentElement.scrollWidth') <= 1280


def test_rows_and_what_they_are_filtered_by(service, operator, text):
    service.ask(instructions='plain', metadata={'robot_id': 'r1'})
    service.ask(
        instructions=text, program_name=text, metadata={'robot_id': text, 'camera': text})
    rows = operator.get_by_test_id('question')
    expect(rows).to_have_count(2)
    # The name of a robot is printable ASCII; where it is not, the key's name stands there.
    robot = text if text.isascii() else 'rover'
    expect(rows.nth(1).locator('.title')).to_contain_text(text[:150])
    expect(rows.nth(1).get_by_test_id('asker')).to_contain_text(robot[:60])
    for kind, name in (('robot', robot), ('program', text)):
        select = operator.get_by_test_id(f'filter-{kind}')
        expect(select.locator('option')).to_have_count(3)
        select.focus()
        select.select_option(name)
        expect(rows).to_have_count(1)
    operator.locator('#open-next').click()
    wait_until_open(operator)
    expect(operator.get_by_test_id('program')).to_have_text(text)


def test_why_a_program_is_flagged(service, operator, text):
    file = service.data.with_name('hostile.yaml')
    file.write_text(json.dumps({'instructions': text, 'flag_reasons': [text, 'fog']}))
    service.command('program', 'set', 'hostile', '--file', str(file))
    token = service.ask(program_name='hostile', instructions='')
    open_question(operator)
    operator.keyboard.press('f')
    dialog = operator.get_by_test_id('flag-dialog')
    expect(dialog.locator('.reasons button').first).to_contain_text(text)
    assert dialog.evaluate('each => each.scrollWidth <= each.clientWidth')
    operator.keyboard.press('1')
    expect(operator.get_by_test_id('reason')).to_have_value(text)
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('idle')).to_be_visible()
    assert service.engagement(token)['feedback'] == text


def test_why_a_colleague_skipped(service, browser, operator, text):
    service.ask()
    expect(operator.get_by_test_id('question')).to_have_count(1)
    with service.console(browser, 1) as colleague:
        (line,) = colleague.get('/queue').json()['questions']
        for action, body in (('claim', {}), ('skip', {'reason': text})):
            colleague.post(f'/questions/{line["id"]}/{action}', json=body).raise_for_status()
    open_question(operator)
    expect(operator.get_by_test_id('skip-said')).to_contain_text(text)


def test_labels_of_the_review_and_of_the_search(service, operator, text):
    token = service.ask(priors={
        'label_options': [*(f'part {number}' for number in range(10)), text],
        'annotations': [
            prior(text, box(0.1, 0.1, 0.4, 0.4)), prior('part 1', box(0.5, 0.5, 0.8, 0.8)),
        ],
    })  # fmt: skip
    open_question(operator)
    rows = operator.get_by_test_id('prior')
    expect(rows.first).to_contain_text(text[:79])
    operator.keyboard.press('a')
    operator.keyboard.press('x')
    expect(rows.first).to_have_attribute('data-decision', 'removed')
    rows.nth(1).click()
    operator.keyboard.press('l')
    operator.keyboard.type(text[:30])
    shown = operator.get_by_test_id('label').filter(visible=True)
    expect(shown).to_have_count(1)
    expect(shown).to_have_attribute('title', text)
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('selection')).to_contain_text(text[:50])
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('idle')).to_be_visible()
    given = service.engagement(token)
    assert [each['label'] for each in given['annotations']] == [text]
    assert [each['label'] for each in given['removed_annotations']] == [text]


def test_the_page_of_answers_with_a_correction(service, operator, text):
    token = service.ask(instructions=text, program_name=text, priors={
        'label_options': [text], 'annotations': [prior(text, box(0.1, 0.1, 0.4, 0.4))],
    })  # fmt: skip
    open_question(operator)
    operator.get_by_test_id('response').fill(text)
    operator.keyboard.press('Control+Enter')
    expect(operator.get_by_test_id('idle')).to_be_visible()
    before = service.engagement(token)
    operator.get_by_test_id('answers-link').click()
    given = operator.get_by_test_id('given').first
    for _ in range(2):
        expect(given.locator('p').first).to_have_text(text)
        expect(given.locator('bdi').first).to_have_text(text)
        expect(given.get_by_test_id('said')).to_have_text(text)
        expect(given.get_by_test_id('became')).to_contain_text(text)
        if not given.get_by_test_id('correction').count():
            given.get_by_test_id('note').fill(text)
            given.get_by_test_id('note-send').click()
        # As it was sent, and as it is kept.
        expect(given.get_by_test_id('correction').locator('bdi')).to_have_text(text)
        operator.reload()
    assert service.engagement(token) == before


def test_a_reference_that_is_not_here(service, operator, text):
    with FileHost({}) as host:
        # No URL has spaces, and no markup needs them.
        url = host.url(f'/nowhere.jpg?{text.replace(" ", "/")}')
        file = service.data.with_name('referring.yaml')
        file.write_text(json.dumps({'instructions': 'Look.', 'reference_images': [url]}))
        service.command('program', 'set', 'referring', '--file', str(file))
        service.ask(program_name='referring', instructions='')
        open_question(operator)
        operator.keyboard.press('i')
        for place in ('references', 'beside-image'):
            expect(operator.get_by_test_id(place)).to_contain_text(f'127.0.0.1:{host.port}')
        expect(operator.locator('#beside-title')).to_have_text(re.compile('1 of 1'))


def test_a_hidden_tab_tells_numbers_only(service, operator, text):
    operator.add_init_script("""
        Object.defineProperty(document, 'hidden', {get: () => true});
        globalThis.told = [];
        globalThis.Notification = class extends EventTarget {
          static permission = 'granted';
          constructor(title, options) { super(); told.push([title, options]); }
        };
    """)
    operator.reload()
    expect(operator.get_by_test_id('connection')).to_have_text('live')
    service.ask(
        instructions=text, program_name=text, metadata={'robot_id': text, 'camera': text})
    operator.wait_for_function('() => told.length === 1')
    expect(operator).to_have_title('(1) spark console')
    assert operator.evaluate('told') == [
        ['spark console', {'body': '1 question waits', 'tag': 'queue'}]]


@pytest.mark.parametrize('url', [
    'javascript:window.owned=1', '//127.0.0.1:{port}/a.jpg', 'http://127.0.0.1:{port}/a.jpg',
    'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" onload="window.owned=1"/>',
    '/\\127.0.0.1:{port}/a.jpg',
])
def test_small_pictures_come_from_the_service_alone(service, operator, url):
    """Of the queue and of the filmstrip, whatever a service says that is not what it should be."""
    with FileHost({'/a.jpg': Said(photograph())}) as host:
        false = url.format(port=host.port)

        def lie(route):
            answer = route.fetch()
            found = answer.json()
            for each in (*found.get('questions', ()), *found.get('images', ())):
                each['thumbnail'] = false
            route.fulfill(response=answer, json=found)

        for called in ('**/claim', '**/console/api/queue*'):
            operator.route(called, lie)
        # What is told of changes is true, and would come in between.
        operator.route('**/console/api/events', lambda route: route.abort())
        service.ask(content_location=[service.upload(photograph()) for _ in range(2)])
        operator.reload()
        row = operator.get_by_test_id('question')
        expect(row.locator('.thumb')).not_to_be_empty()
        expect(row.locator('img')).to_have_count(0)
        open_question(operator)
        expect(operator.get_by_test_id('film')).to_have_count(2)
        expect(operator.get_by_test_id('film').locator('img')).to_have_count(0)
        assert host.received == []
