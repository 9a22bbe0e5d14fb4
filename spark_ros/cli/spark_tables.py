# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How the `spark` command shows questions to people: a table, a page for one, a line for a change.

Times are local. No text of a service gets here past `one_line`. Pure but for the time zone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from spark_ros.cli.output import Terminal, as_table, cut, one_line, pad
from spark_ros.cli.spark_records import ANSWERED, Record, Shape, summary
from spark_ros.geometry import Box

HEADING = ('TOKEN', 'STATE', 'AGE', 'TOOK', 'ANSWER (or QUESTION)')
STATE_WIDTH = len('assigned')
TOKEN_WIDTH = 36
UNITS = (('d', 86_400), ('h', 3600), ('m', 60))


def table(records: Sequence[Record], now: float, shown_on: Terminal) -> str:
    """Lay questions out, one a line."""
    rows = [HEADING, *(_row(record, now) for record in records)]
    return as_table(rows, shown_on, state_column=1)


def page(records: Sequence[Record], shown_on: Terminal) -> str:
    """Show everything about a question; with several images, one after the other."""
    return '\n\n'.join('\n'.join(_page(record, shown_on)) for record in records)


def change_line(record: Record, now: float, shown_on: Terminal) -> str:
    """Return a line about the change of a question: its state, and its answer or its text."""
    start = f'{_local(now, "%H:%M:%S")}  '
    words = f'{pad(one_line(record.token), TOKEN_WIDTH)}  {_answer_or_question(record)}'
    left = None if shown_on.width is None else shown_on.width - len(start) - STATE_WIDTH - 2
    state = shown_on.state(one_line(record.state) or '-', STATE_WIDTH)
    return f'{start}{state}  {cut(words, left)}'.rstrip()


def duration(seconds: float) -> str:
    """Write seconds in at most four characters or so: `0.4s`, `7s`, `3m`, `2h`, `5d`."""
    if seconds < 1:
        return f'{max(seconds, 0.0):.1f}s'
    for unit, size in UNITS:
        if seconds >= size:
            return f'{int(seconds // size)}{unit}'
    return f'{int(seconds)}s'


def _row(record: Record, now: float) -> tuple[str, ...]:
    return (
        one_line(record.token) or '-',
        one_line(record.state) or '-',
        '-' if record.asked is None else duration(now - record.asked),
        '-' if record.took_s is None else duration(record.took_s),
        _answer_or_question(record) or '-',
    )


def _answer_or_question(record: Record) -> str:
    """The answer, else what is asked in parentheses."""
    if record.over:
        said = (record.feedback, record.answer, summary(record.shapes))
        flags = f'[{", ".join(record.flags)}]' if record.flags else ''
        return one_line(' '.join(filter(None, (flags, ': '.join(filter(None, said))))))
    asked = one_line(record.question or record.program)
    return f'({asked})' if asked else ''


def _page(record: Record, shown_on: Terminal) -> list[str]:
    took = '' if record.took_s is None else f', after {record.took_s:.1f} s'
    ended = 'answered' if record.state in ANSWERED else 'ended'
    rows = [
        ('token', one_line(record.token)),
        ('state', shown_on.state(one_line(record.state) or '-')),
        ('asked', _local(record.asked)),
        (ended, _local(record.closed) + took if record.closed is not None else ''),
        ('program', one_line(record.program)),
        ('question', one_line(record.question)),
        ('answer', one_line(record.answer)),
        ('reason', one_line(record.feedback)),
        ('flags', one_line(', '.join(record.flags))),
        ('shapes', summary(record.shapes)),
        *(('', _shape(shape, record.api)) for shape in record.shapes),
        *(('unreadable', one_line(problem)) for problem in record.problems),
        # Last: signed URLs take up whole lines.
        *(('image', one_line(image)) for image in record.images),
    ]
    width = max(len(name) for name, value in rows if value)
    return [f'{name.ljust(width)}  {value}' for name, value in rows if value]


def _shape(shape: Shape, api: str) -> str:
    image = '' if shape.image_index is None else f'image {shape.image_index + 1}: '
    text = f'{image}{shape.change.ljust(9)}  {_label_and_place(shape.label, shape.box, api)}'
    return f'{text}, was {_label_and_place(*shape.was, api)}' if shape.was else text


def _label_and_place(label: str, box: Box, api: str) -> str:
    def axis(low: float, high: float) -> str:
        ends = (low,) if low == high else (low, high)
        return ' to '.join(f'{end:.0f}' if api == 'heat' else f'{end:.3f}' for end in ends)

    unit = ' px' if api == 'heat' else ''
    return f'{one_line(label) or "-"}  x {axis(box.x0, box.x1)}, y {axis(box.y0, box.y1)}{unit}'


def _local(seconds: float | None, form: str = '%Y-%m-%d %H:%M:%S') -> str:
    if seconds is None:
        return ''
    try:
        return datetime.fromtimestamp(seconds).strftime(form)
    except (ValueError, OverflowError, OSError):
        return '-'
