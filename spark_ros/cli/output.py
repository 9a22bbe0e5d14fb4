# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the command lines print: tables for people, JSON for programs."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from spark_ros.wire.spark import ChangedAnnotation, Engagement
from spark_ros.wire.values import format_time


def say(text: str) -> str:
    """Make a text one line that cannot steer a terminal."""
    line = ' '.join(text.split())
    return ''.join(char for char in line if not unicodedata.category(char).startswith('C'))


def print_json(value: Any) -> None:
    """Print anything of ours as JSON; vertices are fractions of the image, times Unix seconds."""
    print(json.dumps(_plain(value), indent=2, ensure_ascii=True))


def as_table(engagements: Sequence[Engagement]) -> str:
    """Lay engagements out as a table, each answer's shapes beneath it."""
    rows = [('TOKEN', 'STATE', 'CREATED', 'CLOSED', 'RESPONSE')]
    details: list[list[str]] = [[]]
    for item in engagements:
        created, closed = format_time(item.date_created), format_time(item.date_closed)
        flags = f'[{", ".join(item.flags)}] ' if item.flags else ''
        rows.append(
            (
                say(item.token) or '-',
                say(item.state) or '-',
                created or '-',
                closed or '-',
                say(flags + item.response) or '-',
            )
        )
        details.append(
            [f'  {say(_changed(shape))}' for shape in item.annotations]
            + [f'  confirmed: {say(shape.label)}' for shape in item.confirmed or ()]
            + [f'  removed: {say(shape.label)}' for shape in item.removed or ()]
            + [f'  unreadable: {say(problem)}' for problem in item.problems]
        )
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = []
    for row, beneath in zip(rows, details, strict=True):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        lines += ['  '.join([*cells, row[4]]), *beneath]
    return '\n'.join(lines)


def _changed(shape: ChangedAnnotation) -> str:
    corrected = shape.corrected
    box = ', '.join(f'{value:.4f}' for value in corrected.box)
    text = f'{corrected.type.value} {corrected.label!r} ({box})'
    if shape.original is None:
        return f'added: {text}'
    before = ', '.join(f'{value:.4f}' for value in shape.original.box)
    return f'modified: {text}, was {shape.original.label!r} ({before})'


def _plain(value: Any) -> Any:
    if isinstance(value, Engagement):
        return asdict(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
