# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""An answer to a Heat question in words, and with its marks on the picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row

from spark_ros.geometry import ImageSize
from spark_ros.service.heat.attachments import attachment_sizes
from spark_ros.service.heat.objects import asked_of
from spark_ros.wire.heat import HeatRequest


def shown(connection: Connection, row: Row[Any], response: Any) -> dict[str, Any]:
    """Return what a person reads and sees of a stored answer.

    Args:
        response: as it is stored; None where the question was flagged.

    Returns:
        `response`, in words, and `shapes` on the first attachment, whose vertices are fractions
        of it; marks on further attachments are in words.
    """
    asked = asked_of(row)
    if response is None or not asked.annotates:
        return {'response': _words(response), 'shapes': []}
    size = next(iter(attachment_sizes(connection, asked, row.tenant)), None)
    others = [mark for mark in response if size is None or mark.get('attachment_index')]
    return {
        'response': ', '.join(_mark_in_words(asked, mark) for mark in others),
        'shapes': [
            _shape(mark, size)
            for mark in response
            if size is not None and not mark.get('attachment_index')
        ],
    }


def _words(response: Any) -> str:
    if isinstance(response, list):
        return ', '.join(map(str, response))
    return '' if response is None else str(response)


def _mark_in_words(asked: HeatRequest, mark: Mapping[str, Any]) -> str:
    index = mark.get('attachment_index', 0)
    if 'start' in mark:
        place = repr(asked.attachments[index][mark['start'] : mark['end']])
    else:
        where = ', '.join(f'{mark[name]:g}' for name in ('x', 'y', 'x2', 'y2') if name in mark)
        place = f'({where})' if where else ''
    at = f'{mark["t"]:g} s' if 't' in mark else ''
    number = f'{index + 1}:' if len(asked.attachments) > 1 else ''
    return ' '.join(filter(None, (number, place, at, _words(mark.get('response')))))


def _shape(mark: Mapping[str, Any], size: ImageSize) -> dict[str, Any]:
    left, top = mark['x'] / size.width, mark['y'] / size.height
    if 'x2' not in mark:
        type_, points = 'dot', [(left, top)]
    else:
        right, bottom = mark['x2'] / size.width, mark['y2'] / size.height
        type_ = 'bounding_box'
        points = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return {
        'label': _words(mark.get('response')),
        'type': type_,
        'vertices': [{'x': x, 'y': y} for x, y in points],
        'became': 'added',
    }
