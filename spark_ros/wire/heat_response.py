# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Check a person's answer against what a Heat request asks for."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from spark_ros.geometry import ImageSize
from spark_ros.wire.heat import MAX_ANNOTATIONS, MEDIA, HeatRequest, Prompt, Scale
from spark_ros.wire.values import (
    WireError,
    expect_list,
    expect_number,
    expect_object,
    expect_text,
    expect_url,
)

NUMBER = re.compile(r'\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*', re.ASCII)
GRID_SLACK = 1e-6  # of a step
MOST_PIXELS = 2**31 - 1  # on a side of any PNG


def check_response(
    request: HeatRequest, value: Any, sizes: Sequence[ImageSize | None] = ()
) -> Any:
    """Return an answer in the page's shape.

    Args:
        request: what was asked.
        value: the answer as the operator's form gives it.
        sizes: of the upright attachments in pixels, where known; annotations must lie within.

    Raises:
        WireError: the answer is not one to this request; the message says why.
    """
    if request.annotates:
        return _check_annotations(request, value, sizes)
    return _check_prompt(request.prompt, value, 'response')


def _check_prompt(prompt: Prompt, value: Any, name: str) -> Any:
    if prompt.choices is not None:
        chosen = [expect_text(item, name) for item in expect_list(value, name)]
        choices = prompt.choices
        strangers = [item for item in chosen if item not in choices.options]
        if strangers:
            raise WireError(f'{name} has {strangers[0]!r}, which is not one of the choices')
        if len(set(chosen)) != len(chosen):
            raise WireError(f'{name} has a choice twice')
        if len(chosen) < choices.least or 0 < choices.most < len(chosen):
            most = f' to {choices.most}' if choices.most else ' or more'
            raise WireError(f'{name} has {len(chosen)} choices; {choices.least}{most} are asked')
        return [option for option in choices.options if option in chosen]
    if prompt.scale is not None:
        number, scale = expect_number(value, name), prompt.scale
        rating = grid_value(number, scale)
        if rating is None:
            raise WireError(
                f'{name} is {number:g}; the scale goes from {scale.low:g} to {scale.high:g} '
                f'in steps of {scale.step:g}'
            )
        return _tidy(rating)
    if prompt.kind in MEDIA:
        return expect_url(value, name)
    text = expect_text(value, name)
    if not text.strip():
        raise WireError(f'{name} is empty')
    if prompt.validation == 'number' and not NUMBER.fullmatch(text):
        raise WireError(f'{name} must be a number')
    if prompt.validation == 'url':
        return expect_url(text, name)
    return text.strip() if prompt.validation else text


def _check_annotations(
    request: HeatRequest, value: Any, sizes: Sequence[ImageSize | None]
) -> list[dict[str, Any]]:
    given = expect_list(value, 'response')
    least, most = request.min_annotations, request.max_annotations or MAX_ANNOTATIONS
    if len(given) < least or len(given) > most:
        raise WireError(
            f'response has {len(given)} annotations; at least {least} and at most {most} are asked'
        )
    return [
        _check_annotation(request, expect_object(item, f'response[{i}]'), f'response[{i}]', sizes)
        for i, item in enumerate(given)
    ]


def _check_annotation(
    request: HeatRequest, item: Mapping[str, Any], name: str, sizes: Sequence[ImageSize | None]
) -> dict[str, Any]:
    several = len(request.attachments) > 1
    index = 0
    if several:
        number = expect_number(item.get('attachment_index'), f'{name}.attachment_index')
        if number not in range(len(request.attachments)):
            raise WireError(f'{name}.attachment_index is {number:g}; there is no such attachment')
        index = int(number)
    size = sizes[index] if index < len(sizes) else None
    result: dict[str, Any] = {}
    if request.attachments_type in ('text', 'audio'):
        result |= _check_span(request, item, name, request.attachments[index])
    else:
        result |= _check_place(request, item, name, size)
    if request.attachments_type in ('video', 'audio'):
        result['t'] = _tidy(_at_least_0(item.get('t'), f'{name}.t'))
    if several:
        result['attachment_index'] = index
    if request.per_annotation is not None:
        result['response'] = _check_prompt(
            request.per_annotation, item.get('response'), f'{name}.response'
        )
    return result


def _check_span(
    request: HeatRequest, item: Mapping[str, Any], name: str, text: str
) -> dict[str, Any]:
    """A place in a text: characters from `start` to before `end`; audio has only its `t`.

    A character is a Unicode code point, as in Python; JavaScript counts UTF-16 units.
    """
    if request.attachments_type == 'audio':
        return {}
    start = _at_least_0(item.get('start'), f'{name}.start')
    end = _at_least_0(item.get('end'), f'{name}.end')
    if not (start.is_integer() and end.is_integer() and start < end <= len(text)):
        raise WireError(f'{name} is not a span within the {len(text)} characters of the text')
    return {'start': int(start), 'end': int(end)}


def _check_place(
    request: HeatRequest, item: Mapping[str, Any], name: str, size: ImageSize | None
) -> dict[str, Any]:
    names = ('x', 'y', 'x2', 'y2') if request.annotations_type == 'rectangle' else ('x', 'y')
    place = {}
    for axis in names:
        pixel = _at_least_0(item.get(axis), f'{name}.{axis}')
        width, height = size or (MOST_PIXELS, MOST_PIXELS)
        longest = width if axis[0] == 'x' else height
        if pixel > longest:
            has = 'has' if size is not None else 'can have at most'
            raise WireError(f'{name}.{axis} is {pixel:g}; the image {has} {longest} pixels there')
        place[axis] = _tidy(pixel)
    if request.annotations_type == 'rectangle' and (
        place['x'] > place['x2'] or place['y'] > place['y2']
    ):
        raise WireError(f'{name} has x2 before x or y2 before y')
    return place


def _at_least_0(value: Any, name: str) -> float:
    number = expect_number(value, name)
    if number < 0:
        raise WireError(f'{name} is {number:g}; it must not be negative')
    return number


def _tidy(number: float) -> int | float:
    """Write a whole number as the page's examples do, without a decimal point."""
    return int(number) if float(number).is_integer() else number


def grid_value(value: float, scale: Scale) -> float | None:
    """Return the rating on the scale's grid that a number means, or None where it means none.

    The grid starts at the low end. A number may be off by what adding up steps in floating point
    makes of it: 0.1 + 0.2 means 0.3.
    """
    slack = scale.step * GRID_SLACK
    if not scale.low - slack <= value <= scale.high + slack:
        return None
    steps = (value - scale.low) / scale.step
    if not math.isfinite(steps) or abs(steps - round(steps)) > GRID_SLACK:
        return None
    exact = Decimal(repr(scale.low)) + round(steps) * Decimal(repr(scale.step))
    return min(float(exact), scale.high)
