# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""An operator who confirms everything without a look is found out within fifty questions.

Three operators have a browser each. The careless one does nothing but press Enter. The other two
remove the boxes that are wrong; after some questions they do so by the calls of the console, which
is quicker. Each of them slips once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from zlib import crc32

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from console_mouse import wait_until_open
from console_service import Service, box, prior
from playwright.sync_api import Page, expect
from serving import Serving, printed
from test_console_words import assert_german

from spark_ros.service.operators import statistics_api

pytestmark = pytest.mark.slow('three operators answer some forty questions each')

ROUNDS = 13
IN_THE_BROWSER = 3
PROGRAM = 'instructions: Remove the boxes that hold no crate.\n'
CHECKED = f'{PROGRAM}second_opinion_share: 1\nknown_answers_share: 1\n'
CRATE = prior('crate', box(0.1, 0.1, 0.4, 0.4), metadata={'score': 0.9})
DOUBTED = prior('crate', box(0.5, 0.5, 0.9, 0.9), metadata={'score': 0.4, 'doubted': True})


@pytest.fixture(scope='module')
def running_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One that nobody else has answered at."""
    data = tmp_path_factory.mktemp('careless') / 'data'
    key = printed('key', 'create', 'rover', '--data', str(data))
    with Serving(data, '--port', '0') as started:
        yield Service(started.url, started.login, data, key)


def is_wrong(instructions: str) -> bool:
    """Whether the doubted box on a shelf holds no crate, as one who looks at it sees."""
    return crc32(instructions.encode()) % 3 > 0


class Robot:
    """Asks about one shelf after the other."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.shelf = 0

    def ask(self, questions: int) -> list[str]:
        return [self._ask() for _ in range(questions)]

    def _ask(self) -> str:
        self.shelf += 1
        return self.service.ask(
            program_name='shelves', instructions=f'Shelf {self.shelf}',
            priors={'annotations': [CRATE, DOUBTED]},
        )  # fmt: skip


class Careful:
    """One who looks, and works through the console's calls."""

    def __init__(self, console: httpx.Client, slips_at: int = 0) -> None:
        self.console = console
        self.answered = 0
        self.slips_at = slips_at

    def answer_next(self) -> bool:
        """Answer what comes next; False if there is nothing."""
        asked = self.console.post('/next', json={}).raise_for_status().json()
        if asked['id'] is None:
            return False
        self.answered += 1
        removed = is_wrong(asked['instructions']) != (self.answered == self.slips_at)
        shapes = [
            {'prior': each['index'], 'label': 'crate', 'vertices': each['vertices']}
            for each in asked['priors'] if not (removed and each['metadata'].get('doubted'))
        ]
        self.console.post(
            f'/questions/{asked["id"]}/answer', json={'shapes': shapes}
        ).raise_for_status()
        return True


class InBrowser:
    """One who works in a browser, and looks or does not."""

    def __init__(self, page: Page, looks: bool) -> None:
        self.page = page
        self.looks = looks
        self.answered = 0

    def answer_next(self) -> bool:
        """Open what comes next and answer it; False if there is nothing."""
        if self.page.get_by_test_id('idle').is_visible() and not self._press_enter():
            return False
        wait_until_open(self.page)
        if self.looks:
            wrong = is_wrong(self.page.get_by_test_id('instructions').inner_text())
            self.page.keyboard.press('a')
            self.page.keyboard.press('x' if wrong else 'a')
        self.answered += 1
        self._press_enter()
        return True

    def _press_enter(self) -> bool:
        """Submit, or open the next; either way the next one is asked for."""
        with self.page.expect_response('**/console/api/next') as told:
            self.page.keyboard.press('Enter')
        found = told.value.json()['id'] is not None
        expect(self.page.get_by_test_id('idle')).to_be_visible(visible=not found)
        return found


def answer_all(operators: list[Any]) -> None:
    """Let operators answer in turn until there is nothing for any of them."""
    while any([each.answer_next() for each in operators]):
        pass


def set_program(service: Service, text: str) -> None:
    file = service.data.parent / 'shelves.yaml'
    file.write_text(text)
    service.command('program', 'set', 'shelves', '--file', str(file))


@pytest.mark.timeout(300)
def test_one_who_does_not_look_is_found_out(service, browser, operators, new_page, monkeypatch):
    monkeypatch.setattr(statistics_api, 'KEPT_S', 0.0)
    robot = Robot(service)
    with ExitStack() as stack:
        teacher, *consoles = (
            stack.enter_context(service.console(browser, number)) for number in (3, 1, 2)
        )
        set_program(service, PROGRAM)
        tokens = robot.ask(ROUNDS)
        answer_all([Careful(teacher)])
        for token in tokens:
            service.command('truth', 'add', token)
        set_program(service, CHECKED)

        careless = InBrowser(operators[0], looks=False)
        pages = [operators[1], new_page(service.session(browser, 2))]
        pages[1].goto(f'{service.url}/')
        people: list[Any] = [InBrowser(page, looks=True) for page in pages]
        for at in range(ROUNDS):
            if at == IN_THE_BROWSER:
                seen = [person.answered for person in people]
                people = [Careful(each, slips_at=3) for each in consoles]
            robot.ask(3)
            answer_all([*people, careless])
    answered = [before + each.answered for before, each in zip(seen, people, strict=True)]
    assert all(30 <= each <= 50 for each in [*answered, careless.answered])

    page = operators[0]
    page.goto(f'{service.url}/console/statistics')
    expect(page.get_by_test_id('operator-row')).to_have_count(4)
    expect(page.get_by_test_id('stands-out')).to_have_count(1)
    worst = page.get_by_test_id('operator-row').first
    expect(worst.get_by_test_id('stands-out')).to_have_text('stands out')
    # The browser is the careless one's own.
    expect(worst.get_by_role('rowheader')).to_contain_text('you')
    for theme in ('light', 'dark'):
        page.emulate_media(color_scheme=theme, reduced_motion='reduce')
        assert Axe().run(page).response['violations'] == []

    lines = [json.loads(line) for line in service.command('operators', '--json').splitlines()]
    assert [each['stands_out'] is None for each in lines] == [False, True, True, True]
    name = worst.locator('bdi').inner_text()
    assert [each['operator'].startswith(name) for each in lines] == [True, False, False, False]

    german = new_page(service.session(browser, 1), locale='de-DE')
    german.goto(f'{service.url}/console/statistics')
    expect(german.get_by_test_id('stands-out')).to_have_text('fällt auf')
    assert_german(german, 50)
