# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The band below an annotated picture: what the person said, and what the colours mean."""

from __future__ import annotations

from collections.abc import Sequence

from spark_ros.drawing.canvas import LINE, SMALL, Canvas, text_width
from spark_ros.drawing.marks import FAINT, INK, Colour, Entry
from spark_ros.drawing.plain_text import is_plain
from spark_ros.escalation.question.escalation import Resolved
from spark_ros.model import State

ALERT: Colour = (90, 170, 255)
MARGIN = 10.0
TEXT = 0.52
MAX_LINES = 3
MAX_WORD = 60
ENDED = {State.CLOSED: 'answered', State.FLAGGED: 'flagged', State.CANCELED: 'canceled'}
# In design pixels: the head, what was said, and at most seven rows of a legend.
MAX_HEIGHT = 2 * MARGIN + (1 + MAX_LINES + 7) * LINE


def draw_band(canvas: Canvas, top: int, resolved: Resolved, legend: Sequence[Entry]) -> int:
    """Draw the band below `top`, as high as it must be; return where it ends."""
    unit, said = canvas.unit, _said(resolved)
    left, room = MARGIN * unit, canvas.width - 2 * MARGIN * unit
    y = top + (MARGIN + LINE / 2) * unit
    ink = FAINT if resolved.answer.state is State.CLOSED else ALERT
    canvas.text(_head(resolved, said), (left, y), ink, SMALL, room=room)
    for words in _wrapped(said, room, unit):
        y += LINE * unit
        canvas.text(words, (left, y), INK, TEXT, 1.3, room)
    if legend:
        y = canvas.legend(legend, left, y + LINE * unit, room)
    return round(y + (MARGIN + LINE / 2) * unit)


def _head(resolved: Resolved, said: str) -> str:
    asked, answer = resolved.escalation, resolved.answer
    ended = ENDED.get(answer.state, answer.state.value)
    took = answer.received - asked.created if answer.received is not None else -1.0
    parts = (
        asked.camera,
        ended if took < 0 else f'{ended} after {_duration(took)}',
        'late' if resolved.late else '',
        '' if is_plain(said) else 'in full on ~/resolutions',
    )
    return ' - '.join(filter(None, parts))


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


def _wrapped(words: str, room: float, unit: float) -> list[str]:
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


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f'{seconds:.1f} s'
    minutes = round(seconds / 60)
    return f'{minutes} min' if minutes < 100 else f'{minutes / 60:.1f} h'
