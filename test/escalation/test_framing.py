# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What people say of a cropped and scaled image holds for the whole frame."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from samples import escalation

from spark_ros.escalation.pictures.framing import as_sent, in_frame
from spark_ros.escalation.question.escalation import Escalation
from spark_ros.escalation.question.outgoing_image import ImageSettings, OutgoingImage, Region, plan
from spark_ros.geometry import Box, ImageSize, Vertex, corners
from spark_ros.model import (
    Annotation,
    AnnotationType,
    Answer,
    Correction,
    CorrectionKind,
    State,
    box_annotation,
)

FRAME = ImageSize(400, 200)
# From 100 to 300 and from 50 to 150 px, sent at half its size.
CROP = OutgoingImage(FRAME, Region(100, 50, 200, 100), ImageSize(100, 50))
ADDED, CONFIRMED, MODIFIED, REMOVED, UNMENTIONED = (
    CorrectionKind.ADDED, CorrectionKind.CONFIRMED, CorrectionKind.MODIFIED,
    CorrectionKind.REMOVED, CorrectionKind.UNMENTIONED,
)  # fmt: skip


def box(x0: float, y0: float, x1: float, y1: float, frame: ImageSize = FRAME) -> Box:
    return Box(x0 / frame.width, y0 / frame.height, x1 / frame.width, y1 / frame.height)


def prior(label: str, place: Box, id: str = '0') -> Annotation:
    return box_annotation(label, place, id=id, score=0.4, attributes={'doubted': 'true'})


def asked(*priors: Annotation, outgoing: OutgoingImage | None = CROP) -> Escalation:
    return escalation(
        priors=priors, image_size=FRAME, source_size=FRAME, outgoing=outgoing
    )


def answered(*corrections: Correction, state: State = State.CLOSED, **more: Any) -> Answer:
    return Answer(state=state, corrections=corrections, **more)


def near(a: Box, b: Box, tolerance: float = 1e-9) -> bool:
    return all(abs(p - q) <= tolerance for p, q in zip(a, b, strict=True))


def test_a_question_without_a_departure_is_as_it_was() -> None:
    question = asked(prior('cat', box(0, 0, 40, 40)), outgoing=None)
    assert as_sent(question) is question
    answer = answered(Correction(CONFIRMED, *question.priors * 2))
    assert in_frame(question, answer) is answer


def test_the_whole_frame_in_another_size_changes_no_fraction() -> None:
    priors = (prior('cat', box(1, 2, 41, 43)),)
    question = asked(*priors, outgoing=plan(ImageSettings(max_side=100), FRAME, []))
    sent = as_sent(question)
    assert (sent.priors, sent.image_size) == (priors, ImageSize(100, 50))
    answer = answered(Correction(REMOVED, priors[0], None))
    assert in_frame(question, answer) is answer


def test_priors_are_sent_where_they_are_on_the_crop() -> None:
    question = asked(
        prior('inside', box(150, 75, 200, 100), '0'),
        prior('outside', box(0, 0, 90, 40), '1'),
        prior('across', box(60, 60, 160, 170), '2'),
        prior('a sliver', box(60, 60, 101.5, 100), '3'),
        prior('touching', box(300, 60, 350, 100), '4'),
    )
    sent = as_sent(question)
    assert [each.id for each in sent.priors] == ['0', '2']
    assert near(sent.priors[0].box, Box(0.25, 0.25, 0.5, 0.5))
    assert near(sent.priors[1].box, Box(0.0, 0.1, 0.3, 1.0))
    assert sent.image_size == CROP.size and sent.priors[0].score == 0.4


def test_an_answer_is_put_where_it_belongs() -> None:
    priors = (
        prior('outside', box(0, 0, 90, 40), '0'),
        prior('confirmed', box(60, 60, 160, 170), '1'),
        prior('moved', box(150, 75, 200, 100), '2'),
        prior('ghost', box(250, 100, 280, 120), '3'),
        prior('cow', box(110, 60, 120, 70), '4'),
    )
    question = asked(*priors)
    confirmed, moved, ghost, cow = as_sent(question).priors
    elsewhere = replace(moved, vertices=corners(Box(0.5, 0.5, 0.75, 0.6)))
    fresh = box_annotation('new', Box(0.1, 0.2, 0.3, 0.4))
    answer = answered(
        Correction(CONFIRMED, confirmed, confirmed),
        Correction(MODIFIED, moved, elsewhere),
        Correction(REMOVED, ghost, None),
        Correction(MODIFIED, cow, replace(cow, label='cat', score=None)),
        Correction(ADDED, None, fresh),
        response='words', feedback='more words',
    )  # fmt: skip
    result = in_frame(question, answer)
    assert [c.kind for c in result.corrections] == [
        UNMENTIONED, CONFIRMED, MODIFIED, REMOVED, MODIFIED, ADDED,
    ]  # fmt: skip
    assert [c.original for c in result.corrections] == [*priors, None]
    left_out, kept, placed, gone, renamed, added = [c.corrected for c in result.corrections]
    assert (left_out, kept, gone) == (priors[0], priors[1], None)
    assert placed and near(placed.box, box(200, 100, 250, 110))
    assert renamed and renamed.vertices == priors[4].vertices and renamed.label == 'cat'
    assert added and near(added.box, box(120, 70, 160, 90)) and added.label == 'new'
    assert (result.response, result.feedback) == ('words', 'more words')


def test_a_side_that_nobody_could_see_stays_where_it_was() -> None:
    across = prior('across', box(60, 60, 160, 170))
    question = asked(across)
    (sent,) = as_sent(question).priors
    wider = replace(sent, vertices=corners(Box(0.0, 0.2, 0.5, 0.995)))
    (correction,) = in_frame(question, answered(Correction(MODIFIED, sent, wider))).corrections
    assert correction.corrected and near(correction.corrected.box, box(60, 70, 200, 170))
    off = replace(sent, vertices=corners(Box(0.1, 0.2, 0.5, 0.9)))
    (correction,) = in_frame(question, answered(Correction(MODIFIED, sent, off))).corrections
    assert correction.corrected and near(correction.corrected.box, box(120, 70, 200, 140))


def test_an_end_without_an_answer_stays_without_one() -> None:
    question = asked(prior('cat', box(150, 75, 200, 100)))
    canceled = answered(state=State.CANCELED)
    assert in_frame(question, canceled) == canceled


@pytest.mark.parametrize(
    ('vertices', 'kind', 'seen'),
    [
        ([(0.5, 0.5)], AnnotationType.DOT, [(0.5, 0.5)]),
        ([(0.1, 0.5)], AnnotationType.DOT, None),
        ([(0.3, 0.3), (0.7, 0.3), (0.5, 0.7)], AnnotationType.POLYGON,
         [(0.1, 0.1), (0.9, 0.1), (0.5, 0.9)]),
        ([(0.0, 0.0), (0.1, 0.0), (0.1, 0.1)], AnnotationType.POLYGON, None),
    ],
)  # fmt: skip
def test_dots_and_polygons_are_sent_too(
    vertices: list[tuple[float, float]],
    kind: AnnotationType,
    seen: list[tuple[float, float]] | None,
) -> None:
    shape = Annotation('x', kind, tuple(Vertex(*vertex) for vertex in vertices), id='0')
    sent = as_sent(asked(shape)).priors
    if seen is None:
        assert sent == ()
        return
    for vertex, expected in zip(sent[0].vertices, seen, strict=True):
        assert vertex == pytest.approx(expected)
    answer = in_frame(asked(shape), answered(Correction(ADDED, None, sent[0])))
    back = answer.corrections[-1].corrected
    assert back is not None
    for vertex, expected in zip(back.vertices, vertices, strict=True):
        assert vertex == pytest.approx(expected)


@st.composite
def pixel_boxes(draw: st.DrawFn) -> Box:
    """A box in pixels of the frame, at least one pixel in each direction."""
    x0 = draw(st.floats(0, FRAME.width - 2))
    y0 = draw(st.floats(0, FRAME.height - 2))
    x1 = draw(st.floats(x0 + 1, FRAME.width - 0.5))
    y1 = draw(st.floats(y0 + 1, FRAME.height - 0.5))
    return box(x0, y0, x1, y1)


@given(
    st.lists(pixel_boxes(), min_size=1, max_size=5),
    st.integers(1, 5),
    st.floats(0, 3),
    st.integers(0, 500),
    st.data(),
)
def test_whoever_draws_the_truth_on_the_crop_has_drawn_it_on_the_frame(
    places: list[Box], doubted: int, margin: float, max_side: int, data: st.DataObject
) -> None:
    """Each prior that is shown is confirmed, removed or drawn anew; the frame's list is right."""
    how = ImageSettings(crop=True, crop_margin=margin, max_side=max_side)
    outgoing = plan(how, FRAME, places[:doubted])
    priors = tuple(prior('x', place, str(index)) for index, place in enumerate(places))
    question = asked(*priors, outgoing=outgoing)
    sent = as_sent(question)
    shown = [each.id for each in sent.priors]
    assert set(shown) >= {str(index) for index in range(min(doubted, len(places)))}
    x, y, width, height = outgoing.region
    said, expected = [], dict(zip(map(str, range(len(places))), places, strict=True))
    for seen in sent.priors:
        assert 0 <= seen.box.x0 < seen.box.x1 < 1 and 0 <= seen.box.y0 < seen.box.y1 < 1
        kind = data.draw(st.sampled_from([CONFIRMED, UNMENTIONED, REMOVED, MODIFIED]))
        corrected: Annotation | None = seen
        if kind is REMOVED:
            corrected = None
            del expected[seen.id]
        if kind is MODIFIED:
            # Whole pixels well inside, so that no side is taken for one beyond the edge.
            edge = 2 * max(width / outgoing.size.width, height / outgoing.size.height)
            assume(width > 2 * edge + 2 and height > 2 * edge + 2)
            truth = box(x + edge, y + edge, x + width - edge, y + height - edge)
            expected[seen.id] = truth
            drawn = [outgoing.to_sent(Vertex(*corner)) for corner in (truth[:2], truth[2:])]
            corrected = replace(seen, vertices=corners(Box(*drawn[0], *drawn[1])))
        said.append(Correction(kind, seen, corrected))
    result = in_frame(question, answered(*said))
    assert [c.original for c in result.corrections] == list(priors)
    assert all(c.kind is UNMENTIONED for c in result.corrections if c.original.id not in shown)
    final = {annotation.id: annotation.box for annotation in result.annotations}
    assert final.keys() == expected.keys()
    for id, place in expected.items():
        assert near(final[id], place)
