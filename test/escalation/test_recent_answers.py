# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What is remembered of answers, without anybody who asks: any answer, any number of objects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import escalation
from triage_harness import Seen

from spark_ros.escalation.question.asking import Asking
from spark_ros.escalation.question.escalation import Resolved
from spark_ros.escalation.reuse import MAX_OBJECTS, MAX_QUESTIONS, RecentAnswers
from spark_ros.geometry import BELOW_ONE, Box, Vertex
from spark_ros.model import (
    DOUBTED,
    Annotation,
    AnnotationType,
    Answer,
    Correction,
    CorrectionKind,
    State,
    box_annotation,
)

FLAT = np.full((48, 64), 90, np.uint8)
MARKED = {DOUBTED: 'true'}
FRACTIONS = st.floats(0.0, BELOW_ONE)
SHIFTS = st.floats(-0.1, 0.1)
QUESTION = escalation().question
ASKING = Asking(question=QUESTION, reuse_s=10.0)


def found(x: float, y: float, side: float, **more: object) -> Annotation:
    return box_annotation('cat', Box(x, y, x + side, y + side), score=0.4, **more)


def ask(recent: RecentAnswers, *doubted: Annotation) -> Resolved:
    """Ask about a frame; return the answer that all of it stands, before anybody has it."""
    priors = tuple(replace(each, attributes=MARKED) for each in doubted)
    asked = escalation(question=QUESTION, priors=priors)
    recent.asked(asked, Seen(doubted, picture=FLAT))
    said = tuple(Correction(CorrectionKind.CONFIRMED, prior, prior) for prior in priors)
    return Resolved(asked, 'token', Answer(State.CLOSED, corrections=said))


@given(st.lists(st.builds(Vertex, FRACTIONS, FRACTIONS), min_size=1, max_size=5), SHIFTS, SHIFTS)
def test_whatever_was_drawn_stays_on_the_frame(drawn: list[Vertex], x: float, y: float) -> None:
    recent = RecentAnswers()
    resolved = ask(recent, found(0.4, 0.4, 0.4, id='0'))
    kind = {1: AnnotationType.DOT}.get(len(drawn), AnnotationType.POLYGON)
    drawing = Annotation('dog', kind, tuple(drawn))
    (prior,) = resolved.escalation.priors
    said = Correction(CorrectionKind.MODIFIED, prior, drawing)
    recent.take(replace(resolved, answer=Answer(State.CLOSED, corrections=(said,))), 0.0)
    frame = Seen([found(0.4 + x, 0.4 + y, 0.4, id='7')], picture=FLAT)
    again = recent.answer(frame, ASKING, 1.0)
    if again is None:
        # Nothing of it would be left on the frame, or it is a line.
        return
    (shape,) = again.answer.annotations
    assert (shape.label, shape.type, shape.id) == ('dog', kind, '7')
    for before, now in zip(drawn, shape.vertices, strict=True):
        assert now == pytest.approx(
            (min(max(before.x + x, 0), 1), min(max(before.y + y, 0), 1)), abs=1e-6
        )
        assert 0.0 <= now.x < 1.0 and 0.0 <= now.y < 1.0


def test_the_newest_objects_are_remembered() -> None:
    recent, side = RecentAnswers(), 0.9 / 20
    places = [(column / 20, row / 20) for row in range(20) for column in range(20)]
    assert len(places) > MAX_OBJECTS
    shown = [found(x, y, side, id=str(number)) for number, (x, y) in enumerate(places)]
    recent.take(ask(recent, *shown), 0.0)
    known = [recent.answer(Seen([one], picture=FLAT), ASKING, 1.0) is not None for one in shown]
    assert known == [number >= len(places) - MAX_OBJECTS for number in range(len(places))]


def test_the_first_questions_about_an_object_are_remembered() -> None:
    recent, cat = RecentAnswers(), found(0.1, 0.1, 0.5, id='0')
    answers = [ask(recent, cat) for _ in range(MAX_QUESTIONS + 1)]
    frame = Seen([cat], picture=FLAT)
    recent.take(answers[-1], 0.0)
    assert recent.answer(frame, ASKING, 1.0) is None
    recent.take(answers[-2], 0.0)
    again = recent.answer(frame, ASKING, 1.0)
    assert again and again.escalation.metadata['reused_from'] == answers[-2].escalation.id


def test_what_is_used_again_is_no_source() -> None:
    recent, cat = RecentAnswers(), found(0.1, 0.1, 0.5, id='0')
    recent.take(ask(recent, cat), 0.0)
    frame = Seen([cat], picture=FLAT)
    again = recent.answer(frame, ASKING, 9.0)
    assert again
    recent.take(again, 9.0)
    assert recent.answer(frame, ASKING, 10.0) is None
