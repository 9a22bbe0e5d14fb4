# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Decide about sightings one after another, and turn the doubted ones into escalations."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Protocol

from spark_ros.escalation.courier import Courier
from spark_ros.escalation.encoding import EncodingError
from spark_ros.escalation.escalation import EncodedImage, Escalation, FrameMatch
from spark_ros.escalation.journal import JournalFull
from spark_ros.escalation.once import WarnOnce
from spark_ros.escalation.policy import Cooldown, Thresholds, certainty
from spark_ros.geometry import ImageSize
from spark_ros.model import Annotation, Question

MAX_PRIORS = 1000
MAX_WAITING = 32
DOUBTED = 'doubted'
logger = logging.getLogger(__name__)


class Sighting(Protocol):
    """A frame with what a detector saw on it. Its methods run outside the robot's callbacks."""

    camera: str
    stamp_ns: int
    frame_id: str
    frame_match: FrameMatch

    def size(self) -> ImageSize:
        """Return the upright image's size in pixels, cheaply. Raises EncodingError."""

    def source_size(self) -> ImageSize:
        """Return the size in whose pixels the detections are."""

    def annotations(self) -> Sequence[Annotation]:
        """Return every detection that makes sense, normalized, with id and score."""

    def encode(self) -> EncodedImage:
        """Return the image's bytes. Raises EncodingError."""

    def source(self) -> bytes:
        """Return the detections as they came, serialized."""


@dataclass(frozen=True)
class Asking:
    """When and what to ask for one camera.

    Attributes:
        cooldown_s: one object is asked about at most once in this time.
        timeout_s: how long an answer is waited for; 0 waits for ever.
    """

    thresholds: Thresholds = field(default_factory=Thresholds)
    cooldown_s: float = 30.0
    question: Question = field(default_factory=Question)
    program: str = ''
    metadata: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 600.0


class Desk:
    """Where sightings are decided on, in the order they came, beside the robot's callbacks."""

    def __init__(self, courier: Courier, asking: Mapping[str, Asking]) -> None:
        """Set up.

        Args:
            courier: takes what is to be asked.
            asking: by camera name.
        """
        self._courier = courier
        self._asking = asking
        self._cooldown = {name: Cooldown(one.cooldown_s) for name, one in asking.items()}
        self._waiting: asyncio.Queue[Sighting] = asyncio.Queue(MAX_WAITING)
        self._worker = ThreadPoolExecutor(1, 'encoder')
        self._warn = WarnOnce(logger)
        self.dropped: Counter[str] = Counter()

    def offer(self, sighting: Sighting) -> None:
        """Take a sighting, or drop it where too many wait already."""
        try:
            self._waiting.put_nowait(sighting)
        except asyncio.QueueFull:
            self._drop('the encoder is busy')

    async def run(self) -> None:
        """Decide until cancelled."""
        try:
            while True:
                sighting = await self._waiting.get()
                try:
                    await self._consider(sighting)
                except EncodingError as error:
                    self.dropped['bad image'] += 1
                    self._warn(f'a frame of {sighting.camera} cannot be asked about: {error}')
                except Exception:
                    logger.exception('a sighting of %s could not be handled', sighting.camera)
        finally:
            self._worker.shutdown(wait=True)

    async def _consider(self, sighting: Sighting) -> None:
        loop = asyncio.get_running_loop()
        cooldown = self._cooldown[sighting.camera]
        now = time.monotonic()
        escalation = await loop.run_in_executor(self._worker, self._escalation, sighting, now)
        if escalation is None:
            return
        if refusal := self._courier.admits(escalation.certainty, now):
            self._drop(refusal)
            return
        image = await loop.run_in_executor(self._worker, sighting.encode)
        try:
            await self._courier.submit(escalation, image, now)
        except JournalFull as error:
            self.dropped['journal'] += 1
            logger.error('%s', error)
        asked = [prior for prior in escalation.priors if DOUBTED in prior.attributes]
        await loop.run_in_executor(self._worker, cooldown.note, asked, now)

    def _escalation(self, sighting: Sighting, now: float) -> Escalation | None:
        asking = self._asking[sighting.camera]
        thresholds = asking.thresholds
        counted = [a for a in sighting.annotations() if thresholds.counts(a.label, a.score or 0.0)]
        doubted = [a for a in counted if thresholds.doubted(a.label, a.score or 0.0)]
        least_certain = sorted(doubted, key=lambda a: a.score or 0.0)[:MAX_PRIORS]
        if not self._cooldown[sighting.camera].fresh(least_certain, now):
            return None
        priors = _mark(counted, {a.id for a in doubted})
        return Escalation(
            id=str(uuid.uuid4()),
            camera=sighting.camera,
            stamp_ns=sighting.stamp_ns,
            frame_id=sighting.frame_id,
            frame_match=sighting.frame_match,
            image_size=sighting.size(),
            source_size=sighting.source_size(),
            question=asking.question,
            priors=priors,
            created=time.time(),
            program=asking.program,
            metadata={
                **asking.metadata,
                'camera': sighting.camera,
                'frame_id': sighting.frame_id,
                'stamp': f'{sighting.stamp_ns // 10**9}.{sighting.stamp_ns % 10**9:09d}',
            },
            certainty=certainty(doubted),
            timeout_s=asking.timeout_s,
            source=sighting.source(),
        )

    def _drop(self, why: str) -> None:
        self.dropped[why] += 1
        if self.dropped[why] in (1, 10, 100) or self.dropped[why] % 1000 == 0:
            logger.warning('%d questions not asked so far: %s', self.dropped[why], why)


def _mark(counted: Sequence[Annotation], doubted: set[str]) -> tuple[Annotation, ...]:
    """Mark the doubted ones; with far too many detections, keep the doubted and the surest."""
    if len(counted) > MAX_PRIORS:
        logger.warning('%d detections on one frame; %d are asked about', len(counted), MAX_PRIORS)
        kept = sorted(counted, key=lambda a: (a.id not in doubted, -(a.score or 0.0)))[:MAX_PRIORS]
        ids = {annotation.id for annotation in kept}
        counted = [annotation for annotation in counted if annotation.id in ids]
    return tuple(
        replace(a, attributes={**a.attributes, DOUBTED: 'true'}) if a.id in doubted else a
        for a in counted
    )
