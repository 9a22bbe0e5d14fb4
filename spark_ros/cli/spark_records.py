# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the `spark` command knows of one question, whichever API carried it. Pure.

Everything here may hold whatever a service sent; `spark_ros.cli.spark_tables` makes it fit to
be shown.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from spark_ros.clients import Changes
from spark_ros.geometry import Box, corners, hull
from spark_ros.model import Annotation
from spark_ros.wire.heat import HeatObject
from spark_ros.wire.spark import Engagement
from spark_ros.wire.values import parse_time

HEAT_DATES = ('date_created', 'date_closed')
NAMED_ABOVE = {*HEAT_DATES, 'instruction'}
FLAGGED = 'flagged'
ANSWERED = {'closed', 'complete'}


@dataclass(frozen=True)
class Shape:
    """A shape of an answer.

    Attributes:
        change: `confirmed`, `modified`, `added`, `removed` (SparkAI) or `marked` (Heat).
        points: its vertices: fractions of the image (SparkAI) or pixels (Heat); closed, unless
            it is one point.
        was: the label before, and the hull; of a modified shape.
    """

    change: str
    label: str
    points: tuple[tuple[float, float], ...]
    was: tuple[str, Box] | None = None
    image_index: int | None = None

    @property
    def box(self) -> Box:
        """Its hull, in the same frame."""
        return hull(self.points)


@dataclass(frozen=True)
class Record:
    """One question as it is now.

    Attributes:
        state: the API's own word, except that what is closed with the flag `flagged` is
            `flagged`, and what ended without anybody's answer `expired` or `canceled`; empty
            where the service says none.
        over: no answer is to be waited for any more.
        asked, closed: Unix seconds by the service's clock, or None.
        answer: in words; empty where there are none.
        feedback: why it was flagged.
        images: their URLs.
        plain: everything, as plain values for JSON.
    """

    api: str
    token: str
    state: str
    over: bool
    asked: float | None
    closed: float | None
    question: str
    program: str
    answer: str
    feedback: str
    flags: tuple[str, ...]
    images: tuple[str, ...]
    shapes: tuple[Shape, ...]
    problems: tuple[str, ...]
    plain: Mapping[str, Any]

    @property
    def took_s(self) -> float | None:
        """How long the answer took, where both times are known."""
        return None if self.asked is None or self.closed is None else self.closed - self.asked


def summary(shapes: Sequence[Shape]) -> str:
    """Count shapes by what became of them: `2 confirmed, 1 added`."""
    counted = Counter(shape.change for shape in shapes)
    return ', '.join(f'{number} {change}' for change, number in counted.items())


def states_of(records: Sequence[Record]) -> str:
    """Say the states of the images of one question: `closed`, or `1 closed, 2 open`."""
    counted = Counter(record.state for record in records)
    if len(counted) == 1:
        return next(iter(counted))
    return ', '.join(f'{number} {state}' for state, number in counted.items())


def record_of_engagement(said: Engagement, extensions: Container[str] | None) -> Record:
    """Read an engagement of SparkAI, of a service that announces these extensions."""
    over, ending = said.state == 'closed', said.ending(extensions)
    state = FLAGGED if over and FLAGGED in said.flags else said.state
    shown_by_state = {FLAGGED, ending.value} if ending else {FLAGGED}
    return Record(
        api='spark',
        token=said.token,
        state=ending.value if ending else state,
        over=over,
        asked=said.date_created,
        closed=said.date_closed,
        question=said.instructions,
        program=said.program_name,
        answer=said.response,
        feedback=said.feedback,
        flags=tuple(flag for flag in said.flags if flag not in shown_by_state),
        images=(said.image_location,) if said.image_location else (),
        shapes=tuple(_changes(said)) if over else (),
        problems=said.problems,
        plain={'api': 'spark', **asdict(said)},
    )


def record_of_request(said: HeatObject, extensions: Container[str] | None) -> Record:
    """Read a Request object of Heat, of a service that announces these extensions."""
    asked, closed = (parse_time(said.extra.get(name)) for name in HEAT_DATES)
    shapes, words, problems = _response(said.response)
    shown = said.extra.get('attachments_type') == 'image'
    images = said.extra.get('attachments') if shown else ()
    question = _text(said.extra.get('instruction'))
    return Record(
        api='heat',
        token=said.id,
        state='expired' if said.expired(extensions) else said.status,
        over=not said.pending,
        asked=asked,
        closed=closed,
        question=question,
        program='',
        answer=words,
        feedback=said.feedback,
        flags=(),
        images=tuple(map(_text, images)) if isinstance(images, list) else (),
        shapes=shapes,
        problems=problems,
        plain={
            'api': 'heat',
            'token': said.id,
            'state': said.status,
            'date_created': asked,
            'date_closed': closed,
            'type': said.type,
            'instructions': question,
            'response': said.response,
            'feedback': said.feedback,
            'crunchers': list(said.crunchers),
            'extra': {name: said.extra[name] for name in said.extra if name not in NAMED_ABOVE},
        },
    )


def records_of_changes(said: Changes, extensions: Container[str] | None) -> list[Record]:
    """Read a batch of changes; a key belongs to one API, so one of the two parts is empty."""
    return [
        *(record_of_engagement(each, extensions) for each in said.spark),
        *(record_of_request(each, extensions) for each in said.heat),
    ]


def _changes(said: Engagement) -> list[Shape]:
    return [
        *(_shape('confirmed', prior) for prior in said.confirmed or ()),
        *(
            _shape('modified' if each.original else 'added', each.corrected, each.original)
            for each in said.annotations
        ),
        *(_shape('removed', prior) for prior in said.removed or ()),
    ]


def _shape(change: str, annotation: Annotation, before: Annotation | None = None) -> Shape:
    was = None if before is None else (before.label, before.box)
    return Shape(change, annotation.label, annotation.vertices, was, annotation.image_index)


def _response(response: Any) -> tuple[tuple[Shape, ...], str, tuple[str, ...]]:
    """Read an answer of any type as shapes, words, and what could not be read."""
    if response is None:
        return (), '', ()
    marks = response if isinstance(response, list) else []
    if not any(isinstance(mark, Mapping) for mark in marks):
        return (), 'nothing' if response == [] else _words(response), ()
    shapes, problems = [], []
    for index, mark in enumerate(marks):
        shape = _mark(mark)
        if shape is None:
            problems.append(f'response[{index}]: {_words(mark)}')
        else:
            shapes.append(shape)
    return tuple(shapes), '', tuple(problems)


def _mark(mark: Any) -> Shape | None:
    """Read one mark of an answer; None where it is not on a picture."""
    if not isinstance(mark, Mapping):
        return None
    try:
        x, y = float(mark['x']), float(mark['y'])
        flat = mark.get('x2') is None
        x2, y2 = (x, y) if flat else (float(mark['x2']), float(mark['y2']))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    if not all(map(math.isfinite, (x, y, x2, y2))):
        return None
    index = mark.get('attachment_index')
    return Shape(
        'marked',
        _words(mark['response']) if mark.get('response') is not None else '',
        ((x, y),) if flat else corners(Box(x, y, x2, y2)),
        None,
        index if isinstance(index, int) else None,
    )


def _words(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ', '.join(value)
    if isinstance(value, float):
        return f'{value:g}'
    return json.dumps(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ''
