# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Corrections worked out from a final list alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from spark_ros.escalation.backends.matching import CONFIRMED_IOU, SAME_IOU, corrections_by_matching
from spark_ros.geometry import Box, iou
from spark_ros.model import Annotation, CorrectionKind, box_annotation

LABELS = st.sampled_from(['cat', 'dog'])


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    x, y = draw(st.floats(0, 0.8)), draw(st.floats(0, 0.8))
    return Box(x, y, x + draw(st.floats(0.01, 0.19)), y + draw(st.floats(0.01, 0.19)))


@st.composite
def shapes(draw: st.DrawFn, prefix: str = '') -> list[Annotation]:
    pairs = draw(st.lists(st.tuples(LABELS, boxes()), max_size=6))
    return [
        box_annotation(label, box, id=f'{prefix}{index}' if prefix else '')
        for index, (label, box) in enumerate(pairs)
    ]


@given(shapes('p'), shapes())
def test_every_prior_and_every_shape_is_accounted_for_once(
    priors: list[Annotation], final: list[Annotation]
) -> None:
    corrections = corrections_by_matching(priors, final)
    originals = [c.original for c in corrections if c.original is not None]
    assert originals == priors
    kept = [c for c in corrections if c.corrected is not None]
    assert len(kept) == len(final)
    for correction in corrections:
        if correction.kind is CorrectionKind.CONFIRMED:
            assert correction.corrected is correction.original
        elif correction.kind is CorrectionKind.MODIFIED:
            assert correction.original and correction.corrected
            assert correction.corrected.id == correction.original.id
            assert iou(correction.original.box, correction.corrected.box) >= SAME_IOU
        elif correction.kind is CorrectionKind.REMOVED:
            assert correction.corrected is None
        else:
            assert correction.kind is CorrectionKind.ADDED and correction.original is None


@given(shapes('p'))
def test_what_comes_back_as_it_was_is_confirmed(priors: list[Annotation]) -> None:
    kinds = {c.kind for c in corrections_by_matching(priors, list(priors))}
    assert kinds <= {CorrectionKind.CONFIRMED}


def test_the_edges_of_confirmed_and_same() -> None:
    prior = box_annotation('cat', Box(0.0, 0.0, 0.5, 0.5), id='7')

    def kind(width: float, label: str = 'cat') -> list[str]:
        shape = box_annotation(label, Box(0.0, 0.0, 0.5 * width, 0.5))
        return [c.kind.value for c in corrections_by_matching([prior], [shape])]

    assert kind(CONFIRMED_IOU + 0.001) == ['confirmed']
    assert kind(CONFIRMED_IOU - 0.001) == ['modified']
    assert kind(0.99, 'dog') == ['modified']
    assert kind(SAME_IOU + 0.001) == ['modified']
    assert kind(SAME_IOU - 0.001) == ['removed', 'added']


def test_the_best_overlap_is_paired_first() -> None:
    priors = [
        box_annotation('cat', Box(0.0, 0.0, 0.4, 0.4), id='a'),
        box_annotation('cat', Box(0.1, 0.0, 0.5, 0.4), id='b'),
    ]
    shape = box_annotation('cat', Box(0.11, 0.0, 0.51, 0.4))
    kinds = [c.kind.value for c in corrections_by_matching(priors, [shape])]
    assert kinds == ['removed', 'confirmed']
