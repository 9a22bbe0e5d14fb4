# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""`make demo OPERATOR=me` as its user does it: the printed link, a browser, the summary."""

from __future__ import annotations

import queue
import re
import shlex
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest
from checkout import linked_checkout, make_environment
from chromium import chromium, log_in
from installed import SPARK
from playwright.sync_api import Page, expect

from spark_ros.demo.answerer import Answerer
from spark_ros.demo.photographs import default_photographs
from spark_ros.demo.processes import lines

WAIT_S = 60.0
PICTURES = 2


class Demo:
    """A demo that runs, and what it has told so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.told = ''
        self._lines = lines(process)

    def until(self, pattern: str) -> str:
        """Wait until a line was told that matches, and return what its group matched."""
        deadline = time.monotonic() + WAIT_S
        while (found := re.search(pattern, self.told, re.M)) is None:
            try:
                line = self._lines.get(timeout=max(deadline - time.monotonic(), 0))
            except queue.Empty:
                line = None
            assert line is not None, f'{pattern} was not told:\n{self.told}'
            self.told += line
        return found[1]

    def end(self) -> int:
        """Wait until it ends by itself, and return its exit code."""
        while (line := self._lines.get(timeout=WAIT_S)) is not None:
            self.told += line
        return self.process.wait(WAIT_S)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """The demo with two pictures of the user's own and one that is cut off."""
    mine = tmp_path / 'mine'
    mine.mkdir()
    for photograph in default_photographs()[:PICTURES]:
        cv2.imwrite(str(mine / f'{photograph.name}.jpg'), photograph.image)
    (mine / 'cut.jpg').write_bytes((mine / f'{photograph.name}.jpg').read_bytes()[:5000])
    process = subprocess.Popen(
        ['make', 'demo', 'OPERATOR=me', f'IMAGES={mine}'],
        cwd=linked_checkout(tmp_path / 'checkout'), env=make_environment(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    with process:
        yield Demo(process)
        process.terminate()


@pytest.fixture
def page() -> Iterator[Page]:
    with chromium() as browser:
        page = browser.new_page(viewport={'width': 1280, 'height': 800})
        page.set_default_timeout(WAIT_S * 1000)
        yield page


@pytest.mark.slow('a whole demo')
@pytest.mark.timeout(240)
def test_a_person_answers_every_question_in_the_browser(
    demo: Demo, page: Page, tmp_path: Path
) -> None:
    log_in(page, demo.until(r'operator +is you\. Open (\S+)'))
    expect(page.get_by_test_id('connection')).to_have_attribute('data-state', 'live')
    show = demo.until(r'^  \S*spark (show ID --url .+)$')
    for number in range(PICTURES):
        name = default_photographs()[number].name
        id = demo.until(rf'opened +{name}  (\S+) \(1 operator')
        page.get_by_test_id('question').first.click()
        expect(page.get_by_test_id('submit')).to_be_enabled()
        page.get_by_test_id('response').fill(f'It is number {number}.')
        page.keyboard.press('Control+Enter')
        demo.until(rf'(answered) +{name}  {id}$')
        expect(page.get_by_test_id('answered')).to_have_text(str(number + 1))
        # What the demo printed can be pasted, while it runs.
        if number == 0:
            shown = subprocess.run(
                [SPARK, *shlex.split(show.replace('ID', id, 1))], cwd=tmp_path / 'checkout',
                text=True, capture_output=True, timeout=WAIT_S, check=True,
            ).stdout
            assert id in shown and 'It is number 0.' in shown
    assert demo.end() == 0, demo.told
    assert 'cut.jpg is skipped: the image is cut off\n' in demo.told
    assert re.search(rf'^frames +{PICTURES} seen, {PICTURES} asked about, {PICTURES} resolved$',
                     demo.told, re.M), demo.told
    assert f'answered by  {Answerer.PERSON.summary}\n' in demo.told
    assert 'mean IoU' not in demo.told
    output = tmp_path / 'checkout' / 'demo_output'
    assert len(list(output.glob('*.png'))) == PICTURES
    assert len(list(output.glob('*_annotated.jpg'))) == PICTURES
