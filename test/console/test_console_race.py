# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Two operators go through one queue at the same pace, and always want the same question."""

from __future__ import annotations

import time
from functools import partial

import pytest
from console_service import box, photograph, prior
from playwright.sync_api import Page, Response, expect

QUESTIONS = 200
DEADLINE_S = 400
PRIOR = prior('person', box(0.1, 0.1, 0.4, 0.4))
READY = """() => !document.getElementById('submit').disabled
    || !document.getElementById('idle').hidden"""


@pytest.mark.slow('200 questions in two browsers: a minute')
@pytest.mark.timeout(DEADLINE_S + 60)
def test_each_question_is_answered_once_and_none_is_lost(service, operators):
    tokens = ask(service)
    said: dict[Page, list[tuple[str, int]]] = {page: [] for page in operators}
    for page in operators:
        page.on('response', partial(note_answer, said[page]))
        expect(page.get_by_test_id('waiting')).to_have_text(str(QUESTIONS))
    end = time.monotonic() + DEADLINE_S
    while sum(map(len, said.values())) < QUESTIONS:
        assert time.monotonic() < end, {len(each) for each in said.values()}
        for page in operators:
            page.wait_for_function(READY)
        shown = [open_now(page) for page in operators]
        assert shown[0] != shown[1] or shown[0] is None
        for page in operators:
            page.keyboard.press('Enter')
    for page in operators:
        expect(page.get_by_test_id('idle')).to_contain_text('All answered')
    assert all(status == 200 for each in said.values() for _, status in each)
    urls = [url for each in said.values() for url, _ in each]
    assert len(urls) == len(set(urls)) == QUESTIONS
    # Neither had to stand back for the other.
    assert min(map(len, said.values())) > QUESTIONS // 3
    for token in tokens:
        given = service.engagement(token)
        assert given['state'] == 'closed' and given['confirmed_annotations'] == [PRIOR]


def ask(service) -> list[str]:
    """Ask all questions about one picture and return their tokens."""
    location = service.upload(photograph())
    with service._http() as robot:
        answers = [
            robot.post('/v1/engagement', json={
                'content_location': [location], 'instructions': f'question {number}',
                'priors': {'label_options': ['person'], 'annotations': [PRIOR]},
            })
            for number in range(QUESTIONS)
        ]  # fmt: skip
    return [answer.raise_for_status().json()['token'] for answer in answers]


def note_answer(said: list[tuple[str, int]], response: Response) -> None:
    if response.url.endswith('/answer'):
        said.append((response.url, response.status))


def open_now(page: Page) -> str | None:
    if page.get_by_test_id('idle').is_visible():
        return None
    return page.get_by_test_id('instructions').text_content()
