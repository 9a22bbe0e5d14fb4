# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Nothing that an asker or a website sends runs in the console, or reaches out of its place."""

import re

import pytest
from console_mouse import click, open_question
from playwright.sync_api import expect

MARKUP = '<img src=x onerror="window.owned=1;alert(1)"></script><script>window.owned=1</script>'
slow = pytest.mark.slow('a page in a browser for each')
CASES = [
    pytest.param(MARKUP, id='markup'),
    *(
        pytest.param(text, id=name, marks=slow)
        for name, text in (
            ('script url', 'javascript:window.owned=1'),
            ('backwards', 'abc\u202edef\u202c العربية'),
            ('long', 'W' * 3000),
        )
    ),
]


def assert_harmless(page):
    assert page.evaluate('window.owned') is None
    addresses = page.eval_on_selector_all(
        '[src], [href]', 'all => all.map(each => each.src || each.href || "")')
    assert not [address for address in addresses if address.startswith('javascript:')]
    assert page.evaluate('document.documentElement.scrollWidth') <= 1280
    expect(page.get_by_test_id('submit')).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize('text', CASES)
def test_hostile_choices_are_shown_as_they_are(service, operator, text):
    id = service.ask_heat(
        'multiple-choice', instruction=f'Look: {text}', choices=[text, 'other'],
        attachments=[text, f'dial:{text}'], max_answers=1,
    )
    open_question(operator)
    expect(operator.get_by_test_id('instructions')).to_have_text(f'Look: {text}')
    expect(operator.get_by_test_id('choice').first).to_contain_text(text[:900])
    expect(operator.get_by_test_id('attachment')).to_contain_text(text)
    expect(operator.get_by_test_id('dial')).to_contain_text(text[:12])
    assert_harmless(operator)
    operator.keyboard.press('1')
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('idle')).to_be_visible()
    assert service.heat_response(id) == [text]


@pytest.mark.slow('a form that is seldom seen, in a browser')
@pytest.mark.parametrize('text', CASES)
def test_hostile_labels_and_questions_are_shown_as_they_are(service, operator, files, text):
    service.ask_heat(
        'annotations-with-rating', attachments_type='image', attachments=[f'{files}/photo.jpg'],
        per_annotation={
            'instruction': text, 'label_min': text[:400], 'label_max': text[:400],
        },
    )
    open_question(operator)
    click(operator, 0.5, 0.5)
    expect(operator.get_by_test_id('per-annotation')).to_have_text(text)
    expect(operator.get_by_test_id('rating-end').first).to_contain_text(text[:100])
    assert_harmless(operator)


@pytest.mark.slow('a form that is seldom seen, in a browser')
@pytest.mark.parametrize('text', CASES)
def test_hostile_text_can_be_marked(service, operator, text):
    id = service.ask_heat(
        'annotations-with-multiple-choice', attachments=[f'{text} end'],
        per_annotation={'instruction': 'Which?', 'choices': [text, 'other'], 'max_answers': 1},
    )
    open_question(operator)
    operator.get_by_test_id('text').evaluate('(paper) => getSelection().selectAllChildren(paper)')
    operator.keyboard.press('n')
    operator.keyboard.press('1')
    expect(operator.get_by_test_id('span')).to_have_text(f'{text} end')
    assert_harmless(operator)
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('idle')).to_be_visible()
    (given,) = service.heat_response(id)
    assert given == {'start': 0, 'end': len(text) + 4, 'response': [text]}


@pytest.mark.parametrize(
    ('kind', 'body'),
    [
        ('free-text', {}),
        pytest.param('annotations', {}, marks=slow),
        pytest.param('multiple-choice', {'choices_type': 'website'}, marks=slow),
    ],
)
def test_a_website_cannot_reach_the_console(service, operator, files, kind, body):
    page_url = f'{files}/page.html'
    if 'choices_type' in body:
        body = {**body, 'choices': [page_url]}
    service.ask_heat(kind, attachments_type='website', attachments=[page_url], **body)
    open_question(operator)
    frames = operator.get_by_test_id('frame')
    for frame in frames.all():
        expect(frame).to_have_attribute('sandbox', '')
        expect(frame).to_have_attribute('referrerpolicy', 'no-referrer')
    shown = operator.frame_locator('[data-testid="frame"]').first
    expect(shown.locator('#end')).to_have_text('The end.')
    # Its script has had its chance: it stands before what is shown now.
    assert operator.evaluate('window.owned') is None
    expect(operator).to_have_title(re.compile('spark console'))
    expect(operator).to_have_url(f'{service.url}/')
    inner = next(each for each in operator.frames if each.url == page_url)
    assert inner.title() == 'quiet'


@pytest.mark.slow('a form that is seldom seen, in a browser')
def test_only_a_youtube_player_may_run_scripts_in_its_frame(service, operator):
    looks_like = [
        'https://www.youtube.com/embed/R0V_D4zaEpU',
        'https://www.youtube.com.evil.example/embed/R0V_D4zaEpU',
        'https://evil.example/https://www.youtube.com/embed/R0V_D4zaEpU',
        'http://www.youtube.com/embed/R0V_D4zaEpU',
        'https://www.youtube.com/redirect?q=evil.example',
    ]
    # Nothing is to be fetched from the network for this.
    operator.route(re.compile(r'youtube|evil'), lambda route: route.abort())
    service.ask_heat('free-text', attachments_type='website', attachments=looks_like)
    open_question(operator)
    frames = operator.get_by_test_id('frame')
    expect(frames).to_have_count(5)
    rights = [frame.get_attribute('sandbox') for frame in frames.all()]
    assert rights == ['allow-scripts allow-same-origin allow-presentation', '', '', '', '']


@pytest.mark.slow('a form that is seldom seen, in a browser')
def test_a_youtube_video_is_embedded_as_a_player(service, operator):
    operator.route('https://www.youtube.com/**', lambda route: route.abort())
    id = service.ask_heat(
        'annotations', attachments_type='video',
        attachments=['https://www.youtube.com/embed/R0V_D4zaEpU'],
    )
    open_question(operator)
    # The player cannot be asked for its time, so the operator types it.
    operator.get_by_test_id('time-field').fill('12.5')
    operator.get_by_test_id('time-field').press('Enter')
    area = operator.get_by_test_id('frame').bounding_box()
    operator.mouse.click(area['x'] + area['width'] / 2, area['y'] + area['height'] / 2)
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('idle')).to_be_visible()
    (given,) = service.heat_response(id)
    assert given['t'] == 12.5
    assert abs(given['x'] - 640) <= 3 and abs(given['y'] - 360) <= 3


@pytest.mark.slow('a form that is seldom seen, in a browser')
def test_what_was_shown_is_gone_with_its_question(service, operator, files):
    service.ask_heat(
        'free-text', attachments_type='website', attachments=[f'{files}/page.html'])
    open_question(operator)
    expect(operator.get_by_test_id('frame')).to_have_count(1)
    operator.keyboard.press('Escape')
    operator.keyboard.press('s')
    expect(operator.get_by_test_id('idle')).to_be_visible()
    expect(operator.get_by_test_id('frame')).to_have_count(0)
