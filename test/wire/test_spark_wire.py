# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Whatever comes in, reading a request gives a request or a WireError, and nothing else."""

from __future__ import annotations

import contextlib
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_ros.geometry import BELOW_ONE, Box
from spark_ros.model import AnnotationType, box_annotation
from spark_ros.wire.annotations import annotation_json, parse_annotation
from spark_ros.wire.signing import url_signature, url_signature_valid
from spark_ros.wire.spark import EngagementRequest, parse_engagement, parse_job, parse_request
from spark_ros.wire.values import WireError, decimal_text, format_time, parse_time

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(),
    st.sampled_from(['http://a.test/b', 'http://[::1', 'http://a:99999/', 'https://', 'image',
                     'bounding_box', 'polygon', 'dot', '0.5', '1', '1e400', 'nan', '\ud800']),
)  # fmt: skip
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
coordinates = st.one_of(scalars, st.floats(0, 1), st.floats(0, 1).map(decimal_text))


def objects(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    optional = {name: each | anything for name, each in fields.items()}
    return st.fixed_dictionaries({}, optional=optional)


vertices = st.lists(objects(x=coordinates, y=coordinates), max_size=5)
annotations = objects(
    label=st.text(), type=st.sampled_from([kind.value for kind in AnnotationType]),
    vertices=vertices, metadata=anything, image_idx=st.integers(-1, 3),
)
requests = objects(
    content_location=st.lists(st.just('http://a.test/b'), min_size=1, max_size=3),
    content_type=st.sampled_from(['image', 'video']), program_name=st.text(),
    instructions=st.text(), webhook_url=st.just('http://a.test/hook'), metadata=anything,
    priors=objects(
        label_options=st.lists(st.text()), label_set=st.lists(st.text()),
        annotations=st.lists(annotations, max_size=3),
    ),
)


@given(requests | anything)
def test_reading_a_request_gives_it_or_a_wire_error(body: Any) -> None:
    try:
        asked = parse_request(body)
    except WireError as error:
        assert str(error)
        return
    assert 1 <= len(asked.content_location) <= 50
    assert len(asked.annotations) == len(asked.raw_annotations)
    for annotation in asked.annotations:
        for vertex in annotation.vertices:
            assert 0.0 <= vertex.x <= BELOW_ONE and 0.0 <= vertex.y <= BELOW_ONE
    json.dumps(asked.to_json())


@given(requests)
def test_what_our_client_would_send_of_it_is_accepted(body: Any) -> None:
    try:
        asked = parse_request(body)
    except WireError:
        return
    again = parse_request(json.loads(json.dumps(asked.to_json())))
    assert again.content_location == asked.content_location
    assert again.label_options == asked.label_options
    assert [each.vertices for each in again.annotations] == [
        each.vertices for each in asked.annotations
    ]


@given(anything | objects(annotations=st.lists(annotations), state=st.text(), flags=anything))
def test_reading_an_answer_never_fails_on_an_object(body: Any) -> None:
    for read in (parse_engagement, parse_job):
        with contextlib.suppress(WireError):
            read(body)


fractions = st.floats(0, 1)


@given(fractions, fractions, fractions, fractions, st.booleans())
def test_a_box_goes_there_and_back(x0: float, y0: float, x1: float, y1: float, text: bool) -> None:
    sent = box_annotation('a', Box(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)), id='7')
    try:
        read = parse_annotation(annotation_json(sent, as_strings=text), 'it')
    except WireError as error:
        assert 'no area' in str(error)
        return
    assert read == sent
    assert max(vertex.x for vertex in read.vertices) < 1


@given(st.floats(0, 1))
def test_a_decimal_reads_back_as_the_same_number(value: float) -> None:
    assert float(decimal_text(value)) == value
    assert 'e' not in decimal_text(value).lower()


@given(st.floats(0, 4e9))
def test_times_keep_milliseconds(seconds: float) -> None:
    read = parse_time(format_time(seconds))
    assert read is not None and math.isclose(read, seconds, abs_tol=0.0011)


@given(st.text(), st.integers(0, 2**40), st.text(), st.integers(0, 2**40))
def test_a_url_signature_is_for_one_path_and_time(
    path: str, expires: int, other: str, later: int
) -> None:
    signature = url_signature(b'secret', path, expires)
    assert url_signature_valid(b'secret', path, expires, signature, expires - 1)
    assert not url_signature_valid(b'secret', path, expires, signature, expires)
    assert not url_signature_valid(b'else', path, expires, signature, expires - 1)
    assert url_signature_valid(b'secret', other, later, signature, -1) == (
        (other, later) == (path, expires)
    )


def test_a_request_is_written_as_the_page_has_it() -> None:
    asked = EngagementRequest(
        ('http://a.test/b',), annotations=(box_annotation('a', Box(0, 0, 0.5, 1)),)
    )
    assert asked.to_json() == {
        'content_location': ['http://a.test/b'],
        'priors': {'annotations': [{
            'label': 'a',
            'type': 'bounding_box',
            'vertices': [
                {'x': x, 'y': y}
                for x, y in (
                    ('0', '0'), ('0.5', '0'),
                    ('0.5', '0.9999999999999999'), ('0', '0.9999999999999999'),
                )
            ],
        }]},
    }  # fmt: skip


@pytest.mark.parametrize('score', [int('9' * 400), -int('9' * 400), float('inf'), '1', True])
def test_a_score_that_is_none_does_not_cost_the_answer(score: Any) -> None:
    """Such a number would otherwise stop whoever follows the feed for ever."""
    dot = {'label': 'a', 'type': 'dot', 'vertices': [{'x': 0.5, 'y': 0.5}]}
    said = {
        'annotations': [{**dot, 'metadata': {'score': score}}],
        'confirmed_annotations': [{**dot, 'metadata': {'score': 1}}],
    }
    read = parse_engagement(said)
    [changed] = read.annotations
    assert (changed.corrected.score, changed.corrected.attributes) == (None, {'score': score})
    assert read.confirmed and isinstance(read.confirmed[0].score, float)
    assert read.problems == ()
