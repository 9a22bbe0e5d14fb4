# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A question in the coordinates of the image that is sent, and its answer back in the frame's.

Pure. The service only ever sees the image that is sent; everybody on the robot only the frame.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from spark_ros.escalation.question.escalation import Escalation
from spark_ros.escalation.question.outgoing_image import OutgoingImage
from spark_ros.geometry import Box, Vertex, clamp, corners, hull
from spark_ros.model import (
    Annotation,
    AnnotationType,
    Answer,
    Correction,
    CorrectionKind,
    same_vertices,
)

STANDS = (CorrectionKind.CONFIRMED, CorrectionKind.UNMENTIONED)
TOLERANCE = 1e-6


def as_sent(asked: Escalation) -> Escalation:
    """Return the question as the service sees it: its image is all there is.

    A prior outside of what is sent is left out, one across its edge is cut off there. Of an audit
    nobody sees what the detector was sure of: the priors have other ids, too.
    """
    if asked.audit:
        asked = replace(asked, priors=_blind(asked.priors))
    outgoing = asked.outgoing
    if outgoing is None:
        return asked
    priors = asked.priors
    if not outgoing.whole:
        priors = tuple(seen for prior in priors if (seen := _seen(prior, outgoing)))
    return replace(asked, priors=priors, image_size=outgoing.size, outgoing=None)


def in_frame(asked: Escalation, answer: Answer) -> Answer:
    """Return the answer to `as_sent(asked)` as one to the question about the whole frame.

    A prior that was left out of the question is UNMENTIONED. What a person left where it was is
    where the prior was, and a side of a box at the image's edge, where the prior went on, too:
    nobody could see more of it.
    """
    if asked.audit:
        answer = replace(answer, corrections=_of_priors(asked.priors, answer.corrections))
    outgoing = asked.outgoing
    if outgoing is None or outgoing.whole:
        return answer
    of_priors = [c for c in answer.corrections if c.original is not None]
    added = [c for c in answer.corrections if c.original is None]
    corrections = [replace(c, corrected=_placed(c.corrected, outgoing)) for c in added]
    seen = [_seen(prior, outgoing) for prior in asked.priors]
    # An end without an answer says nothing of any prior.
    if of_priors or not any(seen):
        said = iter(of_priors)
        corrections[:0] = [
            Correction(CorrectionKind.UNMENTIONED, prior, prior)
            if sent is None
            else _correction(prior, sent, next(said), outgoing)
            for prior, sent in zip(asked.priors, seen, strict=True)
        ]
    return replace(answer, corrections=tuple(corrections))


def _from_left_to_right(priors: Iterable[Annotation]) -> list[Annotation]:
    """Return priors in an order, and so with numbers, that tells nothing of their scores.

    Detectors sort by score.
    """
    return sorted(priors, key=lambda prior: (prior.box, prior.label))


def _blind(priors: Iterable[Annotation]) -> tuple[Annotation, ...]:
    """Return priors without scores and attributes, numbered from left to right."""
    return tuple(
        replace(prior, id=str(number), score=None, attributes={})
        for number, prior in enumerate(_from_left_to_right(priors))
    )


def _of_priors(
    priors: Iterable[Annotation], corrections: Iterable[Correction]
) -> tuple[Correction, ...]:
    """Return corrections of blind priors as ones of the priors themselves, in their order."""
    given = tuple(priors)
    blind = {prior.id: str(number) for number, prior in enumerate(_from_left_to_right(given))}
    of_ids = {c.original.id: c for c in corrections if c.original is not None}
    again = []
    for prior in given:
        if (correction := of_ids.get(blind[prior.id])) is not None:
            corrected = correction.corrected and replace(correction.corrected, id=prior.id)
            if correction.kind in STANDS:
                corrected = prior
            again.append(Correction(correction.kind, prior, corrected))
    return (*again, *(c for c in corrections if c.original is None))


def _correction(
    prior: Annotation, sent: Annotation, correction: Correction, outgoing: OutgoingImage
) -> Correction:
    corrected = correction.corrected
    if corrected is None:
        return Correction(correction.kind, prior, None)
    if correction.kind in STANDS:
        return Correction(correction.kind, prior, prior)
    if same_vertices(sent, corrected):
        return Correction(correction.kind, prior, replace(corrected, vertices=prior.vertices))
    placed = _placed(corrected, outgoing)
    if placed is not None and _boxes(prior, placed):
        box = _beyond(prior.box, corrected.box, placed.box, outgoing)
        placed = replace(placed, vertices=corners(box))
    return Correction(correction.kind, prior, placed)


def _seen(prior: Annotation, outgoing: OutgoingImage) -> Annotation | None:
    """Return a prior as it is on the image that is sent, or None where it is not on it.

    Less than a pixel at the edge, of one that lies outside, is nothing to ask about.
    """
    vertices = [outgoing.to_sent(vertex) for vertex in prior.vertices]
    box = hull(vertices)
    inside = min(box) >= -TOLERANCE and max(box) <= 1 + TOLERANCE
    across = (min(box.x1, 1.0) - max(box.x0, 0.0)) * outgoing.size.width
    down = (min(box.y1, 1.0) - max(box.y0, 0.0)) * outgoing.size.height
    if not inside and min(across, down) < 1.0:
        return None
    seen = replace(prior, vertices=tuple(Vertex(clamp(v.x), clamp(v.y)) for v in vertices))
    if _boxes(seen) and (seen.box.x0 >= seen.box.x1 or seen.box.y0 >= seen.box.y1):
        # So small that its sides cannot be told apart in other coordinates.
        return None
    return seen


def _placed(annotation: Annotation | None, outgoing: OutgoingImage) -> Annotation | None:
    """Put an annotation of the image that was sent where it is on the frame."""
    if annotation is None:
        return None
    vertices = (outgoing.to_frame(vertex) for vertex in annotation.vertices)
    return replace(annotation, vertices=tuple(Vertex(clamp(v.x), clamp(v.y)) for v in vertices))


def _boxes(*annotations: Annotation) -> bool:
    return all(each.type is AnnotationType.BOUNDING_BOX for each in annotations)


def _beyond(prior: Box, corrected: Box, placed: Box, outgoing: OutgoingImage) -> Box:
    """Keep the prior's side where it went on beyond the image and the person drew to the edge.

    Args:
        prior: of the frame.
        corrected: of the image that was sent.
        placed: the corrected one, of the frame.
        outgoing: between the two.
    """
    sent = Box(*outgoing.to_sent(Vertex(*prior[:2])), *outgoing.to_sent(Vertex(*prior[2:])))
    x_edge, y_edge = 1 / outgoing.size.width, 1 / outgoing.size.height
    return Box(
        prior.x0 if sent.x0 < -TOLERANCE and corrected.x0 <= x_edge else placed.x0,
        prior.y0 if sent.y0 < -TOLERANCE and corrected.y0 <= y_edge else placed.y0,
        prior.x1 if sent.x1 > 1 + TOLERANCE and corrected.x1 >= 1 - x_edge else placed.x1,
        prior.y1 if sent.y1 > 1 + TOLERANCE and corrected.y1 >= 1 - y_edge else placed.y1,
    )
