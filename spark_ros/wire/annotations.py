# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Annotations in SparkAI's JSON, both directions (page: "Annotations", POST /v1/engagement)."""

from __future__ import annotations

from typing import Any

from spark_ros.geometry import Vertex, clamp, corners, hull
from spark_ros.model import Annotation, AnnotationType
from spark_ros.wire.values import (
    WireError,
    decimal_text,
    expect_fraction,
    expect_list,
    expect_number,
    expect_object,
    expect_text,
)

MAX_VERTICES = 10_000
VERTEX_COUNTS = {
    AnnotationType.BOUNDING_BOX: (
        (2, 4), 'a bounding_box has 4 vertices (or 2 opposite corners)'
    ),
    AnnotationType.POLYGON: (
        range(3, MAX_VERTICES + 1), 'a polygon has 3 vertices or more'
    ),
    AnnotationType.DOT: ((1,), 'a dot has exactly 1 vertex'),
}


def parse_annotation(value: Any, name: str) -> Annotation:
    """Read one annotation; a box in any vertex order becomes the canonical four corners.

    Args:
        value: the JSON value.
        name: what to call it in an error, for instance `priors.annotations[3]`.

    Raises:
        WireError: it does not follow the page.
    """
    given = expect_object(value, name)
    shape = _parse_type(given.get('type', AnnotationType.BOUNDING_BOX.value), f'{name}.type')
    vertices = _parse_vertices(given.get('vertices'), shape, f'{name}.vertices')
    metadata = dict(expect_object(given.get('metadata') or {}, f'{name}.metadata'))
    image_index = given.get('image_idx')
    if image_index is not None and (
        isinstance(image_index, bool) or not isinstance(image_index, int) or image_index < 0
    ):
        raise WireError(f'{name}.image_idx must be a whole number from 0')
    score = _score(metadata.get('score'))
    if score is not None:
        del metadata['score']
    our_id = metadata.pop('id') if isinstance(metadata.get('id'), str) else ''
    return Annotation(
        label=expect_text(given.get('label') or '', f'{name}.label', 500),
        type=shape,
        vertices=vertices,
        id=our_id,
        score=score,
        attributes=metadata,
        image_index=image_index,
    )


def annotation_json(annotation: Annotation, *, as_strings: bool) -> dict[str, Any]:
    """Write one annotation; id and score travel in its metadata, which servers keep as it is.

    Args:
        annotation: normalized.
        as_strings: vertices as decimal strings, as the page's request schema has them, else as
            numbers, as its response schema has them.
    """
    result: dict[str, Any] = {
        'label': annotation.label,
        'type': annotation.type.value,
        'vertices': [
            {'x': _coordinate(v.x, as_strings), 'y': _coordinate(v.y, as_strings)}
            for v in annotation.vertices
        ],
    }
    metadata = dict(annotation.attributes)
    if annotation.id:
        metadata['id'] = annotation.id
    if annotation.score is not None:
        metadata['score'] = annotation.score
    if metadata:
        result['metadata'] = metadata
    if annotation.image_index is not None:
        result['image_idx'] = annotation.image_index
    return result


def _parse_type(value: Any, name: str) -> AnnotationType:
    try:
        return AnnotationType(value)
    except ValueError:
        kinds = ', '.join(kind.value for kind in AnnotationType)
        raise WireError(f'{name} must be one of {kinds}') from None


def _parse_vertices(value: Any, shape: AnnotationType, name: str) -> tuple[Vertex, ...]:
    given = expect_list(value, name)
    if len(given) > MAX_VERTICES:
        raise WireError(f'{name} has {len(given)} vertices; at most {MAX_VERTICES} are accepted')
    vertices = []
    for index, item in enumerate(given):
        point = expect_object(item, f'{name}[{index}]')
        x = expect_fraction(point.get('x'), f'{name}[{index}].x')
        y = expect_fraction(point.get('y'), f'{name}[{index}].y')
        vertices.append(Vertex(clamp(x), clamp(y)))
    allowed, rule = VERTEX_COUNTS[shape]
    if len(vertices) not in allowed:
        raise WireError(f'{name} has {len(vertices)} vertices; {rule}')
    if shape is not AnnotationType.BOUNDING_BOX:
        return tuple(vertices)
    box = hull(vertices)
    if box.x1 <= box.x0 or box.y1 <= box.y0:
        raise WireError(f'{name} is a bounding_box with no area')
    return corners(box)


def _coordinate(value: float, as_strings: bool) -> str | float:
    clamped = clamp(value)
    return decimal_text(clamped) if as_strings else clamped


def _score(value: Any) -> float | None:
    """Return a score; what is none stays in the metadata as it is."""
    try:
        return expect_number(value, 'score')
    except WireError:
        return None
