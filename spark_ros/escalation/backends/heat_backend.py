# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Ask over the Heat API."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256

from spark_ros.clients.errors import NotFoundError, RefusedError
from spark_ros.clients.heat import HeatClient
from spark_ros.escalation.backends.announcements import Announcements
from spark_ros.escalation.backends.backend import Asked, News, Report
from spark_ros.escalation.backends.heat_question import (
    STATES,
    DetectionAs,
    heat_answer,
    heat_refusal,
    heat_request,
)
from spark_ros.escalation.backends.image_hosts import ImageHost, camera_tag
from spark_ros.escalation.backends.one_by_one import one_by_one, unknown_token
from spark_ros.escalation.once import WarnOnce
from spark_ros.escalation.pictures.framing import as_sent, in_frame
from spark_ros.escalation.pictures.priors import draw_priors
from spark_ros.escalation.question.escalation import EncodedImage, Escalation
from spark_ros.escalation.question.outgoing_image import JPEG_QUALITY
from spark_ros.model import Answer, Question, State
from spark_ros.wire.heat import HeatObject, parse_heat_object

CONFLICT = 409
logger = logging.getLogger(__name__)


class HeatBackend(Announcements):
    """A service that speaks the Heat API, ours or another."""

    polls_per_s: float | None = 10.0
    can_withdraw: bool | None = True
    _client: HeatClient

    def __init__(
        self,
        client: HeatClient,
        images: ImageHost,
        detection_as: DetectionAs,
        robot_id: str,
        webhook_url: str = '',
    ) -> None:
        """Use a client whose retries are off: the send queue retries."""
        self._client = client
        self._images = images
        self._detection_as = detection_as
        self._robot_id = robot_id
        self._webhook_url = webhook_url or None
        self._warn = WarnOnce(logger)

    def refuses(self, question: Question, program: str) -> str:
        """Return why Heat cannot ask something, or an empty string."""
        return heat_refusal(question, program, self._detection_as)

    async def upload(self, escalation: Escalation, image: EncodedImage) -> str:
        """Draw the priors, which Heat cannot carry, and host the frame."""
        if priors := as_sent(escalation).priors:
            quality = escalation.outgoing.quality if escalation.outgoing else JPEG_QUALITY
            image = await asyncio.to_thread(draw_priors, image, priors, quality)
        return await self._images.put(escalation.id, image, camera_tag(escalation))

    async def open(
        self,
        escalation: Escalation,
        image_url: str,
        *,
        may_be_open: bool,
        deadline_s: float | None = None,
    ) -> str:
        """Ask. A repeated request has the same key; where keys are unknown, twice beats lost."""
        request = replace(
            heat_request(as_sent(escalation), image_url, self._detection_as),
            hook_url=self._webhook_url,
        )
        ask = partial(
            self._client.request, request, deadline_s=deadline_s, priority=escalation.priority
        )
        try:
            return (await ask(idempotency_key=escalation.id)).id
        except RefusedError as error:
            if error.status != CONFLICT:
                raise
        # It knows the key with other words, because a parameter was changed since; what was asked
        # in those cannot be found without its id.
        words = json.dumps(request.to_json(), sort_keys=True).encode()
        key = f'{escalation.id}-{sha256(words).hexdigest()[:16]}'
        return (await ask(idempotency_key=key)).id

    async def poll(self, asked: Sequence[Asked]) -> AsyncIterator[Report]:
        """Ask about each."""
        async for report in one_by_one(asked, self._fetch):
            yield report

    def read_push(self, body: object) -> Report:
        """Read a request that the service pushed."""
        return self._report(parse_heat_object(body))

    async def changes(self, cursor: str | None) -> News:
        """Wait on our service's change feed."""
        changes = await self._client.changes(cursor=cursor, robot_id=self._robot_id or None)
        return News(changes.cursor, tuple(map(self._report, changes.heat)))

    async def withdraw(self, token: str) -> None:
        """Abort the request."""
        await self._client.abort(token)

    async def aclose(self) -> None:
        """Close both clients."""
        await self._client.aclose()
        await self._images.aclose()

    async def _fetch(self, question: Asked) -> Report | None:
        try:
            return self._report(await self._client.get_request(question.token))
        except NotFoundError:
            self._warn(unknown_token(question))
            return None

    def _report(self, said: HeatObject) -> Report:
        sequence = said.extra.get('sequence')
        number = sequence if isinstance(sequence, int) else 0
        # Before the service's first answer only its signed pushes come here: ours alone signs.
        if said.expired(self._client.extensions):
            return Report(said.id, State.EXPIRED, None, number)
        return Report(said.id, STATES[said.status], partial(self._answer, said), number)

    def _answer(self, said: HeatObject, asked: Escalation) -> Answer:
        return in_frame(asked, heat_answer(said, as_sent(asked), self._detection_as))
