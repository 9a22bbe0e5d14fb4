# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""All open questions: accept them within limits, and keep each one's coroutine running."""

from __future__ import annotations

import asyncio
import logging
import math
import sqlite3
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import anyio

from spark_ros.escalation.engagement import KEEP_EXPIRED_S, Context, live
from spark_ros.escalation.journal.entry import Entry
from spark_ros.escalation.journal.errors import JournalFull
from spark_ros.escalation.journal.journal import Journal
from spark_ros.escalation.question.escalation import (
    Audit,
    EncodedImage,
    Escalation,
    Resolved,
    Status,
)
from spark_ros.escalation.questions import Question
from spark_ros.escalation.settings import Limits
from spark_ros.model import State
from spark_ros.policy import HourlyLimit, is_full

UNFINISHED = frozenset({State.QUEUED, State.OPEN, State.ASSIGNED, State.EXPIRED})
UNKNOWN = 'there is no open question with this id'
logger = logging.getLogger(__name__)


class LimitReached(ValueError):
    """A question is not accepted.

    Attributes:
        limit: the parameter that limits it.
    """

    def __init__(self, limit: str) -> None:
        super().__init__(f'{limit} is reached')
        self.limit = limit


async def cancel_all(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """End tasks: again and again, since old versions of anyio lose a cancellation at times."""
    while left := [task for task in tasks if not task.done()]:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=1.0)


class Engagements:
    """Accepts questions, and keeps them going until their end."""

    def __init__(self, context: Context) -> None:
        """Set up; `recover`, then `run`."""
        self.context = context
        self._questions, self._journal = context.questions, context.journal
        self._tasks: set[asyncio.Task[None]] = set()
        self._withdrawn: list[Entry] = []
        self._hourly, self._audits_hourly = HourlyLimit(), HourlyLimit()
        # A restart must not make an hour have more questions.
        for age_s, audit in self._journal.accepted_lately:
            (self._audits_hourly if audit else self._hourly).count(time.monotonic() - age_s)

    def recover(self) -> None:
        """Continue with the unfinished questions of the last run."""
        left = [entry for entry in self._journal.disk.left if entry.state in UNFINISHED]
        # One that has a token was ended by the service: its answer is published.
        self._withdrawn = [
            entry
            for entry in self._journal.disk.left
            if entry.state is State.CANCELED and not entry.token
        ]
        self._journal.disk.left.clear()
        for entry in left:
            self._take(entry)
        if left:
            logger.info('continuing with %d unanswered questions from the journal', len(left))

    async def run(self) -> None:
        """Publish the unpublished answers of the last run, then run until cancelled."""
        try:
            for resolved in await self._journal.read_or(Journal.unpublished, list[Resolved]()):
                self.context.emit(resolved)
            for entry in self._withdrawn:
                with suppress(KeyError, sqlite3.Error):
                    escalation = await self._journal.read(Journal.escalation, entry.id)
                    if not self.context.withdrawals.add_once_open(escalation, entry.image_url):
                        await self._journal.write(Journal.done, entry.id)
            await asyncio.gather(self.context.poller.run(), self.context.withdrawals.run())
        finally:
            await cancel_all(self._tasks)

    def configure(self) -> None:
        """Apply changed settings; accepted questions stay as they are."""
        self._journal.limit_images(self.context.current.settings.journal_max_bytes)
        self.context.queue.give_turns()
        self.context.poller.configure()

    def admits(self, certainty: float, now: float, priority: int = 0) -> str:
        """Return an empty string, or why one more question cannot be asked now.

        A question takes the place of one still waiting to be sent that has a lower priority, or
        the same and is more certain.
        """
        if self._hourly.reached(now, self._limits.per_hour):
            return 'limits.per_hour'
        full = is_full(self._questions.waiting(), self._limits.open)
        if full and self._questions.most_certain_unsent(certainty, priority) is None:
            return 'limits.open'
        return ''

    def admits_audit(self, now: float) -> str:
        """Return an empty string, or why one more audit cannot be asked now."""
        limit, waiting = self._limits.audits_per_hour, self._questions.audits_waiting()
        full = self._audits_hourly.reached(now, limit) or is_full(waiting, limit)
        return 'limits.audits_per_hour' if full else ''

    async def submit(self, escalation: Escalation, image: EncodedImage, now: float) -> None:
        """Accept a question: it is on the disk when this returns.

        If the journal is full, questions that are kept only for a late answer are given up first,
        then the oldest unsent one of the lowest priority. None of these gives way to an audit.

        Raises:
            LimitReached: none gives way to it any more.
            JournalFull: there is no room even so, and it was not accepted.
        """
        audit = escalation.audit is Audit.ONLY
        if not audit and is_full(self._questions.waiting(), self._limits.open):
            await self._give_way(escalation)
        used: dict[str, float] = {}
        while True:
            try:
                entry = await self._journal.add(escalation, image)
                break
            except JournalFull as full:
                # Where as much is used as before, giving up another would make no room, either.
                if full.used >= used.get(full.limit, math.inf):
                    raise
                used[full.limit] = full.used
                if not await self._make_room(full.limit, -1 if audit else escalation.priority):
                    raise
        (self._audits_hourly if audit else self._hourly).count(now)
        self.context.emit(Status(escalation, State.QUEUED))
        self._take(entry)

    async def withdraw(self, id: str) -> str:
        """Withdraw a question; return an empty string, or why that cannot be.

        Its answer is not published. If the API has a call for that, the question is withdrawn at
        the service, too, as soon as it can be reached. The end of an expired question is
        published already; withdrawing it only prevents its late answer.
        """
        question = self._questions.get(id)
        if question is None:
            return UNKNOWN
        await self._end(question, State.CANCELED, 'withdrawn')
        return ''

    async def listed(self, camera: str, at_most: int) -> list[Status]:
        """Return the open questions, oldest first; of one camera unless it is empty."""
        found: list[Status] = []
        for question in self._questions.all_waiting():
            if len(found) >= at_most:
                break
            try:
                escalation = await self._journal.read(Journal.escalation, question.entry.id)
            except KeyError:
                # It has ended in the meantime.
                continue
            if camera in ('', escalation.camera):
                found.append(Status(escalation, question.state, question.token))
        return found

    @property
    def _limits(self) -> Limits:
        return self.context.current.settings.limits

    async def _give_way(self, escalation: Escalation) -> None:
        certainty, priority = escalation.certainty, escalation.priority
        victim = self._questions.most_certain_unsent(certainty, priority)
        if victim is None:
            # It has been sent since it was there to give way.
            raise LimitReached('limits.open')
        self.context.dropped['gave way'] += 1
        why = 'less certain' if victim.entry.priority == priority else 'more urgent'
        await self._end(victim, State.CANCELED, f'gave way to a {why} question')

    async def _make_room(self, limit: str, priority: int) -> bool:
        """Give up one question in favour of one of this priority; return whether there was one."""
        # An expired one has told its end already; its image is gone where images need room.
        victim = self._questions.oldest_expired() if limit == 'journal.max_count' else None
        if victim is None:
            victim = self._questions.oldest_unsent(priority)
            if victim is None:
                return False
            self.context.dropped[limit] += 1
        await self._end(victim, State.FAILED, f'given up: {limit} is full')
        return True

    async def _end(self, question: Question, state: State, detail: str) -> None:
        """End a question: it stops counting at once; wait until that is published and stored."""
        self._questions.remove(question.entry.id)
        question.end(state, detail)
        if question.task is not None:
            await asyncio.wait({question.task})

    def _take(self, entry: Entry) -> None:
        question = self._questions.take(entry)
        now = time.monotonic()
        if entry.timeout_s:
            kept_s = KEEP_EXPIRED_S if entry.state is State.EXPIRED else 0.0
            question.expires_at = now + entry.timeout_s + kept_s - entry.age_s
        if self._limits.age_s:
            question.given_up_at = now + self._limits.age_s - entry.age_s
        question.task = asyncio.ensure_future(self._keep_going(question))
        self._tasks.add(question.task)
        question.task.add_done_callback(self._tasks.discard)

    async def _keep_going(self, question: Question) -> None:
        """Run a question's coroutine; restart it after an unexpected error."""
        while True:
            try:
                await live(question, self.context)
                return
            except Exception:
                delay_s = question.backoff.next()
                logger.exception('%s is tried again in %.1f s', question.entry.id, delay_s)
                with anyio.CancelScope() as question.alive:
                    await asyncio.sleep(delay_s)
