# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Decide about sightings one after another, and hand the doubted ones to the courier."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from spark_ros.escalation.courier import Courier, Event, LimitReached
from spark_ros.escalation.journal.errors import JournalFull
from spark_ros.escalation.once import WarnOnce
from spark_ros.escalation.pictures.encoding import EncodingError
from spark_ros.escalation.question.asking import DOUBTED, Asking, Sighting, doubts
from spark_ros.escalation.question.dry_run import DryRun, Summary, least_certain, reason
from spark_ros.escalation.question.escalation import Escalation, Status
from spark_ros.escalation.question.policy import Cooldown
from spark_ros.model import Annotation, State

MAX_WAITING = 32
FULL_PAUSE_S = 1.0
SUMMARY_EVERY_S = 60.0
logger = logging.getLogger(__name__)


class Desk:
    """Where sightings are decided on, in the order they came, beside the robot's callbacks.

    Attributes:
        dropped: why how many questions were not asked.
        unusable: by camera, how many frames could not be encoded.
    """

    def __init__(
        self,
        courier: Courier,
        asking: Mapping[str, Asking],
        emit: Callable[[Event], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Set up.

        Args:
            courier: takes what is to be asked.
            asking: by camera name.
            emit: called on the loop with what would be asked in a dry run; must not block.
            clock: steady, in seconds.
        """
        self._courier, self._asking, self._emit, self._clock = courier, asking, emit, clock
        self._cooldown = {name: Cooldown(one.cooldown_s) for name, one in asking.items()}
        self._waiting: asyncio.Queue[Sighting] = asyncio.Queue(MAX_WAITING)
        self._worker = ThreadPoolExecutor(1, 'encoder')
        self._warn = WarnOnce(logger)
        self._full_until: dict[str, float] = {}
        self._dry_run: DryRun | None = None
        self._summing_up: asyncio.TimerHandle | None = None
        self.dropped: Counter[str] = Counter()
        self.unusable: Counter[str] = Counter()

    def configure(self, asking: Mapping[str, Asking], per_hour: int, *, dry_run: bool) -> None:
        """Change when and what to ask, for the same cameras; what was asked stays remembered.

        Args:
            asking: by camera name.
            per_hour: the limit that a dry run keeps, too.
            dry_run: whether nobody is asked; each one begins without a memory.
        """
        self._asking = asking
        cooldown_s = {name: one.cooldown_s for name, one in asking.items()}
        if self._dry_run is None and dry_run:
            self._dry_run = DryRun(cooldown_s, per_hour)
            logger.info('dry run: nobody is asked')
        elif self._dry_run is not None and not dry_run:
            self._sum_up()
            self._dry_run = None
            logger.info('the dry run is over: people are asked')
        if self._dry_run is not None:
            self._dry_run.hourly.per_hour = per_hour
        memories = [self._cooldown, *([self._dry_run.cooldowns] if self._dry_run else [])]
        for memory in memories:
            for name, seconds in cooldown_s.items():
                memory[name].cooldown_s = seconds

    @property
    def dry(self) -> bool:
        """Whether nobody is asked."""
        return self._dry_run is not None

    @property
    def dry_run(self) -> Summary | None:
        """What a dry run would have asked in the last hour, or None; from any thread."""
        running = self._dry_run
        return None if running is None else running.summary(self._clock())

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
        doubted = doubted_of(escalation)
        if cooldown is not None and doubted:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._worker, cooldown.note, doubted, self._clock())

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
                    self.unusable[sighting.camera] += 1
                    self._warn(f'a frame of {sighting.camera} cannot be asked about: {error}')
                except Exception:
                    logger.exception('a sighting of %s could not be handled', sighting.camera)
        finally:
            self._sum_up()
            self._worker.shutdown(wait=True)

    async def _consider(self, sighting: Sighting) -> None:
        loop, now = asyncio.get_running_loop(), self._clock()
        # A change of parameters in the meantime is for the next sighting.
        asking, dry_run = self._asking[sighting.camera], self._dry_run
        memory = self._cooldown if dry_run is None else dry_run.cooldowns
        cooldown = memory[sighting.camera]
        escalation = await loop.run_in_executor(
            self._worker, doubts, sighting, asking, cooldown, now
        )
        if escalation is None:
            if cooldown.full:
                self._drop('too many objects are cooling down')
        elif self._ask_dry(escalation, asking, dry_run, now) if dry_run else await self._ask(
            escalation, sighting, now
        ):
            await loop.run_in_executor(self._worker, cooldown.note, doubted_of(escalation), now)

    async def _ask(self, escalation: Escalation, sighting: Sighting, now: float) -> bool:
        """Ask; return whether it is accepted: what is not may be asked with the next frame."""
        async with self._courier.turn:
            refusal = self._courier.admits(escalation.certainty, now, escalation.priority)
            if not refusal and now < self._full_until.get(escalation.camera, 0.0):
                refusal = 'the journal is full'
            if refusal:
                self._drop(refusal)
                return False
            assert escalation.departure is not None
            image = await asyncio.get_running_loop().run_in_executor(
                self._worker, sighting.encode, escalation.departure
            )
            try:
                await self._courier.submit(escalation, image, now)
            except LimitReached as error:
                self._drop(error.limit)
                return False
            except JournalFull as error:
                # Every frame would be encoded for nothing until there is room.
                self._full_until[escalation.camera] = now + FULL_PAUSE_S
                self._drop(error.limit)
                return False
        return True

    def _ask_dry(
        self, escalation: Escalation, asking: Asking, dry_run: DryRun, now: float
    ) -> bool:
        if dry_run.hourly.reached(now):
            dry_run.dropped['limits.per_hour'] += 1
            return False
        doubted = doubted_of(escalation)
        dry_run.note(escalation.camera, least_certain(doubted).label, now)
        why = reason(doubted, asking.thresholds)
        self._emit(Status(escalation, State.WOULD_ASK, detail=why))
        if self._summing_up is None:
            loop = asyncio.get_running_loop()
            self._summing_up = loop.call_later(SUMMARY_EVERY_S, self._sum_up)
        return True

    def _sum_up(self) -> None:
        """Log what a dry run would have asked, where there is news of it."""
        if self._summing_up is not None:
            self._summing_up.cancel()
            self._summing_up = None
            logger.info('dry run: %s', self.dry_run)

    def _drop(self, why: str) -> None:
        self.dropped[why] += 1
        if self.dropped[why] in (1, 10, 100) or self.dropped[why] % 1000 == 0:
            logger.warning('%d questions not asked so far: %s', self.dropped[why], why)


def doubted_of(escalation: Escalation) -> list[Annotation]:
    """Return the priors that a question is asked because of."""
    return [prior for prior in escalation.priors if DOUBTED in prior.attributes]
