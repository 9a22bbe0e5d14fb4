# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What is drawn of annotations and corrections: where, in which colour, with which words. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from spark_ros.geometry import Box, hull
from spark_ros.model import Annotation, Correction, CorrectionKind, same_vertices

Colour = tuple[int, int, int]
"""(blue, green, red)."""
Points = Sequence[tuple[float, float]]
"""An outline in fractions of the picture; one point is a dot, none is nowhere."""
Place = Callable[[Annotation], Points]
"""Where an annotation is on the picture."""
MAX_VERTICES = 2000


@dataclass(frozen=True)
class Style:
    """How one kind of shape looks, and its name in the legend.

    Attributes:
        weight: of its lines, in design pixels; 3 for what a person changed.
    """

    name: str
    colour: Colour
    weight: float = 2.0
    dashed: bool = False


Entry = tuple[str, Style]
"""Of a legend."""
PAPER: Colour = (38, 33, 30)
INK: Colour = (245, 243, 240)
FAINT: Colour = (190, 182, 176)
WHITE: Colour = (240, 240, 240)
# Okabe and Ito's colours, which colour-blind people tell apart.
PRIOR = Style('prior', WHITE)
DOUBTED = Style('doubted', (0, 159, 230))
BEFORE = Style('before', WHITE, dashed=True)
STYLES = {
    kind: Style(kind.value, colour, weight)
    for kind, colour, weight in (
        (CorrectionKind.MODIFIED, (66, 228, 240), 3.0),
        (CorrectionKind.ADDED, (233, 180, 86), 3.0),
        (CorrectionKind.REMOVED, (0, 94, 213), 3.0),
        (CorrectionKind.CONFIRMED, (115, 158, 0), 2.0),
        (CorrectionKind.UNMENTIONED, (170, 170, 170), 2.0),
    )
}


@dataclass(frozen=True)
class Mark:
    """One thing to draw.

    Attributes:
        words: its label; none is drawn where they are empty.
        now: its outline; none where it was removed.
        was: its outline before, where that is another or where it was removed.
    """

    style: Style
    words: str
    now: Points
    was: Points = ()

    @property
    def around(self) -> Box:
        """The axis-aligned hull."""
        return hull(self.now or self.was)


def outline(vertices: Iterable[tuple[float, float]]) -> Points:
    """Return an outline cut to the picture, or none where it is not on it."""
    found = list(vertices)
    found = found[:: len(found) // MAX_VERTICES + 1]
    if not found or not all(math.isfinite(x) and math.isfinite(y) for x, y in found):
        return []
    box = hull(found)
    if box.x1 < 0 or box.y1 < 0 or box.x0 > 1 or box.y0 > 1:
        return []
    return [(min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)) for x, y in found]


def prior_mark(prior: Annotation, where: Points, style: Style | None = None) -> Mark:
    """Return the mark of what the robot thinks, in its own style unless one is given."""
    score = f'  {prior.score:.0%}' if prior.score is not None else ''
    words = _name(prior) + score + (' ?' if prior.doubted else '')
    return Mark(style or (DOUBTED if prior.doubted else PRIOR), words, where)


def correction_mark(correction: Correction, before: Place, after: Place) -> Mark:
    """Return the mark of what the person did.

    Args:
        correction: has an original or a corrected annotation, or both.
        before: of the original.
        after: of the corrected.
    """
    kind, original, corrected = correction.kind, correction.original, correction.corrected
    was = before(original) if original is not None else ()
    if corrected is None:
        return Mark(STYLES[kind], f'not {_name(original)}', (), was)
    words = _name(corrected)
    if original is None:
        return Mark(STYLES[kind], f'+ {words}', after(corrected))
    if kind is CorrectionKind.MODIFIED and original.label != corrected.label:
        words = f'{_name(original)} > {words}'
    if same_vertices(original, corrected):
        return Mark(STYLES[kind], words, was)
    return Mark(STYLES[kind], words, after(corrected), was)


def on_picture(marks: Iterable[Mark]) -> list[Mark]:
    """Leave out marks without a place."""
    return [mark for mark in marks if mark.now or mark.was]


def legend(marks: Sequence[Mark]) -> list[Entry]:
    """Say what the colours of marks mean, and how many there are of each."""
    entries = [
        (f'{count} {style.name}', style)
        for style in (PRIOR, DOUBTED, *STYLES.values())
        if (count := sum(mark.style is style for mark in marks))
    ]
    if any(mark.style is BEFORE or (mark.was and mark.now) for mark in marks):
        entries.append((BEFORE.name, BEFORE))
    return entries


def _name(shape: Annotation | None) -> str:
    return (shape and shape.label) or 'object'
