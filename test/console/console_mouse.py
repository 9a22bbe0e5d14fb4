# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""An operator's hand: from fractions of the image to the mouse on the screen."""

from __future__ import annotations

from console_service import IMAGE_SIZE
from playwright.sync_api import Page, expect

TOLERANCE_PX = 1.5


def open_question(page: Page) -> None:
    """Open the oldest question and wait until it can be answered."""
    page.get_by_test_id('question').first.click()
    wait_until_open(page)


def wait_until_open(page: Page) -> None:
    expect(page.get_by_test_id('submit')).to_be_enabled()


def on_screen(page: Page, x: float, y: float) -> tuple[float, float]:
    area = page.get_by_test_id('image').bounding_box()
    assert area
    return area['x'] + x * area['width'], area['y'] + y * area['height']


def click(page: Page, x: float, y: float) -> None:
    page.mouse.click(*on_screen(page, x, y))


def send_nothing(page: Page) -> None:
    """Answer by keys that there is nothing, which the console has said twice."""
    for _ in range(2):
        page.keyboard.press('Enter')


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*on_screen(page, *start))
    page.mouse.down()
    page.mouse.move(*on_screen(page, *end), steps=5)
    page.mouse.up()


def assert_box(shape: dict, left: float, top: float, right: float, bottom: float) -> None:
    """Check that a box is where the mouse went, and that its vertices run clockwise."""
    width, height = IMAGE_SIZE
    wanted = [(left, top), (right, top), (right, bottom), (left, bottom)]
    assert shape['type'] == 'bounding_box'
    for vertex, (x, y) in zip(shape['vertices'], wanted, strict=True):
        assert 0 <= vertex['x'] < 1 and 0 <= vertex['y'] < 1
        assert abs(vertex['x'] - x) * width <= TOLERANCE_PX
        assert abs(vertex['y'] - y) * height <= TOLERANCE_PX
