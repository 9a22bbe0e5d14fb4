# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A question and its answer come back from JSON as they went in."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_ros.escalation.journal.records import (
    VERSION,
    UnreadableRecord,
    dump_answer,
    dump_escalation,
    load_answer,
    load_escalation,
)
from spark_ros.escalation.question.escalation import Escalation, FrameMatch
from spark_ros.escalation.question.outgoing_image import OutgoingImage, Region
from spark_ros.geometry import Box, Fit, ImageSize, Vertex
from spark_ros.model import (
    Annotation,
    AnnotationType,
    Answer,
    Correction,
    CorrectionKind,
    Question,
    QuestionKind,
    State,
)

# What a detector or a service may say includes what no UTF-8 can hold.
texts = st.text(st.characters(blacklist_categories=()), max_size=20)
fractions = st.floats(0, 1, exclude_max=True)
finite = st.floats(allow_nan=False, allow_infinity=False)
sizes = st.builds(ImageSize, st.integers(1, 65535), st.integers(1, 65535))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | finite | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
annotations = st.builds(
    Annotation,
    label=texts,
    type=st.sampled_from(AnnotationType),
    vertices=st.lists(st.builds(Vertex, fractions, fractions), min_size=1, max_size=5).map(tuple),
    id=texts,
    score=st.none() | finite,
    attributes=st.dictionaries(texts, json_values, max_size=3),
    image_index=st.none() | st.integers(0, 49),
)
questions = st.builds(
    Question,
    kind=st.sampled_from(QuestionKind),
    instructions=texts,
    label_options=st.lists(texts, max_size=3).map(tuple),
    choices=st.lists(texts, max_size=3).map(tuple),
    validation=texts,
    rating_max=finite,
)
departures = st.builds(
    OutgoingImage,
    frame=sizes,
    region=st.builds(Region, *[st.integers(0, 65535)] * 4),
    size=sizes,
    format=st.sampled_from(['jpeg', 'png']),
    quality=st.integers(1, 100),
    black_out=st.lists(st.builds(Box, *[fractions] * 4), max_size=3).map(tuple),
)
escalations = st.builds(
    Escalation,
    id=texts,
    camera=texts,
    stamp_ns=st.integers(-(2**63), 2**63),
    frame_id=texts,
    frame_match=st.sampled_from(FrameMatch),
    image_size=sizes,
    source_size=sizes,
    question=questions,
    priors=st.lists(annotations, max_size=4).map(tuple),
    created=finite,
    program=texts,
    metadata=st.dictionaries(texts, texts, max_size=3),
    priority=st.integers(-9, 9),
    certainty=fractions,
    timeout_s=st.floats(0, 1e9),
    source=st.binary(max_size=100),
    outgoing=st.none() | departures,
    source_fit=st.sampled_from(Fit),
    class_ids=st.dictionaries(texts, texts, max_size=3),
)
answers = st.builds(
    Answer,
    state=st.sampled_from(State),
    response=texts,
    answers=st.lists(texts, max_size=3).map(tuple),
    rating=st.none() | finite,
    corrections=st.lists(
        st.builds(
            Correction,
            st.sampled_from(CorrectionKind),
            st.none() | annotations,
            st.none() | annotations,
        ),
        max_size=4,
    ).map(tuple),
    feedback=texts,
    flags=st.lists(texts, max_size=3).map(tuple),
    image_url=texts,
    created=st.none() | finite,
    closed=st.none() | finite,
    received=st.none() | finite,
)


@given(escalations)
def test_a_question_comes_back_as_it_was(escalation: Escalation) -> None:
    text = dump_escalation(escalation)
    text.encode('utf-8')
    assert load_escalation(text, escalation.source) == escalation


@given(escalations, answers, st.data())
def test_what_was_not_written_so_is_said_to_be_unreadable(
    escalation: Escalation, answer: Answer, data: st.DataObject
) -> None:
    """Whatever a field is replaced by, and whichever is missing."""
    for dumped, load in (
        (dump_escalation(escalation), lambda text: load_escalation(text, b'')),
        (dump_answer(answer), load_answer),
    ):
        record = json.loads(dumped)
        name = data.draw(st.sampled_from([*record]))
        changed = record | {name: data.draw(json_values)}
        try:
            load(json.dumps(changed))
        except UnreadableRecord as error:
            assert str(error)
        del record[name]
        with pytest.raises(UnreadableRecord, match=name):
            load(json.dumps(record))


@pytest.mark.parametrize('text', ['', '{', '[]', 'null', '{"version": 2}', '[' * 100_000, '{}'])
def test_what_is_no_record_is_said_to_be_unreadable(text: str) -> None:
    for load in (lambda: load_escalation(text, b''), lambda: load_answer(text)):
        with pytest.raises(UnreadableRecord):
            load()


@given(answers)
def test_an_answer_comes_back_as_it_was(answer: Answer) -> None:
    text = dump_answer(answer)
    text.encode('utf-8')
    assert load_answer(text) == answer


FORMATS = {
    3: {
        'Escalation': (
            'id camera stamp_ns frame_id frame_match image_size source_size question priors '
            'created program metadata priority certainty timeout_s source outgoing source_fit '
            'class_ids audit drive'
        ),
        'OutgoingImage': 'frame region size format quality black_out',
        'Question': (
            'kind instructions label_options choices min_answers max_answers validation '
            'rating_min rating_max rating_step label_min label_max'
        ),
        'Annotation': 'label type vertices id score attributes image_index',
        'Answer': (
            'state response answers rating corrections feedback flags image_url created closed '
            'received'
        ),
        'Correction': 'kind original corrected',
    },
}


def test_a_changed_field_is_another_version() -> None:
    """Whoever adds or renames one gives `VERSION` a new number, and its names here."""
    kinds = (Escalation, OutgoingImage, Question, Annotation, Answer, Correction)
    names = {kind.__name__: ' '.join(each.name for each in fields(kind)) for kind in kinds}
    assert names == FORMATS[VERSION]
