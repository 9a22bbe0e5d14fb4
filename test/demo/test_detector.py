# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The detector is really sure of some things, unsure of others, and wrong about a few."""

from importlib.resources import files
from importlib.util import find_spec

import numpy as np
import pytest

from spark_ros.demo.detector import Detector
from spark_ros.demo.photographs import default_photographs
from spark_ros.demo.scoring import Counts, Detection, match, score
from spark_ros.service.scripted.recognise import Truth

pytestmark = pytest.mark.slow('renders and looks at hundreds of frames')

SURE_FROM = 0.8
IGNORED_BELOW = 0.2


@pytest.fixture(scope='module')
def seen():
    """What the detector says about each default photograph, and what is true."""
    if find_spec('skimage') is None:
        pytest.skip('scikit-image is not installed')
    detector = Detector()
    truth = Truth.load(str(files('spark_ros.demo') / 'truth.json'))
    return [
        (frame, detector.detect(frame.image), [Detection(*one) for one in truth.find(frame.image)])
        for frame in default_photographs()
    ]


def test_detections_are_few_inside_the_image_and_the_surest_first(seen):
    for frame, hits, _ in seen:
        assert len(hits) <= 10
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
        for hit in hits:
            assert hit.label in Detector.labels
            assert 0 <= hit.score <= 1
            x, y, width, height = hit.box
            assert x >= 0
            assert y >= 0
            assert x + width <= frame.image.shape[1]
            assert y + height <= frame.image.shape[0]


def test_most_frames_lead_to_a_question_and_a_few_do_not(seen):
    doubted = [
        any(IGNORED_BELOW <= hit.score < SURE_FROM for hit in hits) for _, hits, _ in seen
    ]
    assert len(seen) / 2 <= sum(doubted) < len(seen)
    assert any(hits and min(hit.score for hit in hits) >= SURE_FROM for _, hits, _ in seen)


def test_some_doubted_boxes_need_to_be_moved_and_some_to_be_removed(seen):
    moved = removed = 0
    for _, hits, truth in seen:
        asked = [hit for hit in hits if hit.score >= IGNORED_BELOW]
        if not any(hit.score < SURE_FROM for hit in asked):
            continue
        matches = match(asked, truth)
        moved += sum(each.iou < 0.9 for each in matches)
        removed += len(asked) - len(matches)
    assert moved >= 1
    assert removed >= 1


def test_before_anyone_is_asked_the_score_is_clearly_below_perfect(seen):
    before = sum((score(hits, truth) for _, hits, truth in seen), Counts())
    assert before.mean_iou < 0.6
    assert before.right + before.mislabelled >= 3


def test_an_empty_scene_and_a_tiny_one_are_no_trouble():
    detector = Detector()
    for size in ((480, 640, 3), (1, 1, 3), (20, 700, 3), (700, 20, 3)):
        assert detector.detect(np.full(size, 127, np.uint8)) == []
