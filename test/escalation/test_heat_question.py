# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Questions in Heat's words, and Heat's answers read back. By value."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from spark_ros.escalation.backends.heat_question import (
    NOT_THERE,
    DetectionAs,
    heat_answer,
    heat_request,
)
from spark_ros.escalation.question.escalation import Escalation, FrameMatch
from spark_ros.geometry import Box, ImageSize
from spark_ros.model import Answer, Question, QuestionKind, State, box_annotation
from spark_ros.wire.heat import parse_heat_object, parse_heat_request
from spark_ros.wire.values import WireError

URL = 'http://images.example/1.jpg'
SIZE = ImageSize(200, 100)
SURE = box_annotation('dog', Box(0.5, 0.5, 0.75, 0.9), id='0', score=0.9)
DOUBTED = box_annotation(
    'cow', Box(0.1, 0.1, 0.3, 0.5), id='1', score=0.2, attributes={'doubted': 'true'}
)


def asked(question: Question | None = None, **more: Any) -> Escalation:
    fields: dict[str, Any] = {
        'id': 'an id', 'camera': 'front', 'stamp_ns': 1, 'frame_id': 'optical',
        'frame_match': FrameMatch.EXACT, 'image_size': SIZE, 'source_size': SIZE,
        'question': question or Question(instructions='Look.', label_options=('cat', 'dog')),
        'priors': (SURE, DOUBTED), 'created': 0.0, **more,
    }  # fmt: skip
    return Escalation(**fields)


def said(response: Any, status: str = 'complete', **more: Any) -> Any:
    return parse_heat_object({'id': 'x', 'status': status, 'response': response, **more})


def read(response: Any, escalation: Escalation, how: str = 'rectangles') -> Answer:
    return heat_answer(said(response), escalation, DetectionAs(how))


@pytest.mark.parametrize('how', DetectionAs)
@pytest.mark.parametrize(
    'question',
    [
        Question(instructions='Look.', label_options=('cat', 'dog')),
        Question(instructions='Look.'),
        Question(),
        Question(QuestionKind.MULTIPLE_CHOICE, 'Which?', choices=('a', 'b'), max_answers=1),
        Question(QuestionKind.FREE_TEXT, 'How many?', validation='number'),
        Question(QuestionKind.RATING, 'How dirty?', rating_max=5.0, label_max='very'),
    ],
)
def test_every_question_is_one_that_the_page_allows(how: DetectionAs, question: Question) -> None:
    request = heat_request(asked(question), URL, how)
    parsed = parse_heat_request(request.type, request.to_json())
    assert replace(parsed, raw={}) == request
    assert request.attachments == (URL,)


def test_boxes_are_asked_for_as_rectangles_with_a_label_each() -> None:
    request = heat_request(asked(), URL, DetectionAs.RECTANGLES)
    assert (request.type, request.annotations_type, request.min_annotations) == (
        'annotations-with-multiple-choice', 'rectangle', 0,
    )  # fmt: skip
    assert request.per_annotation and request.per_annotation.choices
    assert request.per_annotation.choices.options == ('cat', 'dog')


def test_without_label_options_the_detectors_labels_are_offered() -> None:
    request = heat_request(asked(Question(instructions='Look.')), URL, DetectionAs.RECTANGLES)
    assert request.per_annotation and request.per_annotation.choices
    assert request.per_annotation.choices.options == ('dog', 'cow')


def test_nothing_to_choose_a_label_from_asks_for_plain_rectangles() -> None:
    bare = asked(Question(instructions='Look.'), priors=())
    assert heat_request(bare, URL, DetectionAs.RECTANGLES).type == 'annotations'
    assert heat_request(bare, URL, DetectionAs.LABEL).type == 'annotations'


def test_rectangles_come_back_normalized_and_matched() -> None:
    answer = read(
        [
            {'x': 100, 'y': 50, 'x2': 150, 'y2': 90, 'response': ['dog']},
            {'x': 24, 'y': 12, 'x2': 60, 'y2': 52, 'response': ['cat']},
            {'x': 180, 'y': 0, 'x2': 200, 'y2': 20, 'response': ['cat']},
        ],
        asked(),
    )
    assert [c.kind.value for c in answer.corrections] == ['confirmed', 'modified', 'added']
    confirmed, modified, added = answer.annotations
    assert confirmed is SURE
    assert modified.label == 'cat' and modified.id == '1'
    assert modified.box == Box(0.12, 0.12, 0.3, 0.52)
    assert 0.9 < added.box.x1 < 1.0


@pytest.mark.parametrize(
    ('response', 'kinds'),
    [
        (['cat'], ['unmentioned', 'modified']),
        (['cow'], ['unmentioned', 'confirmed']),
        ([NOT_THERE], ['unmentioned', 'removed']),
        ('cat', ['unmentioned', 'modified']),
    ],
)
def test_a_label_changes_the_least_certain_box_alone(response: Any, kinds: list[str]) -> None:
    answer = read(response, asked(), 'label')
    assert [c.kind.value for c in answer.corrections] == kinds


def test_answers_of_the_other_kinds() -> None:
    choice = asked(Question(QuestionKind.MULTIPLE_CHOICE, 'Which?', choices=('a', 'b')))
    assert read(['b', 'a'], choice).answers == ('b', 'a')
    text = asked(Question(QuestionKind.FREE_TEXT, 'What?'))
    assert read('a crate', text).response == 'a crate'
    rating = asked(Question(QuestionKind.RATING, 'How dirty?'))
    assert (read(35, rating).rating, read(35, rating).response) == (35.0, '35')


@pytest.mark.parametrize(
    ('status', 'state'),
    [('pending', State.OPEN), ('flagged', State.FLAGGED), ('aborted', State.CANCELED)],
)
def test_without_an_answer_the_priors_stand(status: str, state: State) -> None:
    answer = heat_answer(
        said(None, status, cruncher_feedback='too dark'), asked(), DetectionAs.RECTANGLES
    )
    assert answer.state is state and answer.feedback == 'too dark'
    assert answer.annotations == (SURE, DOUBTED)


@pytest.mark.parametrize(
    ('response', 'kind'),
    [
        ('no list', QuestionKind.ANNOTATE),
        ([{'x': 1}], QuestionKind.ANNOTATE),
        ([{'x': 1, 'y': 1, 'x2': 1, 'y2': 1}], QuestionKind.ANNOTATE),
        ([{'x': float('nan'), 'y': 1, 'x2': 2, 'y2': 2}], QuestionKind.ANNOTATE),
        ([{'x': int('9' * 400), 'y': 1, 'x2': 2, 'y2': 2}], QuestionKind.ANNOTATE),
        ([{'x': 1, 'y': 1, 'x2': 9, 'y2': 9, 'response': 7}], QuestionKind.ANNOTATE),
        (None, QuestionKind.FREE_TEXT),
        ('many', QuestionKind.RATING),
        (True, QuestionKind.RATING),
        (int('9' * 400), QuestionKind.RATING),
        (float('nan'), QuestionKind.RATING),
        ([1], QuestionKind.MULTIPLE_CHOICE),
    ],
)
def test_a_response_of_another_shape_is_named(response: Any, kind: QuestionKind) -> None:
    with pytest.raises(WireError):
        read(response, asked(Question(kind, 'x', choices=('a',))))
