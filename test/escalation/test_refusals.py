# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What an API cannot ask is refused before it is sent, in words; what it can ask is not."""

from __future__ import annotations

import math
from typing import Any

import pytest

from spark_ros.escalation.backends.heat_question import DetectionAs, heat_refusal
from spark_ros.escalation.backends.spark_question import spark_refusal
from spark_ros.model import Question, QuestionKind

CHOICE, RATING = QuestionKind.MULTIPLE_CHOICE, QuestionKind.RATING
TEXT, ANNOTATE = QuestionKind.FREE_TEXT, QuestionKind.ANNOTATE
LONG = 'x' * 20_001


def question(kind: QuestionKind, **fields: Any) -> Question:
    return Question(**{'kind': kind, 'instructions': 'What is it?', **fields})


@pytest.mark.parametrize(
    ('asked', 'program', 'why'),
    [
        (question(ANNOTATE), '', ''),
        (question(TEXT), '', ''),
        (question(TEXT, instructions=''), 'doors', ''),
        (question(TEXT, instructions=''), '', 'give instructions, or a program'),
        (question(CHOICE, choices=('a',)), '', 'multiple_choice'),
        (question(RATING), '', 'rating'),
        (question(TEXT, validation='number'), '', "cannot check that an answer is a 'number'"),
        (question(TEXT, instructions=LONG), '', 'instructions has 20001 characters'),
        (question(TEXT), 'p' * 501, 'program_name has 501 characters'),
        (question(TEXT, instructions='a\0b'), '', 'not text'),
    ],
)
def test_sparkai(asked: Question, program: str, why: str) -> None:
    said = spark_refusal(asked, program)
    assert why in said and bool(why) == bool(said), said


@pytest.mark.parametrize('detection_as', DetectionAs)
@pytest.mark.parametrize(
    ('asked', 'why'),
    [
        (question(ANNOTATE), ''),
        (question(ANNOTATE, instructions=''), ''),
        (question(ANNOTATE, label_options=('cat', 'cat', '')), ''),
        (question(TEXT), ''),
        (question(TEXT, validation='number'), ''),
        (question(TEXT, validation='[0-9]+'), 'validation must be one of number, url'),
        (question(TEXT, instructions=''), 'give instructions'),
        (question(CHOICE, choices=('a', 'b'), max_answers=1), ''),
        (question(CHOICE), 'choices is missing'),
        (question(CHOICE, choices=('a', 'a')), 'twice'),
        (question(CHOICE, choices=('a', 'b'), min_answers=2, max_answers=1), 'max_answers 1'),
        (question(RATING), ''),
        (question(RATING, rating_step=0.0), 'must be above 0'),
        (question(RATING, rating_min=5.0, rating_max=5.0), 'must be above rating_min'),
        (question(RATING, rating_max=math.inf), 'finite'),
        (question(RATING, label_min='x' * 501), 'label_min has 501 characters'),
    ],
)
def test_heat(asked: Question, why: str, detection_as: DetectionAs) -> None:
    said = heat_refusal(asked, '', detection_as)
    assert why in said and bool(why) == bool(said), said
