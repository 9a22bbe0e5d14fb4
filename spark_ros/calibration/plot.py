# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A plot as SVG for a page: no script, nothing loaded."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from types import MappingProxyType

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 28, 44
PARTS = 5
LETTER = 7
"""About the width of a letter in the size of the texts."""

STYLE = """
.grid { stroke: #8884; } .axis { fill: currentColor; }
.line { fill: none; stroke: #1f6feb; stroke-width: 2; } .dot { fill: #1f6feb; }
.second { stroke: #1a7f37; } .promise { stroke: #d1242f; stroke-dasharray: 6 4; }
.chosen, .named { fill: #d1242f; } .present { fill: none; stroke: #8250df; stroke-width: 3; }
@media (prefers-color-scheme: dark) {
  .line { stroke: #58a6ff; } .dot { fill: #58a6ff; } .second { stroke: #3fb950; }
  .present { stroke: #bc8cff; } .promise { stroke: #ff7b72; } .chosen, .named { fill: #ff7b72; } }
"""

Point = tuple[float, float]


@dataclass(frozen=True)
class Series:
    """Points, joined by a line or each a dot; a line with a name has it in a legend."""

    points: Sequence[Point]
    dots: bool = False
    name: str = ''


def plot(
    series: Series, x_name: str, y_name: str, *, promise: float | None = None,
    chosen: Point | None = None, present: Point | None = None, second: Series | None = None,
    named: Mapping[str, Point] = MappingProxyType({}),
) -> str:  # fmt: skip
    """Return a plot; both axes begin at 0.

    Args:
        series: what is shown.
        x_name: under the axis.
        y_name: above the axis.
        promise: a height that is to be kept, as a dashed line.
        chosen: a filled point.
        present: a ring.
        second: a line in another colour.
        named: further points, each with its name beside it.
    """
    marks = [point for point in (chosen, present, *named.values()) if point is not None]
    shown = [*series.points, *(second.points if second else ()), *marks]
    x_most = round_up(max(x for x, _ in shown))
    y_most = round_up(max([*(y for _, y in shown), (promise or 0.0) * 1.2]))

    def at(point: Point) -> tuple[str, str]:
        x = LEFT + point[0] / x_most * (WIDTH - LEFT - RIGHT)
        y = HEIGHT - BOTTOM - point[1] / y_most * (HEIGHT - TOP - BOTTOM)
        return f'{x:.1f}', f'{y:.1f}'

    made = []
    for part in range(PARTS + 1):
        (x, _), (_, y) = at((x_most * part / PARTS, 0)), at((0, y_most * part / PARTS))
        made += [
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>',
            _text(str(LEFT - 6), str(float(y) + 4), f'{y_most * part / PARTS:.3g}', 'end'),
            _text(x, str(HEIGHT - BOTTOM + 16), f'{x_most * part / PARTS:.3g}', 'middle'),
        ]
    made.append(_text(str(WIDTH // 2), str(HEIGHT - 8), x_name, 'middle'))
    made.append(_text('8', '14', y_name, 'start'))
    if promise is not None:
        _, y = at((0, promise))
        made.append(f'<line class="promise" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
    if series.dots:
        made += [_circle(at(point), 'dot', 3) for point in series.points]
    else:
        made.append(_line(map(at, series.points), 'line'))
    if second is not None:
        made.append(_line(map(at, second.points), 'line second'))
    lines = {'line': series, **({'line second': second} if second else {})}
    for row, (kind, each) in enumerate(lines.items()):
        if each.name:
            level, end = TOP + 14 + row * 18, WIDTH - RIGHT
            made += [
                _line([(str(end - 28), str(level)), (str(end), str(level))], kind),
                _text(str(end - 34), str(level + 4), each.name, 'end'),
            ]
    if present is not None:
        made.append(_circle(at(present), 'present', 7))
    if chosen is not None:
        made.append(_circle(at(chosen), 'chosen', 6))
    for words, point in named.items():
        x, y = at(point)
        left = float(x) + LETTER * len(words) > WIDTH - RIGHT
        beside = str(float(x) + (-9 if left else 9))
        made += [
            _circle((x, y), 'named', 5),
            _text(beside, str(float(y) - 7), words, 'end' if left else 'start'),
        ]
    name = escape(f'{y_name} against {x_name}')
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{name}">'
        + ''.join(made) + '</svg>'
    )  # fmt: skip


def as_file(svg: str) -> str:
    """Return a plot as an SVG file of its own, in the colours that the reader prefers."""
    page = (
        'svg { color: #1c2128; background: #fff; font-family: system-ui, sans-serif; }'
        '@media (prefers-color-scheme: dark) { svg { color: #e6edf3; background: #0d1117; } }'
    )
    head, _, rest = svg.partition('>')
    return (
        f'{head} xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}">'
        f'<style>{page}{STYLE}</style>{rest}\n'
    )


def round_up(most: float) -> float:
    """Return the end of an axis whose fifths are short numbers; 1 if all is 0."""
    if most <= 0.0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(most))
    # The next power as well: rounding may make a number seem longer than it is.
    return next(end * power for end in (1.0, 1.5, 2.0, 2.5, 4.0, 5.0, 10.0, 20.0)
                if most <= end * power * (1 + 1e-12))


def _line(places: Iterable[tuple[str, str]], name: str) -> str:
    points = ' '.join(','.join(place) for place in places)
    return f'<polyline class="{name}" points="{points}"/>'


def _circle(place: tuple[str, str], name: str, radius: int) -> str:
    return f'<circle class="{name}" cx="{place[0]}" cy="{place[1]}" r="{radius}"/>'


def _text(x: str, y: str, text: str, anchor: str) -> str:
    return (
        f'<text class="axis" x="{x}" y="{y}" font-size="12" text-anchor="{anchor}">'
        f'{escape(text)}</text>'
    )
