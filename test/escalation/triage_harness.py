# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Triage before real engagements and a journal, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from engagements_harness import Record, Running, Service, running
from samples import SIZE, image

from spark_ros.calibration.decisions import Detection
from spark_ros.escalation.decision_log import DecisionLog
from spark_ros.escalation.engagement import Event
from spark_ros.escalation.journal.journal import Journal
from spark_ros.escalation.pictures.encoding import EncodingError
from spark_ros.escalation.question.asking import Asking
from spark_ros.escalation.question.escalation import EncodedImage, Escalation, FrameMatch, Status
from spark_ros.escalation.question.outgoing_image import OutgoingImage
from spark_ros.escalation.settings import Limits
from spark_ros.escalation.triage import Triage
from spark_ros.geometry import Box, Fit, ImageSize
from spark_ros.model import Annotation, State, box_annotation
from spark_ros.policy import TRACKER_ID, Thresholds

# Objects of a small world: (label, tracker id); each has a place of its own.
WORLD = [*[('cat', '')] * 3, *[('dog', '')] * 2, ('cow', '7'), ('cow', '8')]
CAMERAS = ('front', 'rear')


def seen(number: int, score: float, shift: float = 0.0) -> Annotation:
    """Return a detection of an object of the world, which may have moved a little."""
    label, tracker_id = WORLD[number]
    x, y = (number % 4) * 0.25 + shift, (number // 4) * 0.5
    attributes = {'tracker_id': tracker_id} if tracker_id else {}
    return box_annotation(
        label, Box(x, y, x + 0.2, y + 0.4), id=str(number), score=score, attributes=attributes
    )


@dataclass
class Seen:
    """A frame with what was seen on it."""

    found: Sequence[Annotation]
    camera: str = 'front'
    stamp_ns: int = 1
    frame_id: str = 'optical'
    frame_match: FrameMatch = FrameMatch.EXACT
    broken: bool = False
    encoded: int = 0
    picture: np.ndarray | None = None
    looked_at: int = 0
    read: int = 0
    source_fit: Fit = Fit.STRETCH
    class_ids: Mapping[str, str] = field(default_factory=dict)

    def size(self) -> ImageSize:
        return SIZE

    def source_size(self) -> ImageSize:
        return SIZE

    def may_be_doubted(self, thresholds: Thresholds) -> bool:
        return any(thresholds.doubted(a.label, a.score or 0.0) for a in self.found)

    @property
    def count(self) -> int:
        return len(self.found)

    def reader(self) -> Callable[[], Sequence[Detection]]:
        self.read += 1
        return lambda: [
            Detection(a.id, a.label, a.score or 0.0, a.box, str(a.attributes.get(TRACKER_ID, '')))
            for a in self.found
        ]

    def metadata(self) -> Mapping[str, str]:
        return {}

    def encode(self, outgoing: OutgoingImage) -> EncodedImage:
        self.encoded += 1
        if self.broken:
            raise EncodingError('it is no image')
        return image()

    def pixels(self) -> np.ndarray:
        self.looked_at += 1
        if self.picture is None:
            raise EncodingError('it cannot be decoded')
        return self.picture

    def source(self) -> bytes:
        return b''


@dataclass
class Office:
    """Everything that takes part in a decision, and what came of each.

    Attributes:
        now: the clock, in seconds.
        told: each status with the time of the clock.
    """

    triage: Triage
    engagements: Running
    record: Record
    service: Service
    now: float = 0.0
    told: list[tuple[float, Status]] = field(default_factory=list)

    def configure(self, **changes: Any) -> None:
        """Go on by other settings."""
        self.engagements.configure(**changes)
        self.triage.configure()

    def pass_over(self, frame: Seen) -> bool:
        """Pass a frame over if nobody is to be asked about it; return whether."""
        return self.triage.pass_over(frame, self.engagements.current.settings)

    async def see(self, frame: Seen) -> Escalation | None:
        """Decide about a frame; return the question that came of it."""
        before = len(self.told)
        await self.triage.consider(frame)
        asked = [
            status.escalation
            for _, status in self.told[before:]
            if status.state in (State.QUEUED, State.WOULD_ASK)
        ]
        assert len(asked) <= 1
        return asked[0] if asked else None


@asynccontextmanager
async def office(
    asking: Mapping[str, Asking], limits: Limits | None = None, journal: Journal | None = None,
    *, dry_run: bool = False, log: DecisionLog | None = None,
) -> AsyncIterator[Office]:  # fmt: skip
    """Begin; the journal is in memory unless one is given."""
    service = Service()
    async with running(
        service, journal or Journal(None), limits, asking=asking, dry_run=dry_run
    ) as (engagements, record):

        def heard(event: Event) -> None:
            if isinstance(event, Status):
                here.told.append((here.now, event))
            triage.heard(event)

        record.heard = heard
        here = Office(None, engagements, record, service)  # type: ignore[arg-type]
        triage = here.triage = Triage(engagements.current, record, lambda: here.now, log)
        triage.connect(engagements)
        yield here
        triage.close()
