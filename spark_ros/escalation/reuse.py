# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Use an answer that a person gave lately again, for the same object that looks the same.

An object is found again by its place, which moves along with it, and by its look. The look is
always compared with the crop that the person saw, and a reused answer is never remembered: no
answer is ever the copy of a copy.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from spark_ros.calibration.decisions import REUSED
from spark_ros.escalation.engagement import Event
from spark_ros.escalation.pictures.encoding import EncodingError
from spark_ros.escalation.pictures.look import alike, look
from spark_ros.escalation.question.asking import (
    Asking,
    DetectedFrame,
    make_escalation,
    observed,
)
from spark_ros.escalation.question.escalation import Escalation, Resolved, robot_of
from spark_ros.geometry import Box, GeometryError, Vertex, clamp
from spark_ros.model import (
    Annotation,
    Answer,
    Correction,
    CorrectionKind,
    Question,
    State,
    same_vertices,
)
from spark_ros.policy import SAME_OBJECT_IOU, ious, tracker_id
from spark_ros.wire.step_log import log_step

MAX_OBJECTS = 256
MAX_QUESTIONS = 8
REUSED_FROM = 'reused_from'
WITHOUT_ANSWER = (State.FAILED, State.EXPIRED, State.CANCELED)
logger = logging.getLogger(__name__)


@dataclass(eq=False)
class _Asked:
    """What was asked about an object, and what a person said of it.

    Attributes:
        id: of the question.
        look: of the crop that people see.
        correction: what the answer says, once there is one.
        flags: of that answer.
        answered_at: when it came, in seconds.
        logged: the log says already that it is used again.
    """

    id: str
    question: Question
    program: str
    prior: Annotation
    look: int
    correction: Correction | None = None
    flags: tuple[str, ...] = ()
    answered_at: float = 0.0
    logged: bool = False


@dataclass(eq=False)
class _Object:
    """A thing that people were asked about.

    Attributes:
        seen: its detection where it was last doubted.
        open: the first few of the questions about it that are not answered.
        answered: the one that was answered last.
    """

    seen: Annotation
    open: list[_Asked] = field(default_factory=list)
    answered: _Asked | None = None


class RecentAnswers:
    """What people lately said of the objects of each camera; not thread-safe.

    The oldest objects are forgotten where there are more than `MAX_OBJECTS` of a camera, and all
    at a restart.
    """

    def __init__(self) -> None:
        self._objects: dict[str, list[_Object]] = {}

    def asked(self, escalation: Escalation, frame: DetectedFrame) -> None:
        """Remember the doubted detections of a question that is on its way."""
        try:
            pixels = frame.pixels()
        except EncodingError:
            # The service gets such an image as it is; without a look nothing is found again.
            return
        doubted = [prior for prior in escalation.priors if prior.doubted]
        objects = self._objects.setdefault(escalation.camera, [])
        for prior, known in zip(doubted, _follow(objects, doubted), strict=True):
            if known is None:
                objects.append(known := _Object(prior))
            if len(known.open) < MAX_QUESTIONS:
                known.open.append(
                    _Asked(
                        escalation.id, escalation.question, escalation.program, prior,
                        look(pixels, prior.box),
                    )
                )  # fmt: skip
        del objects[:-MAX_OBJECTS]

    def take(self, event: Event, now: float) -> None:
        """Note an answer, or that there will be none; only what somebody said of it counts."""
        said: dict[str, Correction] = {}
        flags: tuple[str, ...] = ()
        if isinstance(event, Resolved):
            if event.answer.state is State.CLOSED:
                said = {
                    each.original.id: each
                    for each in event.answer.corrections
                    if each.original and each.kind is not CorrectionKind.UNMENTIONED
                }
                flags = event.answer.flags
        elif event.state not in WITHOUT_ANSWER:
            return
        for known in self._objects.get(event.escalation.camera, ()):
            for each in [each for each in known.open if each.id == event.escalation.id]:
                known.open.remove(each)
                each.correction = said.get(each.prior.id)
                if each.correction is not None:
                    each.flags, each.answered_at, known.answered = flags, now, each

    def answer(self, frame: DetectedFrame, asking: Asking, now: float) -> Resolved | None:
        """Return the answer to a frame whose doubts were all answered lately, else None.

        Args:
            frame: with what was detected on it; its pixels are looked at only if each doubted
                detection is where an object with an answer was.
            asking: the settings of its camera.
            now: in seconds.
        """
        objects = self._objects.get(frame.camera, [])
        for known in objects:
            if known.answered and now - known.answered.answered_at >= asking.reuse_s:
                known.answered = None
        objects[:] = [known for known in objects if known.open or known.answered]
        if not objects:
            return None
        priors = observed(frame, asking.thresholds)
        doubted = [prior for prior in priors if prior.doubted]
        found = [
            known.answered
            for known in _follow(objects, doubted)
            if known and known.answered
            and known.answered.question == asking.question
            and known.answered.program == asking.program
        ]  # fmt: skip
        if not doubted or len(found) < len(doubted):
            return None
        try:
            pixels = frame.pixels()
            if not all(
                alike(look(pixels, prior.box), each.look)
                for prior, each in zip(doubted, found, strict=True)
            ):
                return None
            said = {
                prior.id: _moved(each.correction, prior)
                for prior, each in zip(doubted, found, strict=True)
                if each.correction is not None
            }
        except (EncodingError, GeometryError):
            return None
        escalation = make_escalation(
            str(uuid.uuid4()), frame, asking, asking.spec(), priors, doubted
        )
        for each in found:
            if not each.logged:
                each.logged = True
                log_step(
                    logger, 'reused', question=each.id, token=None, robot=robot_of(escalation),
                    camera=frame.camera,
                )  # fmt: skip
        ids = dict.fromkeys(each.id for each in found)
        flags = dict.fromkeys(flag for each in found for flag in each.flags)
        return Resolved(
            replace(
                escalation,
                metadata={**escalation.metadata, REUSED_FROM: ','.join(ids)},
                outgoing=None,
            ),
            token='',
            answer=Answer(
                State.CLOSED,
                corrections=tuple(
                    said.get(prior.id, Correction(CorrectionKind.UNMENTIONED, prior, prior))
                    for prior in priors
                ),
                flags=(*flags, REUSED),
            ),
            reused=True,
        )


def _follow(objects: Sequence[_Object], doubted: Sequence[Annotation]) -> list[_Object | None]:
    """Find the object of each doubted detection, none twice; they are where these are now."""
    found: list[_Object | None] = [None] * len(doubted)
    if not objects or not doubted:
        return found
    there = [known.seen for known in objects]
    numbers: dict[tuple[str, str], int] = {}
    some, others = (
        np.array([numbers.setdefault(_name(one), len(numbers)) for one in each])
        for each in (doubted, there)
    )
    tracked = np.array([bool(tracker_id(one)) for one in doubted])[:, None]
    overlaps = ious(np.array([one.box for one in doubted]), np.array([one.box for one in there]))
    nearness = np.where(some[:, None] == others, np.where(tracked, 1.0, overlaps), 0.0)
    while nearness.max() >= SAME_OBJECT_IOU:
        row, column = divmod(int(nearness.argmax()), len(objects))
        found[row] = objects[column]
        objects[column].seen = doubted[row]
        nearness[row, :] = nearness[:, column] = 0.0
    return found


def _name(annotation: Annotation) -> tuple[str, str]:
    return annotation.label, tracker_id(annotation)


def _moved(said: Correction, prior: Annotation) -> Correction:
    """Return what was said of a prior about another one: moved and scaled like the two.

    Raises:
        GeometryError: nothing of it would be left on the frame.
    """
    before, corrected = said.original, said.corrected
    assert before is not None
    if corrected is None or said.kind is not CorrectionKind.MODIFIED:
        return Correction(said.kind, prior, None if corrected is None else prior)
    if same_vertices(before, corrected):
        vertices = prior.vertices
    else:
        vertices = _mapped(corrected.vertices, before.box, prior.box)
    return Correction(said.kind, prior, replace(corrected, vertices=vertices, id=prior.id))


def _mapped(vertices: Sequence[Vertex], before: Box, now: Box) -> tuple[Vertex, ...]:
    wide = (now.x1 - now.x0) / (before.x1 - before.x0)
    high = (now.y1 - now.y0) / (before.y1 - before.y0)
    mapped = tuple(
        Vertex(
            clamp(now.x0 + (each.x - before.x0) * wide),
            clamp(now.y0 + (each.y - before.y0) * high),
        )
        for each in vertices
    )
    xs, ys = [each.x for each in mapped], [each.y for each in mapped]
    if len(mapped) > 1 and (min(xs) == max(xs) or min(ys) == max(ys)):
        raise GeometryError('the shape lies outside the frame')
    return mapped
