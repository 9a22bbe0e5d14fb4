# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The types that all parts share: annotations, questions, corrections and answers.

Coordinates are normalized to [0, 1) (see `spark_ros.geometry`). Nothing here does I/O.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, cast

from spark_ros.geometry import Box, Vertex, clamp, corners, hull

MATCH_TOLERANCE = 1e-9
DOUBTED = 'doubted'
"""Among a prior's attributes: this one is asked about."""


class AnnotationType(str, Enum):
    """A shape, by the name both APIs' pages give it."""

    BOUNDING_BOX = 'bounding_box'
    POLYGON = 'polygon'
    DOT = 'dot'


@dataclass(frozen=True)
class Annotation:
    """A labelled shape on an image.

    Attributes:
        label: what it is said to be; may be empty.
        type: bounding box (four vertices clockwise from the top-left), polygon (three or more)
            or dot (one).
        vertices: normalized to [0, 1).
        id: ours, unique within a frame; empty where the sender gave none.
        score: the detector's confidence in [0, 1], or None.
        attributes: everything else that was said of it, as JSON values.
        image_index: which image of the request it is on, or None.
    """

    label: str
    type: AnnotationType
    vertices: tuple[Vertex, ...]
    id: str = ''
    score: float | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    image_index: int | None = None

    @property
    def box(self) -> Box:
        """The axis-aligned hull, normalized."""
        return hull(self.vertices)

    @property
    def doubted(self) -> bool:
        """Whether it is one of those that the question is about."""
        return DOUBTED in self.attributes


def box_annotation(label: str, box: Box, **rest: Any) -> Annotation:
    """Make a bounding-box annotation from a normalized box."""
    clamped = Box(*(clamp(value) for value in box))
    return Annotation(label, AnnotationType.BOUNDING_BOX, corners(clamped), **rest)


class QuestionKind(str, Enum):
    """The kind of answer that a question asks for."""

    ANNOTATE = 'annotate'
    MULTIPLE_CHOICE = 'multiple_choice'
    FREE_TEXT = 'free_text'
    RATING = 'rating'


@dataclass(frozen=True)
class Question:
    """What a person is asked about an image."""

    kind: QuestionKind = QuestionKind.ANNOTATE
    instructions: str = ''
    label_options: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    min_answers: int = 1
    max_answers: int = 0
    validation: str = ''
    rating_min: float = 0.0
    rating_max: float = 100.0
    rating_step: float = 1.0
    label_min: str = ''
    label_max: str = ''


class State(str, Enum):
    """Where a question stands, over its whole life on the robot and on the service."""

    QUEUED = 'queued'
    OPEN = 'open'
    ASSIGNED = 'assigned'
    CLOSED = 'closed'
    FLAGGED = 'flagged'
    FAILED = 'failed'
    EXPIRED = 'expired'
    CANCELED = 'canceled'
    WOULD_ASK = 'would_ask'

    @property
    def terminal(self) -> bool:
        """Whether the state is final. An EXPIRED question may still get a late answer."""
        return self in TERMINAL


TERMINAL = frozenset(
    {State.CLOSED, State.FLAGGED, State.FAILED, State.EXPIRED, State.CANCELED, State.WOULD_ASK}
)


class CorrectionKind(str, Enum):
    """What a person did to a prior annotation."""

    CONFIRMED = 'confirmed'
    MODIFIED = 'modified'
    ADDED = 'added'
    REMOVED = 'removed'
    UNMENTIONED = 'unmentioned'


@dataclass(frozen=True)
class Correction:
    """One change: `original` is None for ADDED, `corrected` is None for REMOVED."""

    kind: CorrectionKind
    original: Annotation | None
    corrected: Annotation | None


@dataclass(frozen=True)
class Answer:
    """What came back for one question, whichever API carried it.

    Attributes:
        created, closed: Unix seconds by the service's clock, or None.
        received: Unix seconds by the clock of who asked, or None.
    """

    state: State
    response: str = ''
    answers: tuple[str, ...] = ()
    rating: float | None = None
    corrections: tuple[Correction, ...] = ()
    feedback: str = ''
    flags: tuple[str, ...] = ()
    image_url: str = ''
    created: float | None = None
    closed: float | None = None
    received: float | None = None

    @property
    def annotations(self) -> tuple[Annotation, ...]:
        """The final list: every correction's outcome, removed ones left out."""
        return tuple(c.corrected for c in self.corrections if c.corrected is not None)


def same_shape(a: Annotation, b: Annotation) -> bool:
    """Whether two annotations have the label, type and vertices of one another."""
    return a.label == b.label and a.type == b.type and same_vertices(a, b)


def same_vertices(a: Annotation, b: Annotation) -> bool:
    """Whether two annotations are at the same place, within what rounding may do to them."""
    return len(a.vertices) == len(b.vertices) and all(
        abs(p.x - q.x) <= MATCH_TOLERANCE and abs(p.y - q.y) <= MATCH_TOLERANCE
        for p, q in zip(a.vertices, b.vertices, strict=True)
    )


def match_priors(
    priors: Sequence[Annotation], said: Sequence[Annotation | None]
) -> list[int | None]:
    """Find which prior each statement of a server means, no prior twice.

    A statement that kept one of our ids means that prior and no other; the rest are matched by
    shape and label to those that are left, in order.

    Returns:
        For each statement the prior's index, or None.
    """
    with_id: dict[str, list[int]] = {}
    for index, prior in enumerate(priors):
        if prior.id:
            with_id.setdefault(prior.id, []).append(index)
    matches: list[int | None] = [None] * len(said)
    taken: set[int] = set()
    for place, statement in enumerate(said):
        if statement is not None and with_id.get(statement.id):
            matches[place] = with_id[statement.id].pop(0)
            taken.add(cast(int, matches[place]))
    # Sorted by where they begin, so that ten thousand priors are not compared with one another.
    left = sorted(
        (priors[index].vertices[0].x, index) for index in range(len(priors)) if index not in taken
    )
    for place, statement in enumerate(said):
        if statement is None or statement.id in with_id:
            continue
        x = statement.vertices[0].x
        start = bisect_left(left, (x - MATCH_TOLERANCE, -1))
        end = bisect_right(left, (x + MATCH_TOLERANCE, len(priors)))
        same = [index for _, index in left[start:end] if same_shape(priors[index], statement)]
        matches[place] = min((index for index in same if index not in taken), default=None)
        if matches[place] is not None:
            taken.add(cast(int, matches[place]))
    return matches


def corrections_from_statements(
    priors: Sequence[Annotation],
    changed: Iterable[tuple[Annotation | None, Annotation]],
    confirmed: Iterable[Annotation] = (),
    removed: Iterable[Annotation] = (),
) -> tuple[Correction, ...]:
    """Derive the corrections from what a server said about the priors (SparkAI).

    Args:
        priors: what was asked, in order.
        changed: (original or None, corrected) pairs; a None original is an added shape.
        confirmed: priors that the server says stand.
        removed: priors that the server says are wrong.

    Returns:
        One correction per prior, in the order asked, then the additions. A prior that nobody
        mentions is UNMENTIONED and stands as it was.
    """
    changed, confirmed, removed = list(changed), list(confirmed), list(removed)
    originals = [original for original, _ in changed]
    matches = iter(match_priors(priors, [*originals, *confirmed, *removed]))
    said: dict[int, Correction] = {}
    added: list[Correction] = []
    for _, corrected in changed:
        if (index := next(matches)) is None:
            added.append(Correction(CorrectionKind.ADDED, None, corrected))
        else:
            kept = replace(corrected, id=priors[index].id or corrected.id)
            said[index] = Correction(CorrectionKind.MODIFIED, priors[index], kept)
    for _ in confirmed:
        if (index := next(matches)) is not None:
            said[index] = Correction(CorrectionKind.CONFIRMED, priors[index], priors[index])
    for _ in removed:
        if (index := next(matches)) is not None:
            said[index] = Correction(CorrectionKind.REMOVED, priors[index], None)
    of_priors = [
        said.get(index, Correction(CorrectionKind.UNMENTIONED, prior, prior))
        for index, prior in enumerate(priors)
    ]
    return (*of_priors, *added)
