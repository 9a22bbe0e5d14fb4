# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Photograph the console's main states in five sizes, light and dark, into build/console.

    make env-tests && .venv/bin/python dev/console_states.py [WORD OF A NAME ...]

To look at before a release; docs/images has a few of them, taken by screenshots.py.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import product
from typing import Any

from playwright.sync_api import Browser, Page, expect
from screenshots import (
    LOBBY,
    LOBBY_PRIORS,
    ROOT,
    SIZES,
    Service,
    Theme,
    ask_three,
    click,
    console,
    photograph,
    serving,
    settled,
)

OUT = ROOT / 'build' / 'console'
THEMES: tuple[Theme, ...] = ('light', 'dark')


def main() -> int:
    """Take every picture whose name has one of the words, or all of them."""
    wanted = sys.argv[1:]
    OUT.mkdir(parents=True, exist_ok=True)
    with serving() as (service, browser):
        for name, page in _pages(service, browser, wanted):
            settled(page)
            page.screenshot(path=OUT / f'{name}.png')
            print(f'build/console/{name}.png')
    return 0


def _pages(
    service: Service, browser: Browser, wanted: list[str]
) -> Iterator[tuple[str, Page]]:
    for empty in (True, False):
        if not empty:
            _answer_one(service, browser)
            _let_take_back(service)
            ask_three(service)
            _ask_other_kinds(service)
        for theme, size in product(THEMES, SIZES):
            suffix = f'{size}-{theme}'
            if wanted and not any(word in suffix for word in wanted):
                continue
            page = console(service, browser, size, theme)
            if empty:
                expect(page.get_by_test_id('idle')).to_be_visible()
                yield f'empty-{suffix}', page
            else:
                yield from _states(page, suffix)
            page.context.close()


def _answer_one(service: Service, browser: Browser) -> None:
    asked = [LOBBY_PRIORS[0], LOBBY_PRIORS[2]]
    service.ask(
        photograph('astronaut'), program_name='Lobby patrol', instructions=None,
        priors={'annotations': asked},
    )  # fmt: skip
    said = [
        {'prior': 0, **_drawn(LOBBY_PRIORS[0])},
        {'prior': None, **_drawn(LOBBY_PRIORS[1])},
    ]
    with service.console(browser, 0) as client:
        [waiting] = client.get('/queue').json()['questions']
        path = f'/questions/{waiting["id"]}'
        client.post(f'{path}/claim', json={}).raise_for_status()
        body = {'shapes': said, 'response': 'Someone stands there.'}
        client.post(f'{path}/answer', json=body).raise_for_status()


def _let_take_back(service: Service) -> None:
    file = service.data.with_name('slow.yaml')
    file.write_text(f'{LOBBY}\ngrace_s: 60\n')
    service.command('program', 'set', 'Lobby patrol', '--file', str(file))


def _drawn(prior: dict[str, Any]) -> dict[str, Any]:
    return {name: prior[name] for name in ('label', 'type', 'vertices')}


def _ask_other_kinds(service: Service) -> None:
    cups = [service.upload(photograph(name)) for name in ('coffee', 'rocket', 'chelsea')]
    service.ask_heat(
        'multiple-choice', instruction='Which of them shows something to drink?',
        choices_type='image', choices=cups, max_answers=1,
    )  # fmt: skip
    service.ask_heat(
        'rating', instruction='How well can you see what is on the table?', rating_min=0,
        rating_max=10, rating_step=1, label_min='not at all', label_max='perfectly',
        attachments_type='image', attachments=cups[:1],
    )  # fmt: skip
    service.ask_heat('free-text', instruction='What should the robot say to the visitor?')
    service.ask_heat(
        'annotations-with-multiple-choice', instruction='Mark what could fall over.',
        attachments_type='image', attachments=cups[:2], annotations_type='point',
        per_annotation={
            'instruction': 'How likely is it?', 'max_answers': 1,
            'choices': ['unlikely', 'likely'],
        },
    )  # fmt: skip


def _states(page: Page, suffix: str) -> Iterator[tuple[str, Page]]:
    rows = page.get_by_test_id('question')
    expect(rows).not_to_have_count(0)
    yield f'queue-{suffix}', page
    # Who asks takes turns, so that their order changes.
    for at, number in enumerate(sorted(row.get_attribute('data-id') for row in rows.all())):
        row = page.locator(f'[data-id="{number}"]')
        if page.get_by_test_id('queue-button').is_visible():
            page.get_by_test_id('queue-button').click()
            if at == 1:
                yield f'drawer-{suffix}', page
        row.click()
        expect(row).to_have_attribute('aria-current', 'true')
        expect(page.get_by_test_id('submit')).to_be_enabled()
        yield f'question-{at}-{suffix}', page
    yield from _drawing(page, suffix)
    for dialog in ('flag', 'skip'):
        page.get_by_test_id(dialog).click()
        yield f'{dialog}-{suffix}', page
        page.keyboard.press('Escape')
    for dialog in ('help', 'sessions'):
        menu = page.get_by_test_id('menu-button')
        if menu.is_visible():
            menu.click()
        page.get_by_test_id(f'{dialog}-button').click()
        expect(page.get_by_test_id(dialog)).to_be_visible()
        yield f'{dialog}-{suffix}', page
        page.keyboard.press('Escape')
    page.goto(page.url + 'console/answers')
    expect(page.get_by_test_id('given')).not_to_have_count(0)
    yield f'answers-{suffix}', page
    page.goto(page.url.replace('answers', 'statistics'))
    expect(page.get_by_test_id('plot').last).to_be_visible()
    yield f'statistics-{suffix}', page
    page.context.clear_cookies()
    page.goto(page.url.replace('console/statistics', ''))
    yield f'login-{suffix}', page
    page.goto(page.url + 'docs')
    yield f'docs-{suffix}', page


def _drawing(page: Page, suffix: str) -> Iterator[tuple[str, Page]]:
    _open(page, 'How full')
    page.get_by_test_id('closer').click()
    yield f'closer-{suffix}', page
    page.get_by_test_id('closer-close').click()
    _open(page, 'Lobby patrol')
    page.keyboard.press('g')
    for point in ((0.2, 0.2), (0.7, 0.3), (0.5, 0.7)):
        click(page, *point)
    page.get_by_test_id('light').click()
    yield f'polygon-{suffix}', page
    page.get_by_test_id('light').click()
    page.keyboard.press('Escape')
    page.get_by_test_id('submit').click()
    expect(page.get_by_test_id('held')).to_be_visible()
    yield f'held-{suffix}', page
    page.get_by_test_id('undo-sent').click()
    expect(page.get_by_test_id('held')).to_be_hidden()


def _open(page: Page, words: str) -> None:
    if page.get_by_test_id('queue-button').is_visible():
        page.get_by_test_id('queue-button').click()
    row = page.get_by_test_id('question').filter(has_text=words)
    row.click()
    expect(row).to_have_attribute('aria-current', 'true')
    expect(page.get_by_test_id('submit')).to_be_enabled()


if __name__ == '__main__':
    sys.exit(main())
