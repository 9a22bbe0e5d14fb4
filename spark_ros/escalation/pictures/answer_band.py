# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The band below an annotated picture: what the person said, and what the colours mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from spark_ros.drawing.canvas import SMALL, Canvas, legend_width, text_width
from spark_ros.drawing.marks import FAINT, INK, Colour, Style
from spark_ros.drawing.plain_text import is_plain
from spark_ros.escalation.question.escalation import Resolved
from spark_ros.model import State

ALERT: Colour = (90, 170, 255)
LINE = 22.0
MARGIN = 10.0
TEXT = 0.52
MAX_LINES = 3
MAX_WORD = 60
ENDED = {State.CLOSED: 'answered', State.FLAGGED: 'flagged', State.CANCELED: 'canceled'}
Legend = Sequence[tuple[str, Style]]


class _Line(NamedTuple):
    words: str
    ink: Colour
    size: float
    weight: float = 1.0


def band_height(width: int, unit: float, resolved: Resolved, legend: Legend) -> int:
    """Return how many pixels the band needs under an image of that width."""
    room = width - 2 * MARGIN * unit
    lines = len(_lines(unit, room, resolved)) + len(_rows(unit, room, legend))
    return round((2 * MARGIN + lines * LINE) * unit)


def draw_band(canvas: Canvas, top: int, resolved: Resolved, legend: Legend) -> None:
    """Draw the band, from `top` to the canvas' lower end."""
    unit = canvas.unit
    left, room = MARGIN * unit, canvas.width - 2 * MARGIN * unit
    y = top + (MARGIN + LINE / 2) * unit
    for line in _lines(unit, room, resolved):
        canvas.text(line.words, (left, y), line.ink, line.size, line.weight, room)
        y += LINE * unit
    for row in _rows(unit, room, legend):
        canvas.legend(row, left, y)
        y += LINE * unit


def _lines(unit: float, room: float, resolved: Resolved) -> list[_Line]:
    asked, answer = resolved.escalation, resolved.answer
    ended = ENDED.get(answer.state, answer.state.value)
    took = answer.received - asked.created if answer.received is not None else None
    head = ' - '.join(
        part
        for part in (
            asked.camera,
            ended if took is None or took < 0 else f'{ended} after {_duration(took)}',
            'late' if resolved.late else '',
            '' if is_plain(_said(resolved)) else 'in full on ~/resolutions',
        )
        if part
    )
    calm = answer.state is State.CLOSED
    lines = [_Line(head, FAINT if calm else ALERT, SMALL)]
    said = _wrapped(unit, room, _said(resolved))
    return lines + [_Line(words, INK, TEXT, 1.3) for words in said]


def _said(resolved: Resolved) -> str:
    """Return the person's words and choices, the most telling first."""
    answer = resolved.answer
    parts = [
        ', '.join(answer.answers),
        f'rating {answer.rating:g}' if answer.rating is not None else '',
        answer.response,
        answer.feedback,
        ', '.join(answer.flags),
    ]
    return '  |  '.join(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _wrapped(unit: float, room: float, words: str) -> list[str]:
    """Break text into lines; what does not fit into the last is cut off where it is drawn."""
    lines: list[str] = []
    for word in words.split():
        if lines and (
            len(lines) == MAX_LINES or text_width(f'{lines[-1]} {word}', TEXT, unit) <= room
        ):
            lines[-1] = f'{lines[-1]} {word}'[: MAX_WORD * MAX_LINES * 2]
        else:
            lines.append(word[: MAX_WORD * MAX_LINES])
    return lines


def _rows(unit: float, room: float, legend: Legend) -> list[list[tuple[str, Style]]]:
    rows: list[list[tuple[str, Style]]] = []
    for entry in legend:
        if not rows or legend_width([*rows[-1], entry], unit) > room:
            rows.append([])
        rows[-1].append(entry)
    return rows


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f'{seconds:.1f} s'
    minutes = round(seconds / 60)
    return f'{minutes} min' if minutes < 100 else f'{minutes / 60:.1f} h'
