# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Whatever is sent as a Heat request is read as one or refused, and is the same when sent on."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from test_heat_requests import EMBED, MARKS, URL

from spark_ros.wire.heat import (
    PER_ANNOTATION,
    TYPES,
    Choices,
    HeatRequest,
    Prompt,
    Scale,
    parse_heat_request,
)
from spark_ros.wire.values import WireError

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(),
    st.sampled_from(['', URL, EMBED, 'https://youtu.be/1', 'http://[::1', 'http://a:99999/',
                     'image', 'text', 'number', 'rectangle', '\ud800', '\x00', 10**400]),
)  # fmt: skip
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)  # fmt: skip


def objects(fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with some of the fields, now and then with anything in them."""
    return st.fixed_dictionaries({}, optional={name: fields[name] | anything for name in fields})


kinds = st.sampled_from(['text', 'image', 'video', 'audio', 'website'])
items = st.lists(st.sampled_from([URL, EMBED, 'a', 'b', f' {URL}']) | st.text(), max_size=4)
counts = st.integers(0, 5) | st.floats(0, 5) | st.integers()
question = {
    'instruction': st.text(min_size=1), 'choices_type': kinds, 'choices': items,
    'min_answers': counts, 'max_answers': counts, 'validation': st.sampled_from(['number', 'url']),
    'rating_min': st.floats(), 'rating_max': st.floats(), 'rating_step': st.floats(0, 10),
    'label_min': st.text(), 'label_max': st.text(),
}  # fmt: skip
bodies = objects(
    question
    | {
        'attachments_type': kinds, 'attachments': items,
        'annotations_type': st.sampled_from(['point', 'rectangle']),
        'min_annotations': counts, 'max_annotations': counts,
        'per_annotation': objects(question), 'hook_url': st.just(URL),
        'exclude_crunchers': st.lists(st.text()),
    }
)  # fmt: skip


@given(st.sampled_from(TYPES), bodies | anything)
def test_reading_gives_a_request_or_a_wire_error(type: str, value: Any) -> None:
    """Nothing else, and what is read is written so that it is read the same."""
    try:
        request = parse_heat_request(type, value)
    except WireError as error:
        assert str(error)
        return
    sent = json.loads(json.dumps(request.to_json(), allow_nan=False))
    assert replace(parse_heat_request(type, sent), raw=request.raw) == request


def good_question(kind: str) -> st.SearchStrategy[Prompt]:
    """Questions that follow the page."""
    text = st.characters(blacklist_categories=('Cs',), blacklist_characters='\x00')
    instructions = st.text(text, min_size=1)
    instruction = instructions.map(str.strip).filter(bool)
    extra: dict[str, st.SearchStrategy[Any]] = {}
    if kind == 'multiple-choice':
        options = st.lists(st.sampled_from('abcdefgh'), min_size=1, unique=True).map(tuple)
        extra['choices'] = options.flatmap(
            lambda among: st.builds(
                Choices, st.just(among), least=st.integers(0, len(among)), most=st.just(0)
            )
        )
    if kind == 'rating':
        low, span = st.integers(-50, 50).map(float), st.floats(0.5, 100)
        extra['scale'] = st.builds(
            lambda low, span, step: Scale(low, low + span, step), low, span, st.floats(0.01, 200)
        )
    if kind == 'free-text':
        extra['validation'] = st.sampled_from(['', 'number', 'url'])
    return st.builds(Prompt, st.just(kind), instruction, **extra)


@st.composite
def good_requests(draw: st.DrawFn) -> HeatRequest:
    """Requests that follow the page."""
    type = draw(st.sampled_from(TYPES))
    marks = type in MARKS
    least = draw(st.integers(0, 9)) if marks else 1
    return HeatRequest(
        type,
        draw(good_question('annotations' if marks else type)),
        draw(st.sampled_from(['image', 'video', 'website'])),
        (URL,) * draw(st.integers(1, 3)),
        draw(st.sampled_from(['point', 'rectangle'])) if marks else 'point',
        least,
        draw(st.just(0) | st.integers(max(least, 1), 20)) if marks else 0,
        draw(good_question(PER_ANNOTATION[type])) if type in PER_ANNOTATION else None,
        draw(st.none() | st.just('http://hook.example/')),
        draw(st.lists(st.sampled_from(['c-1', 'c-2'])).map(tuple)),
    )


@given(good_requests())
def test_there_and_back(request: HeatRequest) -> None:
    """What one end writes the other reads."""
    body = json.loads(json.dumps(request.to_json()))
    read = parse_heat_request(request.type, body)
    assert read.raw == body
    assert replace(read, raw={}) == request
