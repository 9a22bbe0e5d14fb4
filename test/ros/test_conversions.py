# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Detections to annotations, and corrections back to detections in the very same pixels."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rclpy.serialization import deserialize_message, serialize_message
from robot import Box, detection, detections, pixel_box, stamped
from vision_msgs.msg import (
    Detection2D,
    Detection2DArray,
    ObjectHypothesis,
    ObjectHypothesisWithPose,
)

from spark_ros import geometry
from spark_ros.escalation.question.escalation import Escalation, FrameMatch, Resolved, Status
from spark_ros.geometry import ImageSize, PixelBox
from spark_ros.model import (
    Annotation,
    AnnotationType,
    Answer,
    Correction,
    CorrectionKind,
    Question,
    State,
    box_annotation,
)
from spark_ros.msg import EngagementStatus, Resolution
from spark_ros.ros.conversions import (
    corrected_detections,
    resolution_message,
    stamp_ns,
    status_message,
    time_message,
)
from spark_ros.ros.detectors import DetectorView, VisionDetections, read_detections

VGA = ImageSize(640, 480)
HEADER = stamped(1234.5, 'front_optical')
KIND = CorrectionKind


def read(
    *found: Detection2D, image: ImageSize = VGA, source: ImageSize | None = None
) -> tuple[list[Annotation], list[str]]:
    """Return the annotations, and why others were refused."""
    reasons: list[str] = []
    seen = VisionDetections().seen(detections(HEADER, *found))
    read = read_detections(seen, image, DetectorView(size=source), reasons.append)
    return [each.annotation() for each in read], reasons


def resolved(
    source: Detection2DArray | None,
    *corrections: Correction,
    image: ImageSize = VGA,
    source_size: ImageSize | None = None,
    state: State = State.CLOSED,
    **more: Any,
) -> Resolved:
    """Return an answer with corrections to what a detector said."""
    asked = Escalation(
        id='our-id', camera='front', stamp_ns=5_250_000_000, frame_id='lens',
        frame_match=FrameMatch.NEAREST, image_size=image, source_size=source_size or image,
        question=Question(), created=1_700_000_000.25, program='cats',
        priors=tuple(c.original for c in corrections if c.original is not None),
        metadata={'robot_id': 'rover'},
        source=b'' if source is None else serialize_message(source),
    )  # fmt: skip
    answer = Answer(state, corrections=corrections, received=1_700_000_012.5, **more)
    return Resolved(asked, 'token-1', answer)


@st.composite
def boxes_inside(draw: st.DrawFn) -> tuple[Box, ImageSize]:
    image = draw(st.builds(ImageSize, st.integers(1, 8192), st.integers(1, 8192)))
    x0, y0 = (draw(st.floats(0, side - 0.01)) for side in image)
    x1, y1 = draw(st.floats(x0 + 0.01, image.width)), draw(st.floats(y0 + 0.01, image.height))
    return (x0, y0, x1 - x0, y1 - y0), image


@given(boxes_inside(), st.sampled_from([0.5, 1, 2]))
def test_a_box_there_and_back_stays_in_its_pixels(
    boxed: tuple[Box, ImageSize], factor: float
) -> None:
    box, source = boxed
    image = ImageSize(*(max(1, round(side * factor)) for side in source))
    (annotation,), reasons = read(detection('cat', box), image=image, source=source)
    assert not reasons
    assert all(0.0 <= value < 1.0 for vertex in annotation.vertices for value in vertex)
    relabelled = Correction(
        KIND.MODIFIED, None, Annotation('dog', AnnotationType.BOUNDING_BOX, annotation.vertices)
    )
    answer = resolved(detections(HEADER), relabelled, image=image, source_size=source)
    (back,) = corrected_detections(answer).detections
    assert all(
        abs(a - b) <= 1e-9 for a, b in zip(pixel_box(back), box, strict=True)
    ), (pixel_box(back), box)


def test_a_rotated_box_becomes_its_hull() -> None:
    tilted = detection('leaf', (300.0, 230.0, 40.0, 20.0))
    tilted.bbox.center.theta = math.pi / 2
    (annotation,), _ = read(tilted)
    around = geometry.to_pixels(annotation.vertices, VGA)
    assert (around.size_x, around.size_y) == pytest.approx((20.0, 40.0), abs=1e-9)
    assert (around.center_x, around.center_y) == pytest.approx((320.0, 240.0), abs=1e-9)


def test_boxes_of_another_image_size_are_scaled() -> None:
    (annotation,), _ = read(detection('cat', (80, 60, 160, 120)), source=ImageSize(320, 240))
    around = geometry.to_pixels(annotation.vertices, VGA)
    assert around == pytest.approx(PixelBox(320, 240, 320, 240), abs=1e-9)


def test_the_highest_scoring_hypothesis_counts() -> None:
    found = detection('cat', (10, 10, 50, 50), 0.2)
    for label, score in (('dog', 0.5), ('fog', math.nan), ('cow', 0.3)):
        hypothesis = ObjectHypothesis(class_id=label, score=score)
        found.results.append(ObjectHypothesisWithPose(hypothesis=hypothesis))
    (annotation,), _ = read(found)
    assert (annotation.label, annotation.score) == ('dog', 0.5)


def test_the_tracker_and_the_place_in_the_list_are_kept() -> None:
    annotations, _ = read(
        detection('cat', (-99, 0, 9, 9)), detection('dog', (1, 1, 9, 9), id='track 9')
    )
    (dog,) = annotations
    assert dog.id == '1' and dog.attributes == {'tracker_id': 'track 9'}


def test_the_class_in_the_place_of_a_tracker_is_none() -> None:
    """Two objects of one class would pass for one, and the second never be asked about."""
    annotations, _ = read(
        detection('7', (1, 1, 9, 9), id='7'),
        detection('cat', (20, 1, 9, 9), id='2'), detection('cat', (40, 1, 9, 9), id='2'),
        detection('cat', (60, 1, 9, 9), id='3'),
    )  # fmt: skip
    assert [annotation.attributes for annotation in annotations] == [
        {}, {}, {}, {'tracker_id': '3'},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ('wrong', 'reason'),
    [
        (detection('cat', (math.nan, 10, 50, 50)), 'not finite'),
        (detection('cat', (10, math.inf, 50, 50)), 'not finite'),
        (detection('cat', (10, 10, math.nan, 50)), 'not finite'),
        (detection('cat', (10, 10, -50, 50)), 'no area'),
        (detection('cat', (10, 10, 0, 50)), 'no area'),
        (detection('cat', (700, 10, 50, 50)), 'outside'),
        (detection('cat', (10, -60, 50, 50)), 'outside'),
        (detection('cat', (10, 10, 50, 50), math.nan), 'score'),
        (detection('cat', (10, 10, 50, 50), -0.1), 'score'),
        (detection('cat', (10, 10, 50, 50), 87.0), 'score'),
        (detection('cat', (10, 10, 50, 50), results=[]), 'no hypothesis'),
    ],
)
def test_nonsense_is_left_out_with_a_reason(wrong: Detection2D, reason: str) -> None:
    annotations, reasons = read(wrong, detection('dog', (10, 10, 50, 50)))
    assert [annotation.label for annotation in annotations] == ['dog']
    assert len(reasons) == 1 and reason in reasons[0]


def box(label: str, x: float, y: float, width: float, height: float, id: str = '') -> Annotation:
    edges = geometry.Box(x / 640, y / 480, (x + width) / 640, (y + height) / 480)
    return box_annotation(label, edges, id=id)


def test_what_nobody_changed_returns_as_it_came() -> None:
    tilted = detection('leaf', (300.0, 230.0, 40.0, 20.0), 0.25, id='track 1', header=HEADER)
    tilted.bbox.center.theta = 0.3
    tilted.results[0].pose.pose.position.x = 7.0
    tilted.results[0].pose.covariance[35] = 0.5
    tilted.results.append(ObjectHypothesisWithPose())
    other = detection('cat', (1, 1, 9, 9), id='track 2')
    source = detections(HEADER, detection('noise', (0, 0, 5, 5), 0.01), tilted, other)
    leaf, cat = box('leaf', 300, 230, 40, 20, '1'), box('cat', 1, 1, 9, 9, '2')
    answer = resolved(
        source, Correction(KIND.CONFIRMED, leaf, leaf), Correction(KIND.UNMENTIONED, cat, cat)
    )
    corrected = corrected_detections(answer)
    assert corrected.header == HEADER
    assert [serialize_message(d) for d in corrected.detections] == [
        serialize_message(tilted), serialize_message(other),
    ]  # fmt: skip


def test_another_label_alone_keeps_the_box() -> None:
    tilted = detection('leaf', (300.0, 230.0, 40.0, 20.0), 0.25, id='track 1')
    tilted.bbox.center.theta = 0.3
    tilted.results[0].pose.pose.position.x = 7.0
    (prior,), _ = read(tilted)
    twig = Annotation('twig', prior.type, prior.vertices, id=prior.id)
    answer = resolved(detections(HEADER, tilted), Correction(KIND.MODIFIED, prior, twig))
    (corrected,) = corrected_detections(answer).detections
    assert corrected.bbox == tilted.bbox and corrected.id == 'track 1'
    assert len(corrected.results) == 1
    assert corrected.results[0].hypothesis == ObjectHypothesis(class_id='twig', score=1.0)
    assert corrected.results[0].pose == tilted.results[0].pose


def test_moved_added_and_removed() -> None:
    source = detections(
        HEADER, detection('cat', (10, 10, 50, 50), id='track 1'), detection('dog', (1, 1, 9, 9))
    )
    cat, dog = box('cat', 10, 10, 50, 50, '0'), box('dog', 1, 1, 9, 9, '1')
    dot = Annotation('eye', AnnotationType.DOT, (geometry.Vertex(0.5, 0.5),))
    triangle = Annotation(
        'sail', AnnotationType.POLYGON,
        (geometry.Vertex(0.25, 0.25), geometry.Vertex(0.75, 0.25), geometry.Vertex(0.5, 0.5)),
    )  # fmt: skip
    answer = resolved(
        source,
        Correction(KIND.MODIFIED, cat, box('cat', 20, 30, 100, 60)),
        Correction(KIND.REMOVED, dog, None),
        Correction(KIND.ADDED, None, box('bird', 600, 440, 40, 40)),
        Correction(KIND.ADDED, None, dot),
        Correction(KIND.ADDED, None, triangle),
    )
    corrected = corrected_detections(answer).detections
    assert [d.results[0].hypothesis.class_id for d in corrected] == ['cat', 'bird', 'sail']
    assert [d.id for d in corrected] == ['track 1', '', '']
    for found, expected in zip(
        corrected, [(20, 30, 100, 60), (600, 440, 40, 40), (160, 120, 320, 120)], strict=True
    ):
        assert pixel_box(found) == pytest.approx(expected, abs=1e-9)
    assert all(0.0 <= c.results[0].hypothesis.score <= 1.0 for c in corrected)


def test_a_resolution_carries_the_stamp_of_its_frame() -> None:
    prior = box('cat', 10, 10, 50, 50, '0')
    message = resolution_message(
        resolved(
            detections(stamped(999.0, 'elsewhere')),
            Correction(KIND.REMOVED, prior, None),
            created=1_700_000_001.5, closed=1_700_000_010.0, rating=3.5, flags=('low_quality',),
            feedback='too dark', response='none', answers=('a', 'b'), image_url='http://s/1',
        )
    )  # fmt: skip
    assert message.header == stamped(5.25, 'lens')
    assert (message.id, message.token, message.camera) == ('our-id', 'token-1', 'front')
    assert message.state == Resolution.STATE_CLOSED
    assert message.frame_match == Resolution.FRAME_MATCH_NEAREST
    assert (message.image_width, message.image_height) == VGA
    assert (message.has_rating, message.rating) == (True, 3.5)
    assert message.created == time_message(1_700_000_001_500_000_000)
    assert message.closed == time_message(1_700_000_010_000_000_000)
    assert message.response_time == pytest.approx(12.25)
    assert (message.program, message.feedback, message.flags) == (
        'cats', 'too dark', ['low_quality'],
    )  # fmt: skip
    assert {m.key: m.value for m in message.metadata} == {'robot_id': 'rover'}
    assert message.annotations == [] and message.corrections[0].corrected.label == ''
    back = deserialize_message(serialize_message(message), Resolution)
    assert back.corrections[0].original.label == 'cat'


def test_a_status_carries_the_stamp_of_its_frame() -> None:
    asked = resolved(None).escalation
    message = status_message(Status(asked, State.FAILED, 'token-1', '400 no such program'))
    assert message == EngagementStatus(
        header=stamped(5.25, 'lens'), id='our-id', token='token-1', camera='front',
        state=EngagementStatus.STATE_FAILED, detail='400 no such program',
    )  # fmt: skip


@given(st.integers(-(2**31) * 10**9, 2**31 * 10**9 - 1))
def test_stamps_come_back(nanoseconds: int) -> None:
    assert stamp_ns(time_message(nanoseconds)) == nanoseconds


@example('half a pair: \ud800')
@example('a\0b')
@given(st.text(st.characters(blacklist_categories=()), max_size=30))
def test_whatever_a_service_says_can_be_published(said: str) -> None:
    answer = resolved(
        detections(HEADER),
        Correction(KIND.ADDED, None, box(said, 10, 10, 50, 50)),
        response=said, answers=(said,), feedback=said, flags=(said,), image_url=said,
    )  # fmt: skip
    for message in (
        resolution_message(answer),
        corrected_detections(answer),
        status_message(Status(answer.escalation, State.FAILED, said, said)),
    ):
        deserialize_message(serialize_message(message), type(message))
