# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The console speaks English and German, all of each, and the browser says which."""

import re
from pathlib import Path

import pytest
from chromium import log_in
from console_mouse import click, open_question
from console_service import box, prior
from playwright.sync_api import expect

import spark_ros.service

SERVICE = Path(spark_ros.service.__file__).parent
CONSOLE = SERVICE / 'console'
SOURCES = {
    path: path.read_text('utf-8')
    for path in [*CONSOLE.rglob('*.js'), *CONSOLE.rglob('*.html'),
                 *SERVICE.glob('docs_page/login*.html')]
    if path.name != 'words.js'
}
NAMED = re.compile(r"""\bword\(\s*'([^']+)'|data-word(?:-[a-z-]+)?="([^"]+)\"""")
VALUES = re.compile(r'\{(\w+)\}')
# What no German sentence of the console has; robots and operators of the test write none of it.
ENGLISH = re.compile(
    r'\b(the|and|of|is|are|not|with|your|you|this|that|answer|answers|answered|question|questions'
    r'|choose|waiting|mark|skip|submit|flag|delete|log|close|cancel|queue|none|nothing|one|by'
    r'|open|taken|live|lost|asked|created|priority|image|box|boxes|new|keys|next|ago|left)\b',
    re.IGNORECASE,
)


@pytest.fixture
def words(operator):
    return operator.evaluate("import('/console/words.js').then(({ WORDS }) => WORDS)")


def test_every_word_is_there_in_both_languages_with_the_same_values(words):
    def texts(said):
        return [said] if isinstance(said, str) else [said['one'], said['other']]

    for name, (english, german) in words.items():
        assert all(text.strip() for said in (english, german) for text in texts(said)), name
        values = [set(VALUES.findall(' '.join(texts(said)))) for said in (english, german)]
        assert values[0] == values[1], name
        assert isinstance(english, str) or 'n' in values[0], name


def test_every_name_that_is_used_is_there_and_every_one_there_is_used(words):
    for path, source in SOURCES.items():
        for found in NAMED.finditer(source):
            assert (found[1] or found[2]) in words, f'{path.name}: {found[0]}'
    everything = '\n'.join(SOURCES.values())
    unused = [name for name in words if not re.search(rf'[\'"]{re.escape(name)}[\'"]', everything)]
    assert unused == []


def shown_texts(page):
    """Give what is seen and what a screen reader reads, of what is on the page now."""
    return page.evaluate("""() => {
      const texts = [document.title];
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        const { data, parentElement } = walker.currentNode;
        if (parentElement.checkVisibility()) texts.push(data);
      }
      for (const name of ['aria-label', 'placeholder', 'title', 'alt']) {
        for (const each of document.querySelectorAll(`[${name}]`)) {
          if (each.checkVisibility()) texts.push(each.getAttribute(name));
        }
      }
      return texts.map((text) => text.trim()).filter(Boolean);
    }""")


def assert_german(page, least=1):
    texts = shown_texts(page)
    assert page.evaluate('document.documentElement.lang') == 'de'
    assert len(texts) >= least
    assert [text for text in texts if ENGLISH.search(text)] == []


@pytest.fixture
def german(service, browser, new_page):
    page = new_page(service.session(browser, 0), locale='de-AT', timezone_id='Asia/Tokyo')
    page.goto(f'{service.url}/')
    return page


def test_who_logs_in_reads_german(service, new_page):
    page = new_page(locale='de-DE')
    page.goto(f'{service.url}/')
    expect(page.get_by_role('heading')).to_have_text('An der Konsole anmelden')
    # The command is what one types.
    page.locator('pre').evaluate('(element) => element.remove()')
    assert_german(page, 3)
    page.goto(service.login_link())
    expect(page.get_by_role('button')).to_have_text('Anmelden')
    assert_german(page, 3)
    page.get_by_role('button').click()
    page.wait_for_url(f'{service.url}/')
    expect(page.get_by_test_id('log-out')).to_have_text('Abmelden')


@pytest.mark.slow('a rare case, in a browser')
def test_a_browser_with_an_unknown_language_reads_english(service, new_page):
    page = new_page(locale='fr-FR')
    log_in(page, service.login_link())
    expect(page.get_by_test_id('log-out')).to_have_text('Log out')


@pytest.mark.slow('a page that is seldom seen, in a browser')
def test_statistics_are_german_with_the_times_of_the_operator(service, german):
    german.goto(f'{service.url}/console/statistics')
    expect(german.get_by_test_id('plot')).to_have_count(5)
    assert_german(german, 30)
    expect(german.get_by_test_id('totals')).to_contain_text('Beantwortet')


@pytest.mark.slow('a page that is seldom seen, in a browser')
def test_the_sessions_have_the_times_of_the_operator(service, german):
    german.get_by_test_id('sessions-button').click()
    own = german.get_by_test_id('session').filter(has_text='dieser Browser')
    api_says = german.evaluate("""() => fetch('/console/api/sessions').then((got) => got.json())
      .then(({ sessions }) => sessions.find((each) => each.this).created)""")
    expected = german.evaluate("""(time) => new Intl.DateTimeFormat('de-AT', {
      dateStyle: 'medium', timeStyle: 'short', timeZone: 'Asia/Tokyo' }).format(new Date(time))""",
      api_says)
    expect(own.locator('td').first).to_have_text(expected)


PER = {'instruction': 'xxx', 'choices': ['a', 'b'], 'max_answers': 1}
KINDS = {
    'one choice': ('multiple-choice', {'choices': ['a', 'b'], 'max_answers': 1}),
    'choices': ('multiple-choice', {'choices': ['a', 'b', 'c'], 'min_answers': 1}),
    'rating': ('rating', {'rating_min': 0, 'rating_max': 10, 'rating_step': 1}),
    'text': ('free-text', {}),
    'number': ('free-text', {'validation': 'number'}),
    'image': ('image', {}),
    'video': ('video', {}),
    'audio': ('audio', {}),
    'spans': ('annotations', {'attachments_type': 'text', 'attachments': ['xxx yyy']}),
    'points': ('annotations-with-multiple-choice', {
        'attachments_type': 'image', 'annotations_type': 'point', 'per_annotation': PER}),
    'moments': ('annotations', {'attachments_type': 'audio'}),
}


@pytest.mark.slow('each form in a browser')
@pytest.mark.parametrize('name', KINDS)
def test_the_form_of_each_kind_of_heat_question_is_german(service, german, files, name):
    kind, given = KINDS[name]
    media = {'image': 'photo.jpg', 'audio': 'sound.wav'}.get(given.get('attachments_type'))
    if media:
        given = {**given, 'attachments': [f'{files}/{media}', f'{files}/{media}']}
    service.ask_heat(kind, instruction='xxx', **given)
    open_question(german)
    expect(german.get_by_test_id('answer')).to_be_visible()
    if name == 'points':
        click(german, 0.3, 0.3)
    for id in ('answer', 'viewer', 'tabs'):
        part = german.locator(f'#{id}')
        texts = [] if part.is_hidden() else part.evaluate("""(part) => [part.innerText, ...
          [...part.querySelectorAll('[aria-label], [placeholder], [alt]')].flatMap((each) =>
            ['aria-label', 'placeholder', 'alt'].map((name) => each.getAttribute(name) ?? ''))]""")
        assert [text for text in texts if ENGLISH.search(text)] == []
    german.keyboard.press('Control+Enter')
    summary = german.get_by_test_id('summary')
    if summary.is_visible():
        assert not ENGLISH.search(summary.inner_text())


def test_the_page_itself_is_german(service, german):
    expect(german.get_by_test_id('idle')).to_contain_text('Die nächste Frage')
    assert_german(german, 10)
    priors = {'annotations': [prior('xxx', box(0.1, 0.1, 0.4, 0.4))]}
    service.ask(instructions='xxx', priors=priors)
    service.ask_heat('free-text', instruction='xxx')
    expect(german.get_by_test_id('question')).to_have_count(2)
    expect(german.get_by_test_id('idle')).to_contain_text('2 Fragen warten')
    assert_german(german, 15)
    open_question(german)
    assert_german(german, 40)


@pytest.mark.slow('each dialog in a browser')
@pytest.mark.parametrize('button', ['help-button', 'skip', 'flag', 'sessions-button'])
def test_each_dialog_is_german(service, german, button):
    service.ask(instructions='xxx')
    open_question(german)
    german.get_by_test_id(button).click()
    expect(german.locator('dialog[open]')).to_be_visible()
    assert_german(german, 40)
    german.keyboard.press('Escape')


@pytest.mark.slow('a page that is seldom seen, in a browser')
def test_the_answers_of_the_operator_are_german(service, german):
    priors = {'annotations': [prior('xxx', box(0.1, 0.1, 0.4, 0.4))]}
    service.ask(instructions='xxx', priors=priors)
    open_question(german)
    german.keyboard.press('Enter')
    expect(german.get_by_test_id('idle')).to_be_visible()
    german.goto(f'{service.url}/console/answers')
    expect(german.get_by_test_id('became').first).to_contain_text('bestätigt')
    # What others wrote in these tests is in the language that they chose.
    for said in ('bdi', 'p[dir="auto"]'):
        german.evaluate("""(those) => document.querySelectorAll(those).forEach((each) =>
          each.remove())""", said)
    assert_german(german, 5)


@pytest.mark.slow('a rare case, in a browser')
def test_why_something_is_refused_is_german(service, german):
    said = german.evaluate("""async () => {
      const { claim } = await import('/console/api.js');
      return claim(999999).catch((error) => error.message);
    }""")
    assert said == 'Das gibt es nicht oder nicht mehr.'
