# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Take the pictures of the console in docs/images: the real service, a real browser.

    make env-tests && .venv/bin/python dev/screenshots.py

It needs chromium, as the browser tests do, whose service and mouse it uses. console_states.py
takes such pictures in every size.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import cv2
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / 'docs' / 'images'
sys.path[:0] = [str(ROOT / 'test' / 'console'), str(ROOT / 'test')]

from chromium import CHROMIUM  # noqa: E402
from console_mouse import click, drag, open_question, wait_until_open  # noqa: E402
from console_service import Service, box, prior  # noqa: E402
from serving import Serving, printed  # noqa: E402

from spark_ros.demo.photographs import default_photographs  # noqa: E402

Theme = Literal['light', 'dark']

TOUCH = {'has_touch': True, 'is_mobile': True}
SIZES: dict[str, Any] = {
    'desktop': {'viewport': {'width': 1360, 'height': 800}},
    'laptop': {'viewport': {'width': 1280, 'height': 720}},
    'tablet': {'viewport': {'width': 820, 'height': 1180}, **TOUCH},
    'landscape': {'viewport': {'width': 1180, 'height': 820}, **TOUCH},
    'phone': {'viewport': {'width': 390, 'height': 844}, 'device_scale_factor': 2, **TOUCH},
}
# A screen of a console has few colours; a photograph on it still looks well with so many.
COLOURS = 108
LARGEST = 150_000

LOBBY = """\
instructions: >-
  Is there a person in front of the robot? Draw tight boxes around people and faces; delete what is
  not there.
label_options: [person, face, flag, helmet, animal]
"""
LOBBY_PRIORS = [
    prior('person', box(0.12, 0.05, 0.80, 0.97), metadata={'score': 0.93}),
    prior('face', box(0.40, 0.18, 0.58, 0.40), metadata={'score': 0.52, 'doubted': True}),
    prior('flag', box(0.0, 0.0, 0.245, 0.62), metadata={'score': 0.71}),
    prior('face', box(0.66, 0.57, 0.93, 0.92), metadata={'score': 0.34, 'doubted': True}),
]
SEEN_BY = {'robot_id': 'rover-7', 'camera': 'front', 'stamp': '1767225600.250'}


def main() -> int:
    """Take every picture, one after the other."""
    with serving() as (service, browser):
        _take_all(service, browser)
    return 0


@contextmanager
def serving() -> Iterator[tuple[Service, Browser]]:
    """Run a service with a program, and a browser."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / 'data'
        key = printed('key', 'create', 'rover-7', '--data', str(data))
        heat_key = printed('key', 'create', 'walker-2', '--heat', '--data', str(data))
        program = Path(folder) / 'lobby.yaml'
        program.write_text(LOBBY)
        printed('program', 'set', 'Lobby patrol', '--file', str(program), '--data', str(data))
        with Serving(data, '--port', '0') as started, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM, args=['--no-sandbox', '--disable-gpu']
            )
            yield Service(started.url, started.login, data, key, heat_key), browser
            browser.close()


def console(
    service: Service, browser: Browser, size: str = 'desktop', theme: Theme = 'dark'
) -> Page:
    """Open the console of an operator, who is the same one each time."""
    context = browser.new_context(
        storage_state=service.session(browser, 0), color_scheme=theme, **SIZES[size]
    )
    page = context.new_page()
    page.goto(f'{service.url}/')
    expect(page.get_by_test_id('connection')).to_have_attribute('data-state', 'live')
    return page


def ask_three(service: Service) -> None:
    """Ask two questions about boxes and one with choices."""
    service.ask(
        photograph('astronaut'), program_name='Lobby patrol', instructions=None,
        priors={'annotations': LOBBY_PRIORS}, metadata=SEEN_BY,
    )  # fmt: skip
    cat = [prior('animal', box(0.25, 0.05, 0.75, 0.9), metadata={'score': 0.41, 'doubted': True})]
    service.ask(
        photograph('chelsea'), instructions='Which animal is on the dock?',
        priors={'annotations': cat, 'label_options': ['cat', 'dog']}, metadata=SEEN_BY,
    )  # fmt: skip
    service.ask_heat(
        'multiple-choice', instruction='How full is the cup?', attachments_type='image',
        attachments=[service.upload(photograph('coffee'))], max_answers=1,
        choices=['empty', 'half full', 'full', 'cannot be seen'],
    )  # fmt: skip


def _take_all(service: Service, browser: Browser) -> None:
    page = console(service, browser)
    ask_three(service)
    expect(page.get_by_test_id('question')).to_have_count(3)
    _take(page, 'console-queue')

    open_question(page)
    click(page, 0.49, 0.29)
    drag(page, (0.40, 0.18), (0.345, 0.11))
    drag(page, (0.58, 0.40), (0.545, 0.345))
    _take(page, 'console')

    page.keyboard.press('?')
    expect(page.get_by_test_id('help')).to_be_visible()
    _take(page, 'console-keys')
    page.keyboard.press('Escape')
    page.keyboard.press('f')
    page.get_by_test_id('reason').fill('The lens is covered')
    _take(page, 'console-flag')
    page.get_by_test_id('flag-send').click()

    # What comes next in the queue opens by itself: who asks takes turns.
    expect(page.get_by_test_id('program')).to_have_text('Multiple choice')
    wait_until_open(page)
    page.keyboard.press('2')
    _take(page, 'console-choice')
    page.context.close()

    phone = console(service, browser, 'phone', 'light')
    phone.get_by_test_id('question').filter(has_text='How full').tap()
    wait_until_open(phone)
    phone.get_by_test_id('choice').nth(1).tap()
    _take(phone, 'console-phone')


def photograph(name: str) -> bytes:
    """Return one of the demo's photographs as a JPEG."""
    (image,) = (frame.image for frame in default_photographs() if frame.name == name)
    return bytes(cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, 90])[1])


def settled(page: Page) -> None:
    """Wait until all is drawn, with the mouse on nothing."""
    size = page.viewport_size
    assert size
    page.mouse.move(size['width'] // 2, size['height'] - 2)
    page.wait_for_function('[...document.images].every((image) => image.complete)')


def _take(page: Page, name: str) -> None:
    settled(page)
    taken = Image.open(io.BytesIO(page.screenshot())).convert('RGB')
    file = IMAGES / f'{name}.png'
    taken.quantize(COLOURS, dither=Image.Dither.FLOYDSTEINBERG).save(file, optimize=True)
    size = file.stat().st_size
    if size > LARGEST:
        raise SystemExit(f'{file}: {size} bytes are more than {LARGEST}')
    print(f'{file.relative_to(ROOT)}: {size // 1000} kB')


if __name__ == '__main__':
    sys.exit(main())
