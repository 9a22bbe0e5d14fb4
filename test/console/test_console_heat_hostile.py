# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Nothing that an asker or a website sends runs in the console, or reaches out of its place."""

import re

import pytest
from console_mouse import click, open_question
from playwright.sync_api import expect

pytestmark = pytest.mark.slow('a browser against hostile text, once more')

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
        pytest.param('annotations', {'min_annotations': 0}, marks=slow),
        pytest.param('multiple-choice', {'choices_type': 'website'}, marks=slow),
    ],
)
def test_a_website_is_a_link_that_leaves_nothing_of_the_console_behind(
    service, operator, files, kind, body
):
    page_url = f'{files}/photo.jpg'
    if 'choices_type' in body:
        body = {**body, 'choices': [page_url]}
    service.ask_heat(kind, attachments_type='website', attachments=[page_url], **body)
    open_question(operator)
    expect_links(operator, [page_url] * (2 if 'choices' in body else 1))
    with operator.context.expect_page() as opened:
        operator.get_by_test_id('absent').first.get_by_role('link').click()
    site = opened.value
    site.wait_for_load_state()
    assert site.evaluate('window.opener === null && document.referrer === ""')
    assert operator.evaluate('window.owned') is None
    expect(operator).to_have_title(re.compile('spark console'))
    expect(operator).to_have_url(f'{service.url}/')


def expect_links(page, urls):
    """Check that these, and no others, are links to other sites, and that nothing is framed."""
    links = page.get_by_test_id('absent').get_by_role('link')
    expect(links).to_have_count(len(urls))
    for link, url in zip(links.all(), urls, strict=True):
        host = url.split('/')[2]
        expect(link).to_have_text(host)
        assert link.evaluate('link => link.href') == url
        expect(link).to_have_attribute('rel', 'noopener noreferrer')
        expect(link).to_have_attribute('target', '_blank')
    expect(page.locator('iframe, frame, object, embed')).to_have_count(0)


@pytest.mark.slow('a form that is seldom seen, in a browser')
def test_players_of_other_sites_are_links_with_their_real_host(service, operator):
    looks_like = [
        'https://www.youtube.com/embed/R0V_D4zaEpU',
        'https://www.youtube.com.evil.example/embed/R0V_D4zaEpU',
        'https://www.youtube.com:pass@evil.example/embed/R0V_D4zaEpU',
    ]
    asked = []
    operator.on('request', lambda request: asked.append(request.url))
    service.ask_heat('free-text', attachments_type='website', attachments=looks_like)
    open_question(operator)
    links = operator.get_by_test_id('absent').get_by_role('link')
    expect(links).to_have_text(
        ['www.youtube.com', 'www.youtube.com.evil.example', 'evil.example'])
    assert not [url for url in asked if not url.startswith(service.url)]


@pytest.mark.slow('a form that is seldom seen, in a browser')
@pytest.mark.parametrize(('kind', 'url'), [
    ('video', 'https://www.youtube.com/embed/R0V_D4zaEpU'),
    ('website', 'http://127.0.0.1:1/page.html'),
])
def test_what_is_elsewhere_cannot_be_marked_and_can_be_flagged(service, operator, kind, url):
    id = service.ask_heat('annotations', attachments_type=kind, attachments=[url])
    open_question(operator)
    expect(operator.get_by_test_id('cover')).to_contain_text('cannot be marked here')
    expect_links(operator, [url])
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('summary')).to_have_text('Mark at least 1. 0 so far.')
    operator.keyboard.press('f')
    operator.get_by_test_id('reason').fill('It is on another site.')
    operator.keyboard.press('Enter')
    expect(operator.get_by_test_id('idle')).to_be_visible()
    assert service.heat_request(id)['status'] == 'flagged'
