# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Ask over the SparkAI API."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence

from spark_ros.clients.errors import NotFoundError, RefusedError, UnsupportedError
from spark_ros.clients.retry import Backoff
from spark_ros.clients.spark import SparkClient
from spark_ros.escalation.backends.announcements import Announcements
from spark_ros.escalation.backends.backend import FETCHED_SINGLY, Asked, News, Report
from spark_ros.escalation.backends.image_hosts import ServiceImageHost, camera_tag
from spark_ros.escalation.backends.one_by_one import one_by_one, unknown_token
from spark_ros.escalation.backends.spark_question import spark_refusal
from spark_ros.escalation.once import WarnOnce
from spark_ros.escalation.pictures.framing import as_sent, in_frame
from spark_ros.escalation.question.escalation import EncodedImage, Escalation
from spark_ros.model import Answer, Question, State
from spark_ros.wire.spark import STATES, Engagement, EngagementRequest, parse_engagement
from spark_ros.wire.values import WireError

CONFLICT = 409
KEY_MARGIN_S = 3600.0
logger = logging.getLogger(__name__)


class SparkBackend(Announcements):
    """A service that speaks the SparkAI API, ours or another."""

    polls_per_s: float | None = None
    _client: SparkClient

    def __init__(self, client: SparkClient, robot_id: str, webhook_url: str = '') -> None:
        """Use a client whose retries are off: the send queue retries."""
        self._webhook_url = webhook_url or None
        self._robot_id = robot_id
        self._client = client
        self._images = ServiceImageHost(client)
        self._warn = WarnOnce(logger)
        self._shows_single = True
        self._cursor = 0
        # Tokens that the whole list did not hold, and when it is read for them again.
        self._lost: set[str] = set()
        self._read_all = Backoff(30.0, 3600.0)
        self._read_all_at = 0.0

    @property
    def can_withdraw(self) -> bool | None:
        """Whether the service announces it: the page has no such call."""
        extensions = self._client.extensions
        return None if extensions is None else 'withdraw' in extensions

    def refuses(self, question: Question, program: str) -> str:
        """Return why SparkAI cannot ask something, or an empty string."""
        return spark_refusal(question, program)

    async def upload(self, escalation: Escalation, image: EncodedImage) -> str:
        """Upload to the service's own image server; the signed URL goes into the question."""
        return await self._images.put(escalation.id, image, camera_tag(escalation))

    async def open(
        self,
        escalation: Escalation,
        image_url: str,
        *,
        may_be_open: bool,
        deadline_s: float | None = None,
    ) -> str:
        """Create the engagement; where it may be there already, without making it twice.

        A service that keeps our keys is simply asked again. Another's list is looked through
        first, as is that of one that knows the key with other words: a parameter was changed.
        """
        if may_be_open and not self._knows_key(escalation):
            found = await self._find(image_url, until=lambda: self._knows_key(escalation))
            if found:
                return found
        question = escalation.question
        request = EngagementRequest(
            content_location=(image_url,),
            program_name=escalation.program or None,
            instructions=question.instructions or None,
            webhook_url=self._webhook_url,
            metadata=escalation.metadata,
            label_options=question.label_options,
            annotations=as_sent(escalation).priors,
        )
        try:
            return await self._client.create(
                request, idempotency_key=escalation.id, deadline_s=deadline_s,
                priority=escalation.priority,
            )  # fmt: skip
        except RefusedError as error:
            found = await self._find(image_url) if error.status == CONFLICT else ''
            if not found:
                raise
            return found

    async def poll(self, asked: Sequence[Asked]) -> AsyncIterator[Report]:
        """Ask by token while few are open and the service has that call, else read the list."""
        if self._shows_single and len(asked) <= FETCHED_SINGLY:
            try:
                async for report in one_by_one(asked, self._fetch):
                    yield report
                return
            except UnsupportedError:
                self._shows_single = False
        async for report in self._poll_list(asked):
            yield report

    def read_push(self, body: object) -> Report:
        """Read an engagement that the service pushed."""
        engagement = parse_engagement(body)
        if not engagement.token:
            raise WireError('the push has no token')
        return self._report(engagement.token, engagement)

    async def changes(self, cursor: str | None) -> News:
        """Wait on our service's change feed."""
        changes = await self._client.changes(cursor=cursor, robot_id=self._robot_id or None)
        reports = tuple(self._report(each.token, each) for each in changes.spark)
        return News(changes.cursor, reports)

    async def withdraw(self, token: str) -> None:
        """Withdraw it, where the service announces that it can be."""
        if self.can_withdraw is None:
            # Whatever it answers, it says whether there is a call for that.
            await self._client.get_engagement(token)
        if self.can_withdraw:
            await self._client.withdraw(token)

    async def aclose(self) -> None:
        """Close the client."""
        await self._client.aclose()

    def _knows_key(self, escalation: Escalation) -> bool:
        age_s = time.time() - escalation.created
        return 0.0 <= age_s < self._client.keeps_keys_s - KEY_MARGIN_S

    async def _find(self, image_url: str, until: Callable[[], bool] = lambda: False) -> str:
        """Return the token of the engagement about an image, or an empty string."""
        async for engagement in self._client.iter_engagements():
            if engagement.image_location == image_url and engagement.token:
                return engagement.token
            # The first page has told that there is no need to look.
            if until():
                break
        return ''

    async def _fetch(self, question: Asked) -> Report | None:
        try:
            engagements = await self._client.get_engagement(question.token)
        except NotFoundError:
            self._warn(unknown_token(question))
            return None
        return self._report(question.token, engagements[0]) if engagements else None

    async def _poll_list(self, asked: Sequence[Asked]) -> AsyncIterator[Report]:
        """Read the list from the oldest open engagement's offset on; it is oldest first.

        What is not found there was closed since, or the service does not know it any more. For
        these the whole list is read, ever more rarely while nothing is found by it.
        """
        tokens = {question.token for question in asked}
        missing = set(tokens)
        async for report in self._read_list(self._cursor, missing):
            yield report
        self._lost -= tokens - missing
        if missing <= self._lost and time.monotonic() < self._read_all_at:
            return
        if missing:
            async for report in self._read_list(0, missing):
                yield report
            if not missing <= self._lost:
                self._read_all.reset()
            self._lost = (self._lost - tokens) | missing
            self._read_all_at = time.monotonic() + self._read_all.next()

    async def _read_list(self, start: int, missing: set[str]) -> AsyncIterator[Report]:
        """Yield what the list says of tokens, from an offset on, and take them from `missing`."""
        offset, first_open = start, None
        async for engagement in self._client.iter_engagements(cursor=start):
            if engagement.state != 'closed' and first_open is None:
                first_open = offset
            offset += 1
            if engagement.token in missing:
                missing.discard(engagement.token)
                yield self._report(engagement.token, engagement)
                if not missing:
                    break
        if first_open is not None:
            self._cursor = first_open

    def _report(self, token: str, engagement: Engagement) -> Report:
        state = State(engagement.state) if engagement.state in STATES else State.OPEN
        sequence = engagement.extra.get('sequence')
        number = sequence if isinstance(sequence, int) else 0
        # Before the service's first answer only its signed pushes come here: ours alone signs.
        if ending := engagement.ending(self._client.extensions):
            return Report(token, ending, None, number)

        def answer(asked: Escalation) -> Answer:
            return in_frame(asked, engagement.answer(as_sent(asked).priors))

        return Report(token, state, answer, number)
