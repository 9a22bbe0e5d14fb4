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
from spark_ros.escalation.departure import METADATA_KEYS, Departure, ImageSettings, chosen, plan
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

    def metadata(self) -> Mapping[str, str]:
        """Return what else is known of the moment, such as where the robot was."""

    def encode(self, departure: Departure) -> EncodedImage:
        """Return the bytes of what leaves of the image. Raises EncodingError."""

    def source(self) -> bytes:
        """Return the detections as they came, serialized."""


@dataclass(frozen=True)
class Asking:
    """When and what to ask for one camera.

    Attributes:
        cooldown_s: one object is asked about at most once in this time.
        timeout_s: how long an answer is waited for; 0 waits for ever.
        image: how its frames may leave.
        send: the keys of the metadata that may leave.
    """

    thresholds: Thresholds = field(default_factory=Thresholds)
    cooldown_s: float = 30.0
    question: Question = field(default_factory=Question)
    program: str = ''
    metadata: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 600.0
    image: ImageSettings = field(default_factory=ImageSettings)
    send: tuple[str, ...] = METADATA_KEYS


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

    def configure(self, asking: Mapping[str, Asking]) -> None:
        """Change when and what to ask, for the same cameras; what was asked stays remembered."""
        self._asking = asking
        for name, one in asking.items():
            self._cooldown[name].cooldown_s = one.cooldown_s

    def asking(self, camera: str) -> Asking:
        """Return how a camera is asked about; of another name, what all cameras have in common."""
        known = self._asking.get(camera)
        if known is not None:
            return known
        any_camera = next(iter(self._asking.values()))
        return Asking(
            metadata=any_camera.metadata, timeout_s=any_camera.timeout_s, send=any_camera.send
        )

    async def note(self, escalation: Escalation) -> None:
        """Begin the cool-down of what is being asked about on purpose."""
        cooldown = self._cooldown.get(escalation.camera)
        doubted = [prior for prior in escalation.priors if DOUBTED in prior.attributes]
        if cooldown is not None and doubted:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._worker, cooldown.note, doubted, time.monotonic())

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
        assert escalation.departure is not None
        image = await loop.run_in_executor(
            self._worker, sighting.encode, escalation.departure
        )
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
        size = sighting.size()
        return Escalation(
            id=str(uuid.uuid4()),
            camera=sighting.camera,
            stamp_ns=sighting.stamp_ns,
            frame_id=sighting.frame_id,
            frame_match=sighting.frame_match,
            image_size=size,
            source_size=sighting.source_size(),
            question=asking.question,
            priors=priors,
            created=time.time(),
            program=asking.program,
            metadata=metadata_of(sighting, asking),
            certainty=certainty(doubted),
            timeout_s=asking.timeout_s,
            source=sighting.source(),
            departure=plan(
                asking.image, size, [p.box for p in priors if DOUBTED in p.attributes]
            ),
        )

    def _drop(self, why: str) -> None:
        self.dropped[why] += 1
        if self.dropped[why] in (1, 10, 100) or self.dropped[why] % 1000 == 0:
            logger.warning('%d questions not asked so far: %s', self.dropped[why], why)


def observed(sighting: Sighting, thresholds: Thresholds) -> tuple[Annotation, ...]:
    """Return what a detector saw, as priors: the doubted ones are marked."""
    counted = [a for a in sighting.annotations() if thresholds.counts(a.label, a.score or 0.0)]
    doubted = {a.id for a in counted if thresholds.doubted(a.label, a.score or 0.0)}
    return _mark(counted, doubted)


def metadata_of(sighting: Sighting, asking: Asking) -> dict[str, str]:
    """Return what is said of a frame beside the question, as far as it may leave."""
    metadata = {
        **asking.metadata,
        'camera': sighting.camera,
        'frame_id': sighting.frame_id,
        'stamp': stamp_text(sighting.stamp_ns),
        **sighting.metadata(),
    }
    return dict(chosen(metadata, asking.send))


def stamp_text(stamp_ns: int) -> str:
    """Write a stamp as seconds."""
    return f'{stamp_ns // 10**9}.{stamp_ns % 10**9:09d}'


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
