# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Ask on purpose: no threshold, no cool-down, and a reason where it cannot be."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from spark_ros.escalation.backends.backend import Backend
from spark_ros.escalation.courier import Courier
from spark_ros.escalation.desk import Desk
from spark_ros.escalation.journal.errors import JournalError
from spark_ros.escalation.question.asking import Asking, Sighting, metadata_of, observed
from spark_ros.escalation.question.departure import plan
from spark_ros.escalation.question.escalation import Escalation
from spark_ros.geometry import Fit
from spark_ros.model import Annotation, Question

MAX_PENDING = 256
CERTAINTY = 0.0
"""As uncertain as can be: it is sent before what a detector doubts, and never gives way to it."""

WITHDRAWN = 'withdrawn'
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Terms:
    """What is asked about a frame.

    Attributes:
        priors: None: what the detector saw on the frame.
        metadata: of who asks; the node's own is added.
        timeout_s: how long an answer is waited for; 0 waits for ever.
    """

    question: Question
    program: str = ''
    priors: tuple[Annotation, ...] | None = None
    priority: int = 0
    timeout_s: float = 0.0
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Inquiry:
    """A question about a frame that somebody wants asked.

    Attributes:
        id: of the question, if it becomes one.
        read: gives the terms, by how its camera is asked about; called outside the robot's
            callbacks. Raises ValueError where they make no sense.
    """

    id: str
    sighting: Sighting
    read: Callable[[Asking], Terms]


class Inquiries:
    """Turn inquiries into questions, one after another, so that limits hold."""

    def __init__(self, backend: Backend, courier: Courier, desk: Desk) -> None:
        """Set up.

        Args:
            backend: knows what can be asked.
            courier: takes what is to be asked.
            desk: knows how each camera is asked about.
        """
        self._backend = backend
        self._courier = courier
        self._desk = desk
        self._worker = ThreadPoolExecutor(1, 'inquiries')
        self._turn = courier.turn
        self._pending: dict[str, bool] = {}

    async def ask(self, inquiry: Inquiry) -> str:
        """Ask; return an empty string once it is accepted, or why it is not."""
        if len(self._pending) >= MAX_PENDING:
            return f'{MAX_PENDING} other questions have yet to be looked at; try again'
        self._pending[inquiry.id] = False
        try:
            async with self._turn:
                refusal = await self._ask(inquiry)
        except (ValueError, JournalError) as error:
            refusal = str(error) or type(error).__name__
        except Exception as error:
            logger.exception('%s could not be asked', inquiry.id)
            refusal = f'it could not be asked: {type(error).__name__}'
        finally:
            withdrawn = self._pending.pop(inquiry.id)
        if withdrawn and not refusal:
            await self._courier.cancel(inquiry.id)
        return refusal

    async def cancel(self, id: str) -> str:
        """Withdraw a question, also one that is not accepted yet; see `Courier.cancel`."""
        if id not in self._pending:
            return await self._courier.cancel(id)
        self._pending[id] = True
        return ''

    def close(self) -> None:
        """Let the worker end."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    async def _ask(self, inquiry: Inquiry) -> str:
        loop, now = asyncio.get_running_loop(), time.monotonic()
        if self._pending[inquiry.id]:
            return WITHDRAWN
        if self._desk.dry:
            return 'dry_run is on: nobody is asked'
        asking = self._desk.asking(inquiry.sighting.camera)
        escalation = await loop.run_in_executor(self._worker, self._escalation, inquiry, asking)
        if refusal := self._courier.admits(CERTAINTY, now, escalation.priority):
            self._desk.dropped[refusal] += 1
            return f'{refusal} is reached'
        assert escalation.departure is not None
        image = await loop.run_in_executor(
            self._worker, inquiry.sighting.encode, escalation.departure
        )
        if self._pending[inquiry.id]:
            return WITHDRAWN
        await self._courier.submit(escalation, image, now)
        await self._desk.note(escalation)
        return ''

    def _escalation(self, inquiry: Inquiry, asking: Asking) -> Escalation:
        """Read what is asked. Raises ValueError where that makes no sense or cannot be asked."""
        sighting, terms = inquiry.sighting, inquiry.read(asking)
        if refusal := self._backend.refuses(terms.question, terms.program):
            raise ValueError(refusal)
        size = sighting.size()
        if terms.priors is None:
            priors, source = observed(sighting, asking.thresholds), sighting.source()
            source_size, source_fit = sighting.source_size(), sighting.source_fit
        else:
            priors, source, source_size, source_fit = terms.priors, b'', size, Fit.STRETCH
        return Escalation(
            id=inquiry.id,
            camera=sighting.camera,
            stamp_ns=sighting.stamp_ns,
            frame_id=sighting.frame_id,
            frame_match=sighting.frame_match,
            image_size=size,
            source_size=source_size,
            question=terms.question,
            priors=priors,
            created=time.time(),
            program=terms.program,
            metadata={**terms.metadata, **metadata_of(sighting, asking)},
            priority=terms.priority,
            certainty=CERTAINTY,
            timeout_s=terms.timeout_s,
            source=source,
            # Who asks on purpose asks about the whole frame.
            departure=plan(asking.image, size, ()),
            source_fit=source_fit,
            class_ids=sighting.class_ids,
        )
