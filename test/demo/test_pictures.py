# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Pictures are rendered for every kind of box, image size and caption."""

import numpy as np
import pytest

from spark_ros.demo.answerer import Answerer
from spark_ros.demo.pictures import before_after
from spark_ros.drawing.canvas import Canvas
from spark_ros.geometry import Box, corners
from spark_ros.model import (
    Annotation,
    AnnotationType,
    Correction,
    CorrectionKind,
    box_annotation,
)

PERSON = Answerer.PERSON
BOX = Box(0.2, 0.3, 0.6, 0.7)
FACE = box_annotation('face', BOX, score=0.91)
CAT = box_annotation('cat face', Box(0, 0, 1, 1), score=0.4, attributes={'doubted': 'true'})
PRIORS = [FACE, CAT]


def correction(kind, label, box=BOX, was=None):
    """What was done to a box, of which `was` is what it was before."""
    now = box_annotation(label, box)
    return Correction(
        CorrectionKind(kind),
        None if kind == 'added' else was or now,
        None if kind == 'removed' else now,
    )


ANSWERS = [
    correction('confirmed', 'face'),
    correction('modified', 'cat', was=box_annotation('dog', Box(0.1, 0.2, 0.5, 0.6))),
    correction('added', 'person', Box(0.9, 0.9, 0.999, 0.999)),
    correction('removed', 'person', Box(0.0, 0.0, 0.02, 0.02)),
    correction('unmentioned', '', Box(0.5, 0.0, 0.6, 0.9)),
]


@pytest.mark.parametrize(
    'size', [(64, 64), (1, 1), (16, 900), (900, 16), (480, 640), (2160, 3840)])
def test_any_image_size_gives_a_picture_of_moderate_size(size):
    image = np.full((*size, 3), 128, np.uint8)
    picture = before_after(image, PRIORS, ANSWERS, PERSON, 'a title', 'a note')
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3
    assert 600 <= picture.shape[1] <= 2500


@pytest.mark.parametrize('title', ['', 'kitchen', 'a title that does not end ' * 20, 'Küche ⚙'])
def test_any_caption_fits(title):
    image = np.zeros((100, 200, 3), np.uint8)
    shape = before_after(image, PRIORS, ANSWERS, PERSON).shape
    assert before_after(image, PRIORS, ANSWERS, PERSON, title, title).shape == shape


def test_the_image_given_is_left_alone_and_shown_on_both_sides():
    image = np.full((560, 560, 3), (10, 120, 240), np.uint8)
    picture = before_after(image, [], [], PERSON)
    assert (image == (10, 120, 240)).all()
    middle = picture.shape[0] // 2
    for column in (picture.shape[1] // 4, picture.shape[1] * 3 // 4):
        assert tuple(picture[middle, column]) == (10, 120, 240)


@pytest.mark.parametrize('kind', ['confirmed', 'modified', 'added', 'removed'])
def test_each_kind_of_answer_is_drawn_on_the_right_only(kind):
    image = np.full((560, 560, 3), 128, np.uint8)
    empty = before_after(image, [], [], PERSON)
    drawn = before_after(image, [], [correction(kind, 'face')], PERSON)
    changed = (empty[60:580] != drawn[60:580]).any(axis=(0, 2))
    half = changed.size // 2
    assert not changed[:half].any()
    assert changed[half:].any()


def test_boxes_beyond_the_image_are_cut_to_it():
    image = np.full((560, 560, 3), 128, np.uint8)
    beyond = Annotation('x', AnnotationType.BOUNDING_BOX, corners(Box(-1, -1, 2, 2)), score=0.5)
    before_after(image, [beyond], [], PERSON)


@pytest.mark.parametrize('shape', [(10, 10), (10, 10, 4), (0, 10, 3)])
def test_what_is_no_bgr_image_is_refused(shape):
    with pytest.raises(ValueError, match='expected a BGR image'):
        before_after(np.zeros(shape, np.uint8), [], [], PERSON)


@pytest.mark.parametrize(('answerer', 'said'), [
    (PERSON, 'What the person said'),
    (Answerer.SCRIPT_WITH_TRUTH, 'What the scripted operator said'),
    (Answerer.CONFIRMING_SCRIPT, 'Scripted operator: confirmed'),
])
def test_the_title_on_the_right_tells_who_answered(answerer, said, monkeypatch):
    written, write = [], Canvas.text

    def text(canvas, words, *rest, **more):
        written.append(words)
        return write(canvas, words, *rest, **more)

    monkeypatch.setattr(Canvas, 'text', text)
    before_after(np.full((560, 560, 3), 128, np.uint8), PRIORS, ANSWERS, answerer)
    assert said in written
    assert any('person said' in words for words in written) == (answerer is PERSON)
