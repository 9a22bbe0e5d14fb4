# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A question may name any URL; the operator's browser asks none but the service for anything."""

from __future__ import annotations

import json
import re

import httpx
import pytest
from console_mouse import click, drag, open_question, wait_until_open
from console_service import box, photograph, prior
from console_stub import sound
from file_host import FileHost, Said
from playwright.sync_api import expect

pytestmark = pytest.mark.slow('a browser against hostile hosts')

SIGN_IN = Said(b'', 401, {'WWW-Authenticate': 'Basic realm="console"'})
another = pytest.mark.slow('one way of several, in a browser')


@pytest.fixture
def host():
    """A host on the service's own address and another port."""
    with FileHost({
        '/photo.jpg': Said(photograph()), '/sound.wav': Said(sound()), '/sign-in': SIGN_IN,
        '/waits.jpg': Said(None), '/page': Said(b'<!doctype html><title>page</title>'),
    }) as made:
        yield made


@pytest.fixture
def asked(service, operator):
    """Note what the browser asks for; nothing but the service may be among it."""
    urls = []
    operator.context.on('request', lambda request: urls.append(request.url))
    yield urls
    assert urls
    assert [url for url in urls if not url.startswith((f'{service.url}/', 'data:', 'blob:'))] == []


def assert_only_the_service_came(host):
    """Check that no browser asked the host for anything, and nobody showed it a cookie."""
    for got in host.received:
        assert got.headers['user-agent'] == 'spark-service'
        assert not {'cookie', 'authorization', 'referer', 'origin'} & set(got.headers)


def test_a_picture_of_another_host_is_shown_from_here(service, operator, asked, host):
    service.ask(content_location=[host.url('/photo.jpg')])
    open_question(operator)
    image = operator.get_by_test_id('image')
    expect(image).to_have_attribute('src', re.compile('^/v1/image/[0-9a-f]+/[0-9a-f]+.jpg$'))
    expect(image).to_have_js_property('naturalWidth', 640)
    # In the queue it is small.
    expect(operator.get_by_test_id('question').locator('img')).to_have_js_property(
        'naturalWidth', 128)
    assert len(host.received) == 1
    assert_only_the_service_came(host)


def test_no_question_can_open_a_sign_in_over_the_console(service, operator, asked, host):
    """On the service itself, where Heat's API takes HTTP Basic, and on another port."""
    for url in (f'{service.url}/v1/requests', host.url('/sign-in')):
        token = service.ask(content_location=[url])
        operator.get_by_test_id('question').click()
        expect(operator.get_by_test_id('cover')).to_be_visible()
        expect(operator.get_by_test_id('cover')).to_contain_text('answered 401')
        operator.keyboard.press('f')
        operator.get_by_test_id('reason').fill('Nothing to see.')
        operator.keyboard.press('Enter')
        expect(operator.get_by_test_id('idle')).to_be_visible()
        # Else the next one to be clicked on may be this one.
        expect(operator.get_by_test_id('question')).to_have_count(0)
        given = service.engagement(token)
        assert given['flags'] == ['flagged']
        assert 'answered' not in json.dumps(given)
    assert_only_the_service_came(host)
    for name in ('v1/requests', 'v1/engagement', 'console/api/queue', 'v1/changes'):
        said = httpx.get(f'{service.url}/{name}', timeout=20)
        assert said.status_code == 401
        assert 'basic' not in said.headers.get('www-authenticate', '').lower()


def test_the_session_goes_to_no_other_port_of_the_host(service, operator, asked, host):
    cookies = {each['name'] for each in operator.context.cookies(host.url('/'))}
    # This is what a browser would send there, if it were made to ask.
    assert any(name.startswith('spark_session') for name in cookies)
    picture, recording = host.url('/photo.jpg'), host.url('/sound.wav')
    service.ask_heat(
        'multiple-choice', attachments_type='audio', attachments=[recording],
        choices_type='image', choices=[picture, host.url('/nowhere.jpg')], max_answers=1,
    )
    service.command('program', 'set', 'looks', '--file', str(program(service, picture)))
    service.ask(program_name='looks', content_location=[picture])
    service.ask_heat('free-text', attachments_type='website', attachments=[host.url('/page')])
    rows = operator.get_by_test_id('question')
    expect(rows).to_have_count(3)
    # Which of the two keys comes first depends on the tests before.
    rows.filter(has_text='Multiple choice').click()
    wait_until_open(operator)
    expect(operator.locator('.viewer audio')).to_have_js_property('readyState', 4)
    expect(operator.get_by_test_id('choice').locator('img')).to_have_js_property(
        'naturalWidth', 640)
    operator.keyboard.press('s')
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('references').locator('img')).to_have_js_property(
        'naturalWidth', 640)
    operator.keyboard.press('s')
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('attachment').get_by_role('link')).to_be_visible()
    assert '/page' not in [got.path for got in host.received]
    assert_only_the_service_came(host)


def test_a_reference_that_takes_its_time_appears_beside_the_picture(
    service, operator, asked, host
):
    service.command('program', 'set', 'waits', '--file', str(
        program(service, host.url('/waits.jpg'))))
    service.ask(program_name='waits')
    open_question(operator)
    small, beside = operator.get_by_test_id('references'), operator.get_by_test_id('beside-image')
    operator.keyboard.press('i')
    for shown in (small, beside):
        expect(shown).to_contain_text(f'Being fetched from 127.0.0.1:{host.port}')
    host.release('/waits.jpg', Said(photograph()))
    for shown in (small, beside):
        expect(shown.locator('img')).to_have_js_property('naturalWidth', 640)
    expect(operator.get_by_test_id('reference')).to_have_attribute('aria-pressed', 'true')
    assert_only_the_service_came(host)


@pytest.mark.usefixtures('intercepted')
def test_a_reading_from_before_a_reference_came_does_not_take_it_away(
    service, operator, asked, host
):
    waiting = []
    operator.route('**/console/api/questions/*', lambda route: (
        route.continue_() if waiting else waiting.append(route)))
    service.command('program', 'set', 'waits', '--file', str(
        program(service, host.url('/waits.jpg'))))
    service.ask(program_name='waits')
    with operator.expect_request('**/console/api/questions/*'):
        open_question(operator)
    expect(operator.get_by_test_id('references')).to_contain_text('Being fetched')
    (reading,) = waiting
    old = reading.fetch()
    host.release('/waits.jpg', Said(photograph()))
    expect(operator.get_by_test_id('reference').locator('img')).to_have_js_property(
        'naturalWidth', 640)
    reading.fulfill(response=old)
    reading.request.response().finished()
    # One that was asked for now would be here later.
    operator.evaluate('() => fetch("/console/api/sessions").then((got) => got.text())')
    operator.keyboard.press('i')
    expect(operator.get_by_test_id('beside-image').locator('img')).to_be_visible()


def program(service, picture):
    """Write a program with a reference picture."""
    file = service.data.parent / 'program.yaml'
    file.write_text(f'instructions: Look.\nreference_images: ["{picture}"]\n')
    return file


def test_a_picture_that_takes_its_time_appears_by_itself(service, operator, asked, host):
    token = service.ask(
        content_location=[host.url('/waits.jpg')],
        priors={'annotations': [prior('person', box(0.1, 0.1, 0.3, 0.3))]},
    )
    operator.get_by_test_id('question').click()
    cover = operator.get_by_test_id('cover')
    expect(cover).to_contain_text(f'Being fetched from 127.0.0.1:{host.port}')
    expect(cover).to_contain_text(host.url('/waits.jpg'))
    expect(operator.get_by_test_id('submit')).to_be_disabled()
    operator.keyboard.press('r')
    operator.keyboard.type('half a thought')
    host.release('/waits.jpg', Said(photograph()))
    expect(operator.get_by_test_id('image')).to_have_js_property('naturalWidth', 640)
    expect(cover).to_be_hidden()
    expect(operator.get_by_test_id('shape')).to_have_count(1)
    expect(operator.get_by_test_id('response')).to_have_value('half a thought')
    operator.keyboard.press('Escape')
    drag(operator, (0.5, 0.5), (0.7, 0.8))
    wait_until_open(operator)
    operator.keyboard.press('Control+Enter')
    expect(operator.get_by_test_id('idle')).to_be_visible()
    given = service.engagement(token)
    assert given['response'] == 'half a thought' and len(given['annotations']) == 1


@another
def test_choices_and_recordings_appear_by_themselves(service, operator, asked, host):
    host.answers['/waits.wav'] = Said(None)
    service.ask_heat(
        'annotations-with-multiple-choice', attachments_type='audio',
        attachments=[host.url('/waits.wav')],
        per_annotation={
            'instruction': 'What?', 'choices_type': 'image', 'choices': [host.url('/waits.jpg')],
        },
    )
    operator.get_by_test_id('question').click()
    expect(operator.get_by_test_id('viewer')).to_contain_text('Being fetched')
    host.release('/waits.wav', Said(sound()))
    expect(operator.get_by_test_id('time')).to_have_text('0.0 s of 5.0 s')
    host.release('/waits.jpg', Said(photograph()))
    operator.keyboard.press('n')
    expect(operator.get_by_test_id('choice').locator('img')).to_have_js_property(
        'naturalWidth', 640)


@pytest.mark.parametrize(
    'url',
    ['javascript:window.owned=1', 'data:text/html,x', 'file:///etc/passwd', '//evil.test/a.jpg'],
)
def test_only_web_addresses_are_taken_from_askers(service, url):
    headers = {'Authorization': f'Bearer {service.key}'}
    body = {'content_location': [url], 'instructions': 'Look.'}
    answer = httpx.post(f'{service.url}/v1/engagement', json=body, headers=headers, timeout=20)
    assert answer.status_code == 400


@pytest.mark.usefixtures('intercepted')
@pytest.mark.parametrize(
    'url',
    [
        'javascript:window.owned=1',
        pytest.param('data:image/svg+xml,<svg onload="window.owned=1"/>', marks=another),
        pytest.param('file:///etc/passwd', marks=another),
        pytest.param('//127.0.0.1:{port}/photo.jpg', marks=another),
        'http://127.0.0.1:{port}/photo.jpg',
    ],
)
def test_the_console_itself_loads_only_from_the_service(service, operator, asked, host, url):
    """Whatever a service says that is not what it should be."""
    url = url.format(port=host.port)

    def lie(route):
        answer = route.fetch()
        question = answer.json()
        for file in (question['image'], *question.get('reference_images', [])):
            file.update(url=url, source=url, state='done')
        route.fulfill(response=answer, json=question)

    operator.route('**/claim', lie)
    service.ask()
    operator.get_by_test_id('question').click()
    expect(operator.get_by_test_id('cover')).to_be_visible()
    assert operator.evaluate('window.owned') is None
    addresses = operator.eval_on_selector_all(
        '[src], [href]', 'all => all.map(each => each.src || each.href || "")')
    assert not [each for each in addresses if each.startswith(('javascript:', 'file:'))]
    assert host.received == []


def test_what_the_console_is_made_to_load_is_blocked(service, browser, host):
    """The last line: the policy of the page, were the console to try."""
    context = browser.new_context(storage_state=service.session(browser, 0))
    page = context.new_page()
    page.goto(f'{service.url}/')
    blocked = page.evaluate(
        """(url) => new Promise((resolve) => {
            const seen = [];
            document.addEventListener('securitypolicyviolation', (event) => {
                seen.push(event.effectiveDirective);
                if (seen.length === 3) resolve(seen.sort());
            });
            for (const kind of ['img', 'audio', 'iframe']) {
                const element = document.createElement(kind);
                element.src = url;
                document.body.append(element);
            }
        })""",
        host.url('/photo.jpg'),
    )
    context.close()
    assert blocked == ['frame-src', 'img-src', 'media-src']
    assert host.received == []


@pytest.mark.slow('marks are drawn on pictures of this service after each change')
def test_marks_on_a_foreign_picture_are_pixels_of_it(service, operator, asked, host):
    id = service.ask_heat(
        'annotations', attachments_type='image', attachments=[host.url('/photo.jpg')])
    open_question(operator)
    click(operator, 0.5, 0.5)
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('idle')).to_be_visible()
    (given,) = service.heat_response(id)
    assert abs(given['x'] - 320) <= 2 and abs(given['y'] - 240) <= 2
