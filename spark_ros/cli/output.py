# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the command lines print: text that cannot steer a terminal, tables, JSON."""

from __future__ import annotations

import json
import math
import os
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TextIO

USUAL_WIDTH = 80
COLOURS = {
    'open': '33', 'pending': '33', 'assigned': '36', 'closed': '32', 'complete': '32',
    'flagged': '31', 'aborted': '31', 'expired': '31', 'canceled': '31',
}  # fmt: skip


def one_line(text: str) -> str:
    """Make a text one line that cannot steer a terminal."""
    line = ' '.join(text.split())
    return ''.join(char for char in line if not unicodedata.category(char).startswith('C'))


@dataclass(frozen=True)
class Terminal:
    """What a stream can show.

    Attributes:
        live: a line can be written over: it is a terminal that understands control sequences.
        colour: states are coloured.
        width: columns; None where nothing is to be cut, because it is no terminal.
    """

    live: bool = False
    colour: bool = False
    width: int | None = None

    def state(self, word: str, width: int = 0) -> str:
        """Colour a state that `one_line` has been through, padded to `width` columns."""
        text = pad(word, width)
        code = COLOURS.get(word)
        return f'\x1b[{code}m{text}\x1b[0m' if self.colour and code else text


def terminal(stream: TextIO, environment: Mapping[str, str] = os.environ) -> Terminal:
    """Find out what a stream can show; NO_COLOR and TERM=dumb are respected."""
    if not stream.isatty():
        return Terminal()
    live = environment.get('TERM', '') not in ('', 'dumb')
    return Terminal(live, live and not environment.get('NO_COLOR'), width_of(stream, environment))


def width_of(stream: TextIO, environment: Mapping[str, str] = os.environ) -> int:
    """Return how many columns a terminal has now; COLUMNS overrules it."""
    given = environment.get('COLUMNS', '')
    if given.isascii() and given.isdigit() and int(given):
        return int(given)
    with suppress(OSError, ValueError):
        return os.get_terminal_size(stream.fileno()).columns or USUAL_WIDTH
    return USUAL_WIDTH


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(_columns(char) for char in text)


def cut(text: str, width: int | None) -> str:
    """Cut a text to a number of columns; None leaves it whole."""
    if width is None or columns(text) <= width:
        return text
    kept, left = '', width - 1
    for char in text:
        left -= _columns(char)
        if left < 0:
            break
        kept += char
    return kept + '…' if width > 0 else ''


def pad(text: str, width: int) -> str:
    """Fill a text up with spaces to a number of columns."""
    return text + ' ' * (width - columns(text))


def as_table(rows: Sequence[Sequence[str]], shown_on: Terminal, state_column: int) -> str:
    """Lay rows out, the first of them the heading; the last column is cut to the terminal.

    Args:
        rows: texts that `one_line` has been through, equally many in each.
        shown_on: where it will be shown.
        state_column: which column holds the states.
    """
    widths = [max(columns(row[place]) for row in rows) for place in range(len(rows[0]) - 1)]
    used = sum(widths) + 2 * len(widths)
    left = None if shown_on.width is None else max(shown_on.width - used, 0)
    lines = []
    for row in rows:
        cells = [
            shown_on.state(cell, width) if place == state_column else pad(cell, width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=False))
        ]
        lines.append('  '.join([*cells, cut(row[-1], left)]).rstrip())
    return '\n'.join(lines)


def as_json(value: Any, indent: int | None = 2) -> str:
    """Write plain values as JSON, in ASCII; what JSON has no number for becomes null."""
    try:
        return json.dumps(value, indent=indent, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), indent=indent, allow_nan=False)


def _columns(char: str) -> int:
    if unicodedata.category(char) in ('Mn', 'Me'):
        return 0
    return 2 if unicodedata.east_asian_width(char) in 'WF' else 1


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
