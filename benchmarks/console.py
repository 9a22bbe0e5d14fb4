# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What an operator waits for at the console, in Chromium, while few and many questions wait.

    python benchmarks/console.py [--waiting 230 5000] [--rounds 5]

A robot with the highest priority asks, an operator answers by keys alone, and the page itself
times what was painted when. The pause in which a new question cannot be sent yet is not counted.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import numpy as np
from accounts import make_keys
from comparison import Verdict, print_verdicts
from load import PATH, create, question_about
from PIL import Image
from service_process import ServiceProcess

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / 'test'))
from chromium import CHROMIUM, chromium, log_in  # noqa: E402
from playwright.sync_api import Browser, Page, expect  # noqa: E402

RESULT = HERE.parent / 'build' / 'benchmarks' / 'console.json'
WATCH = HERE / 'console_watch.js'
WINDOW = {'width': 1360, 'height': 800}
WAIT_MS = 30_000
SEEDED_AT_ONCE = 500
CLIENTS = 8
SLOWEST_MS, LONGEST_TASK_MS = 1000.0, 500.0
SMALL, LARGE = (1280, 960), (4000, 3000)
# What is done between the Enter that opens the question and the one that sends the answer.
UNCHANGED: tuple[str, ...] = ()
MOVED = ('Tab', 'Shift+ArrowRight')
POLYGON = ('g', 'Space', 'Shift+ArrowRight', 'Space', 'Shift+ArrowDown', 'Space', 'Enter')
WORK = {
    'next to submit, prior unchanged': (UNCHANGED, ('confirmed_annotations',)),
    'next to submit, box moved': (MOVED, ('annotations',)),
    'next to submit, polygon drawn': (POLYGON, ('confirmed_annotations', 'annotations')),
}
OPENED, ASKED = 'page opened, queue painted', 'robot POST, row painted'
TWELVE = '12 megapixels after the one before'
TASK = 'ThreadControllerImpl::RunTask'


@dataclass
class Figures:
    """Of one thing an operator waits for.

    Attributes:
        keys: how many are pressed; one with Shift is one.
        ms: how long each round took.
        longest_task_ms: of each round; 0 if no task took 50 ms.
        longest_task_processor_ms: of each round, without what else the machine did meanwhile.
        processor_ms: of each round, what the busiest thread of the browser and the service took.
    """

    keys: int = 0
    ms: list[float] = field(default_factory=list)
    longest_task_ms: list[float] = field(default_factory=list)
    longest_task_processor_ms: list[float] = field(default_factory=list)
    processor_ms: list[float] = field(default_factory=list)


class Robot:
    """Asks before all others."""

    def __init__(self, service: ServiceProcess, key: str) -> None:
        self._http = httpx.Client(
            base_url=service.address, timeout=60, trust_env=False,
            headers={'Authorization': f'Bearer {key}'},
        )  # fmt: skip

    def upload(self, picture: bytes) -> str:
        """Upload a picture and return its URL."""
        answer = self._http.post('/v1/image', files={'image_file': ('a.jpg', picture)})
        return str(answer.raise_for_status().json()['signedUrl'])

    def ask(self, url: str, words: str, priority: int = 255) -> str:
        """Ask about a box and return the token."""
        answer = self._http.post(
            PATH, json={**question_about(url), 'instructions': words},
            headers={'Spark-Priority': str(priority)},
        )  # fmt: skip
        return str(answer.raise_for_status().json()['token'])

    def answer(self, token: str) -> dict[str, Any]:
        """Return what the operator answered."""
        said = self._http.get(f'{PATH}/{token}').raise_for_status().json()[0]
        assert said['state'] == 'closed', said
        result: dict[str, Any] = said
        return result


class Operator:
    """Works at the console by keys."""

    def __init__(self, page: Page, fleet: str, service: ServiceProcess) -> None:
        """Take a page that is logged in; `fleet` is what those ask who wait behind the robot."""
        self._page = page
        self._fleet = fleet
        self._service = service
        page.add_init_script(path=WATCH)
        self._trace()

    def open_console(self) -> float:
        """Load the page and return when its queue was painted, in ms."""
        self._page.reload()
        expect(self._page.get_by_test_id('connection')).to_have_attribute('data-state', 'live')
        return float(self._page.evaluate('watch.rows'))

    def expect_row(self, words: str) -> None:
        """Look out for a question in the queue, first of all."""
        self._page.evaluate('(words) => watch.expectRow(words)', words)

    def when_seen(self) -> float:
        """Return when what was expected was painted, as `time.time`, in ms."""
        return float(self._page.evaluate('watch.whenSeen()'))

    def go_on(self, words: str = '') -> float:
        """Press Enter, and return when the next question was painted, in ms; wait until it counts.

        Args:
            words: of that question; by default one of the fleet's.
        """
        # An answer takes effect only after the operator had a chance to look.
        self._page.evaluate('(words) => watch.expectQuestion(words, 1)', words or self._fleet)
        self._page.keyboard.press('Enter')
        taken = float(self._page.evaluate('watch.sinceEnter()'))
        expect(self._page.get_by_test_id('submit')).to_be_enabled()
        return taken

    def press(self, keys: Sequence[str]) -> float:
        """Press keys, and return how long all of them took to be painted, in ms."""
        for key in keys:
            self._page.keyboard.press(key)
        return float(self._page.evaluate('watch.takeKeysMs()'))

    def wait_for_file(self, url: str) -> None:
        """Wait until the browser has a picture."""
        path = httpx.URL(url).path
        self._page.wait_for_function(
            """(path) => performance.getEntriesByType('resource')
                .some(({name, responseEnd}) => responseEnd && name.endsWith(path))""",
            arg=path,
        )  # fmt: skip

    def longest_task(self) -> float:
        """Return how long the longest task took since the last call, in ms."""
        return float(self._page.evaluate('watch.takeLongestMs()'))

    def take_processor_ms(self) -> tuple[float, float]:
        """Return what was computed since the last call, in ms of processor time.

        Returns:
            By the longest task of the browser; by its busiest thread and the service together.
        """
        longest, threads = 0.0, defaultdict[tuple[int, int], float](float)
        for event in json.loads(self._browser.stop_tracing())['traceEvents']:
            if event['name'] == TASK:
                ms = event.get('tdur', 0) / 1000
                longest = max(longest, ms)
                threads[event['pid'], event['tid']] += ms
        total = max(threads.values(), default=0.0) + 1000 * (self._service.cpu_s - self._before_s)
        self._trace()
        return longest, total

    @property
    def _browser(self) -> Browser:
        browser = self._page.context.browser
        assert browser is not None
        return browser

    def _trace(self) -> None:
        self._before_s = self._service.cpu_s
        self._browser.start_tracing(page=self._page, categories=['toplevel'])


def measure(waiting: int, rounds: int) -> dict[str, Figures]:
    """Return what an operator waits for while so many questions wait."""
    figures: dict[str, Figures] = defaultdict(Figures)
    with tempfile.TemporaryDirectory() as place, _serving(Path(place)) as service:
        [fleet_key] = make_keys(service.database, 1)
        fleet, robot = Robot(service, fleet_key), Robot(service, service.key)
        small = fleet.upload(picture(SMALL, 0))
        question = question_about(small)
        _fill(service, fleet_key, question, waiting)
        with chromium() as browser:
            page = browser.new_context(viewport=WINDOW).new_page()
            page.set_default_timeout(WAIT_MS)
            expect.set_options(timeout=WAIT_MS)
            log_in(page, service.login)
            operator = Operator(page, question['instructions'], service)
            for number in range(rounds):
                for name in WORK:
                    _answer(name, operator, robot, small, f'{name}, {number}', figures)
                _look_at_large_ones(operator, robot, number, figures)
                _progress(f'{waiting} waiting: round {number + 1} of {rounds}')
    return figures


def _answer(
    name: str, operator: Operator, robot: Robot, url: str, words: str,
    figures: dict[str, Figures],
) -> None:
    keys, outcome = WORK[name]
    _note(figures[OPENED], operator, operator.open_console())
    operator.expect_row(words)
    asked_at = 1000 * time.time()
    token = robot.ask(url, words)
    _note(figures[ASKED], operator, operator.when_seen() - asked_at)
    taken = operator.go_on(words)
    taken += operator.press(keys)
    taken += operator.go_on()
    figures[name].keys = len(keys) + 2
    _note(figures[name], operator, taken)
    answer = robot.answer(token)
    assert all(len(answer[part]) == 1 for part in outcome), answer


def _look_at_large_ones(
    operator: Operator, robot: Robot, number: int, figures: dict[str, Figures]
) -> None:
    urls = [robot.upload(picture(LARGE, 2 * number + at)) for at in (1, 2)]
    first, second = (f'large {at}, {number}' for at in (1, 2))
    operator.open_console()
    operator.expect_row(first)
    tokens = [
        robot.ask(url, words, priority)
        for url, words, priority in zip(urls, (first, second), (255, 254), strict=True)
    ]
    operator.when_seen()
    operator.go_on(first)
    operator.wait_for_file(urls[1])
    operator.longest_task()
    operator.take_processor_ms()
    figures[TWELVE].keys = 1
    _note(figures[TWELVE], operator, operator.go_on(second))
    operator.go_on()
    for token in tokens:
        robot.answer(token)


def _note(figures: Figures, operator: Operator, ms: float) -> None:
    figures.ms.append(ms)
    figures.longest_task_ms.append(operator.longest_task())
    longest, total = operator.take_processor_ms()
    figures.longest_task_processor_ms.append(longest)
    figures.processor_ms.append(total)


@contextmanager
def _serving(data: Path) -> Iterator[ServiceProcess]:
    with open(data / 'log', 'wb') as log, ServiceProcess(data, os.environ, log=log) as service:
        yield service


def _fill(service: ServiceProcess, key: str, question: dict[str, Any], waiting: int) -> None:
    body = json.dumps(question).encode()
    for first in range(0, waiting, SEEDED_AT_ONCE):
        number = min(SEEDED_AT_ONCE, waiting - first)
        create(service.address, key, body, CLIENTS, number)
    _progress(f'{waiting} questions wait')


def picture(size: tuple[int, int], seed: int) -> bytes:
    """Return a JPEG of some structure, another for each seed."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack([x * 255 // width, y * 255 // height, ((x ^ y) + seed) % 256], axis=-1)
    data = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(data, 'JPEG', quality=80)
    return data.getvalue()


def _table(found: dict[int, dict[str, Figures]]) -> str:
    lines = [f'{"":38}{"waiting":>8}{"keys":>6}{"median":>9}{"most":>8}{"longest task":>14}   ms']
    for name in (OPENED, ASKED, *WORK, TWELVE):
        for waiting, figures in found.items():
            one = figures[name]
            longest = max(one.longest_task_ms)
            task = f'{longest:.0f}' if longest else 'under 50'
            lines.append(
                f'{name:38}{waiting:8}{one.keys or "":>6}{median(one.ms):9.0f}{max(one.ms):8.0f}'
                f'{task:>14}'
            )
    return '\n'.join(lines)


def _progress(text: str) -> None:
    print(f'bench: {text}', file=sys.stderr, flush=True)


def main() -> int:
    """Measure, print, and return 0 if the promises held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--waiting', type=int, nargs='+', default=[230, 5000], help='at least 200')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--quick', action='store_true', help='one round')
    parser.add_argument('--json', type=Path, default=RESULT, help='default: %(default)s')
    options = parser.parse_args()
    if CHROMIUM is None:
        _progress('the console is not measured: apt-get install chromium-headless-shell')
        return 2
    about = (
        f'{time.strftime("%Y-%m-%d %H:%M:%S")}, {os.cpu_count()} processors, '
        f'load at start {os.getloadavg()[0]:.2f}'
    )
    rounds = 1 if options.quick else options.rounds
    found = {waiting: measure(waiting, rounds) for waiting in options.waiting}
    print(about)
    print(_table(found))
    every = [each for figures in found.values() for each in figures.values()]
    waits = [figures[name] for figures in found.values() for name in (ASKED, *WORK, TWELVE)]
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(
        json.dumps({
            'about': about,
            'waiting': {
                waiting: {name: vars(each) for name, each in figures.items()}
                for waiting, figures in found.items()
            },
        }, indent=2) + '\n',
        encoding='utf-8',
    )  # fmt: skip
    return print_verdicts({
        f'with the page open, each takes less than {SLOWEST_MS:g} ms (median)': Verdict.of(
            all(median(each.ms) < SLOWEST_MS for each in waits)
        ),
        f'no task takes more than {LONGEST_TASK_MS:g} ms': Verdict.of(
            all(max(each.longest_task_ms) <= LONGEST_TASK_MS for each in every)
        ),
    })


if __name__ == '__main__':
    sys.exit(main())
