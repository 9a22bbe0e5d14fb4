# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Decide what is asked about: doubted detections, and requests of other nodes."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

from spark_ros.calibration.decisions import REUSED, FrameRecord
from spark_ros.escalation.decision_log import DecisionLog
from spark_ros.escalation.decisions import BAD_IMAGE, Decisions
from spark_ros.escalation.engagement import Event
from spark_ros.escalation.engagements import UNKNOWN, Engagements, LimitReached
from spark_ros.escalation.frame_queue import FrameQueue
from spark_ros.escalation.journal.errors import JournalError, JournalFull
from spark_ros.escalation.once import WarnOnce
from spark_ros.escalation.pictures.encoding import EncodingError
from spark_ros.escalation.question.asking import Asking, DetectedFrame, doubts
from spark_ros.escalation.question.dry_run import DryRun, Summary, least_certain, reason
from spark_ros.escalation.question.escalation import Audit, Escalation, Resolved, Status
from spark_ros.escalation.question.request import Request
from spark_ros.escalation.reuse import RecentAnswers
from spark_ros.escalation.settings import Current, Settings
from spark_ros.model import Annotation, State
from spark_ros.policy import HOUR_S, Cooldown

T = TypeVar('T')

MAX_WAITING = 32
MAX_REQUESTS = 256
FULL_PAUSE_S = 1.0
SUMMARY_EVERY_S = 60.0
DRY = 'dry_run is on: nobody is asked'
logger = logging.getLogger(__name__)


class Withdrawn(ValueError):
    """It was withdrawn before it was accepted."""


class Triage:
    """Decides on frames and requests, on the runtime's loop and not in the robot's callbacks.

    Attributes:
        dropped: how many questions were not asked, by cause.
        unusable: by camera, how many frames could not be encoded.
        reused: how many frames an earlier answer was used for.
    """

    def __init__(
        self,
        current: Current,
        emit: Callable[[Event], None],
        clock: Callable[[], float] = time.monotonic,
        log: DecisionLog | None = None,
    ) -> None:
        """Set up on the loop; accepted frames and requests wait for `connect`.

        Args:
            current: when and what to ask.
            emit: called on the loop with answers that are used again, and with what would be
                asked in a dry run; must not block.
            clock: steady, in seconds.
            log: has each decision, or is None.
        """
        self._current, self._emit, self._clock = current, emit, clock
        self.decisions = Decisions(current, log, clock)
        self._engagements: asyncio.Future[Engagements] = asyncio.Future()
        self._cooldown = {camera: Cooldown() for camera in current.settings.asking}
        # Only the encoder's thread touches it.
        self._recent = RecentAnswers()
        self._frames = FrameQueue(MAX_WAITING, self._wanted)
        # Requests that are not accepted yet, and whether they were withdrawn.
        self._requests: dict[str, bool] = {}
        # Held from the look at the limits until the question counts.
        self._turn = asyncio.Lock()
        self._worker = ThreadPoolExecutor(1, 'encoder')
        self._warn = WarnOnce(logger)
        self._full_until: dict[str, float] = {}
        self._warn_of_audits_at = -math.inf
        self._dry_run: DryRun | None = None
        self._summing_up: asyncio.TimerHandle | None = None
        self.dropped, self.unusable = Counter[str](), Counter[str]()
        self.reused = 0
        self.configure()

    def connect(self, engagements: Engagements) -> None:
        """Hand questions over to these from now on."""
        self._engagements.set_result(engagements)

    def configure(self) -> None:
        """Apply changed settings, for the same cameras.

        What was asked stays remembered; no object cools down at the beginning of a drive.
        """
        settings, drive = self._current.settings, self.decisions.drive
        self.decisions.configure()
        if self.decisions.drive != drive:
            self._cooldown = {camera: Cooldown() for camera in settings.asking}
        if self._dry_run is None and settings.dry_run:
            # Each dry run begins without a memory.
            self._dry_run = DryRun(settings.asking)
            logger.info('this is a dry run: nobody is asked')
        elif self._dry_run is not None and not settings.dry_run:
            self._sum_up()
            self._dry_run = None
            logger.info('the dry run is over: people are asked')
        self._applied = settings

    @property
    def dry_run(self) -> Summary | None:
        """What a dry run would have asked in the last hour, or None; from any thread."""
        running = self._dry_run
        return None if running is None else running.summary(self._clock())

    def pass_over(self, frame: DetectedFrame, settings: Settings) -> bool:
        """Log a frame that nobody would be asked about by these; called on the robot's thread.

        False if it has to be offered: somebody may be asked, or the loop has not done all that
        came before it. The log has all in the order of decision.
        """
        thresholds = settings.asking[frame.camera].thresholds
        done = settings is self._applied and self._frames.all_done
        if done and not frame.may_be_doubted(thresholds):
            if self._dry_run is not None:
                return True
            if not (record := self.decisions.begin(frame, self._clock())).audit:
                self.decisions.decided(record, frame)
                return True
        self._frames.expect()
        return False

    def offer(self, frame: DetectedFrame) -> None:
        """Queue a frame that was not passed over; if the queue is full, an unwanted one gives way.

        Only a doubted frame or an audit that is dropped counts as a question not asked.
        """
        gave_way = self._frames.put(frame)
        if gave_way is None:
            return
        self._frames.done()
        dropped, wanted = gave_way
        if wanted:
            self._drop('the encoder is busy')
        if self._dry_run is None:
            record = self.decisions.begin(dropped, self._clock())
            self.decisions.decided(replace(record, refused='the encoder is busy'))

    def _wanted(self, frame: DetectedFrame) -> bool:
        thresholds = self._current.settings.asking[frame.camera].thresholds
        audit = self._dry_run is None and self.decisions.audits(frame)
        return audit or frame.may_be_doubted(thresholds)

    def heard(self, event: Event) -> None:
        """Note how a question ended, so that its answer can be used again; on the loop."""
        self.decisions.heard(event)
        if isinstance(event, Resolved) or event.state.terminal:
            with suppress(RuntimeError):
                # The thread has gone when the node ends.
                self._worker.submit(self._recent.take, event, self._clock())

    async def run(self) -> None:
        """Decide on queued frames in order of arrival, until cancelled."""
        try:
            while True:
                await self.consider_next()
        finally:
            self.close()

    async def consider_next(self) -> None:
        """Decide on the next queued frame, once there is one."""
        frame = await self._frames.get()
        try:
            await self.consider(frame)
        except EncodingError as error:
            self.dropped[BAD_IMAGE] += 1
            self.unusable[frame.camera] += 1
            self._warn(f'a frame of {frame.camera} cannot be asked about: {error}')
        except Exception:
            logger.exception('cannot handle a frame of %s', frame.camera)
        self._frames.done()

    def close(self) -> None:
        """Stop the encoder thread."""
        self._sum_up()
        self._worker.shutdown(wait=True, cancel_futures=True)

    async def consider(self, frame: DetectedFrame) -> None:
        """Ask about a frame if a detection on it is doubted and not cooling down, or for an audit.

        Raises:
            EncodingError: its image is invalid.
        """
        now = self._clock()
        # A change of parameters in the meantime is for the next frame.
        asking, dry_run = self._current.settings.asking[frame.camera], self._dry_run
        if dry_run is not None:
            cooldown = dry_run.cooldowns[frame.camera]
            escalation = await self._work(doubts, frame, asking, cooldown, now)
            if escalation is not None and self._tell(escalation, asking, dry_run, now):
                await self._work(cooldown.start, doubted_of(escalation), now)
            return
        record = self.decisions.begin(frame, now)
        try:
            cooldown = self._cooldown[frame.camera]
            escalation = await self._work(doubts, frame, asking, cooldown, now, record.audit)
            if not record.audit and await self._reuse(frame, asking, now):
                if escalation is not None:
                    record = replace(record, refused=REUSED)
                escalation = None
            elif (
                cooldown.full
                and (escalation is None or escalation.audit is Audit.ONLY)
                and frame.may_be_doubted(asking.thresholds)
            ):
                self._drop('too many objects are cooling down')
            if escalation is not None:
                record = await self._decide(record, escalation, frame)
                if record.asked:
                    await self._work(cooldown.start, doubted_of(escalation), now)
                    if asking.reuse_s > 0:
                        # Its answer comes to the same thread, and so after this.
                        await self._work(self._recent.asked, escalation, frame)
        except Exception as error:
            why = BAD_IMAGE if isinstance(error, EncodingError) else type(error).__name__
            self.decisions.decided(replace(record, refused=why), frame)
            raise
        self.decisions.decided(record, frame)

    async def _decide(
        self, record: FrameRecord, escalation: Escalation, frame: DetectedFrame
    ) -> FrameRecord:
        """Ask what can be asked; return the record with what came of it."""
        refused, escalation = '', replace(escalation, drive=record.drive)
        if escalation.audit is not Audit.ONLY:
            refused = await self._ask(escalation, frame, record.at_s)
            if not refused:
                return replace(record, asked=True, question=escalation.id)
        if escalation.audit:
            # What the limits of doubts refuse is still an audit, and sent after all doubts.
            audit = replace(escalation, audit=Audit.ONLY, certainty=1.0)
            if audit_refused := await self._ask(audit, frame, record.at_s):
                return replace(record, refused=refused or audit_refused)
            record = replace(record, question=escalation.id)
        return replace(record, refused=refused)

    async def ask(self, request: Request) -> str:
        """Ask for another node; return an empty string, or why the question is not accepted."""
        if len(self._requests) >= MAX_REQUESTS:
            return f'{MAX_REQUESTS} other questions have yet to be looked at; try again'
        self._requests[request.id] = False
        try:
            await self._ask_request(request)
        except Withdrawn:
            return 'withdrawn'
        except (ValueError, JournalError) as error:
            return str(error) or type(error).__name__
        except Exception as error:
            logger.exception('cannot ask %s', request.id)
            return f'it could not be asked: {type(error).__name__}'
        finally:
            withdrawn = self._requests.pop(request.id)
        if withdrawn:
            await self.withdraw(request.id)
        return ''

    async def withdraw(self, id: str) -> str:
        """Withdraw a question, accepted or not; return an empty string, or why not."""
        if id in self._requests:
            self._requests[id] = True
            return ''
        if not self._engagements.done():
            return UNKNOWN
        return await self._engagements.result().withdraw(id)

    async def _ask_request(self, request: Request) -> None:
        now, camera = self._clock(), request.frame.camera
        if self._dry_run is not None:
            raise ValueError(DRY)
        engagements = await asyncio.shield(self._engagements)
        escalation = await self._work(
            request.escalation, self._asking(camera), engagements.context.backend.refuses
        )
        try:
            await self._accept(escalation, request.frame, now)
        except LimitReached as error:
            self.dropped[error.limit] += 1
            raise
        if camera in self._cooldown and (doubted := doubted_of(escalation)):
            await self._work(self._cooldown[camera].start, doubted, now)

    async def _reuse(self, frame: DetectedFrame, asking: Asking, now: float) -> bool:
        """Answer a frame by what people lately said; return whether that is known."""
        if asking.reuse_s <= 0:
            return False
        resolved = await self._work(self._recent.answer, frame, asking, now)
        if resolved is None:
            return False
        self.reused += 1
        self._emit(resolved)
        return True

    async def _ask(self, escalation: Escalation, frame: DetectedFrame, now: float) -> str:
        """Ask; return an empty string, or why it is not accepted: the next frame may be."""
        doubt = escalation.audit is not Audit.ONLY
        if doubt and now < self._full_until.get(escalation.camera, 0.0):
            self._drop('the journal is full')
            return 'the journal is full'
        try:
            await self._accept(escalation, frame, now)
        except (LimitReached, JournalFull) as error:
            if doubt and isinstance(error, JournalFull):
                # Every frame would be encoded for nothing until there is room.
                self._full_until[escalation.camera] = now + FULL_PAUSE_S
            self._drop(error.limit)
            return error.limit
        return ''

    async def _accept(self, escalation: Escalation, frame: DetectedFrame, now: float) -> None:
        """Accept a question: it is on the disk when this returns.

        Raises:
            LimitReached, JournalFull, Withdrawn: it is not accepted.
        """
        engagements = await asyncio.shield(self._engagements)
        assert escalation.outgoing is not None
        async with self._turn:
            if escalation.audit is Audit.ONLY:
                refusal = engagements.admits_audit(now)
            else:
                refusal = engagements.admits(escalation.certainty, now, escalation.priority)
            if refusal:
                raise LimitReached(refusal)
            if self._requests.get(escalation.id):
                raise Withdrawn
            image = await self._work(frame.encode, escalation.outgoing)
            if self._requests.get(escalation.id):
                raise Withdrawn
            await engagements.submit(escalation, image, now)

    def _tell(
        self, escalation: Escalation, asking: Asking, dry_run: DryRun, now: float
    ) -> bool:
        """Publish what a dry run would ask; return whether it would ask."""
        if dry_run.reached(now, self._current.settings.limits.per_hour):
            dry_run.dropped['limits.per_hour'] += 1
            return False
        doubted = doubted_of(escalation)
        dry_run.count(escalation.camera, least_certain(doubted).label, now)
        why = reason(doubted, asking.thresholds)
        self._emit(Status(escalation, State.WOULD_ASK, detail=why))
        if self._summing_up is None:
            loop = asyncio.get_running_loop()
            self._summing_up = loop.call_later(SUMMARY_EVERY_S, self._sum_up)
        return True

    def _sum_up(self) -> None:
        """Log what a dry run would have asked, if that changed since the last time."""
        if self._summing_up is not None:
            self._summing_up.cancel()
            self._summing_up = None
            logger.info('dry run: %s', self.dry_run)

    def _asking(self, camera: str) -> Asking:
        """Return the settings of a camera; for an unknown name, those that all cameras share."""
        known = self._current.settings.asking
        one = next(iter(known.values()))
        return known.get(camera) or Asking(
            metadata=one.metadata, timeout_s=one.timeout_s, send=one.send
        )

    async def _work(self, work: Callable[..., T], *arguments: object) -> T:
        """Run slow work on the encoder's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, work, *arguments)

    def _drop(self, why: str) -> None:
        self.dropped[why] += 1
        if why == 'limits.audits_per_hour':
            if (now := self._clock()) >= self._warn_of_audits_at:
                self._warn_of_audits_at = now + HOUR_S
                logger.warning(
                    '%s is reached, and audits are not asked: lower audit_rate, so that they are '
                    'spread evenly over each drive', why,
                )  # fmt: skip
        elif self.dropped[why] in (1, 10, 100) or self.dropped[why] % 1000 == 0:
            logger.warning('%d questions not asked so far: %s', self.dropped[why], why)


def doubted_of(escalation: Escalation) -> list[Annotation]:
    """Return the doubted priors: the reason for the question."""
    return [prior for prior in escalation.priors if prior.doubted]
