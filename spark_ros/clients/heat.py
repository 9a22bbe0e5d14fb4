# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A client of the Heat API: every call of its page, with typed results.

::

    async with HeatClient('https://heat.example', api_key) as client:
        asked = await client.free_text(instruction='What does the sign say?',
                                       attachments_type='image', attachments=[url])
        answered = await client.wait(asked.id, block_s=60)
"""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncIterator
from functools import partial

from spark_ros.clients.answers import read_heat_object, read_list, read_success
from spark_ros.clients.base import block_params, key_header, path_part
from spark_ros.clients.errors import RefusedError
from spark_ros.clients.heat_questions import HeatQuestions
from spark_ros.clients.pages import items
from spark_ros.clients.transport import HttpAnswer, HttpRequest
from spark_ros.wire.heat import HeatObject, parse_heat_object
from spark_ros.wire.values import WireError

STILL_PENDING = 449
MAX_PAGE = 50

logger = logging.getLogger(__name__)


class HeatClient(HeatQuestions):
    """The Heat API of one service with one API key. Configure it once, use it often.

    Its errors, repetitions and idempotency keys are those of `ApiClient`. `block_s` is how long,
    from 0 to 60 seconds, the service waits for the answer before it says that the request is
    pending; the timeout and the deadline of such a call are longer by as much.
    """

    KEY_HEADER = ('X-Heat-API-Key', '')

    async def get_request(self, id: str, *, block_s: float = 0) -> HeatObject:
        """Return a request as it is now (page: GET /v1/requests/{request_id}).

        Raises:
            NotFoundError: no such request of ours.
        """
        get = HttpRequest(
            'GET',
            f'/v1/requests/{path_part(id, "request id")}',
            block_params(block_s),
            patience_s=block_s,
        )
        try:
            return await self._call(get, partial(read_heat_object, id=id))
        except RefusedError as error:
            # The page's list of errors has a status for what its text answers as pending.
            if error.status != STILL_PENDING:
                raise
            return HeatObject(id=id, status='pending')

    async def iter_requests(
        self, *, cursor: int = 0, page_size: int = MAX_PAGE
    ) -> AsyncIterator[HeatObject]:
        """Go through all requests of the key, the oldest first (our service's alone).

        What cannot be read is passed over.

        Args:
            cursor: how many to pass over.
            page_size: how many are fetched at a time, 1 to 50.

        Raises:
            NotFoundError, UnsupportedError: the service has no such list; Heat's page has none.
        """

        async def fetch(cursor: int) -> HttpAnswer:
            params = {'limit': str(page_size), 'cursor': str(cursor)}
            return await self._call(HttpRequest('GET', '/v1/requests', params), read_list)

        async for item in items(fetch, cursor, page_size):
            try:
                found = parse_heat_object(item)
            except WireError as error:
                logger.warning('skipping a request of the list that cannot be read: %s', error)
                continue
            yield found

    async def abort(self, id: str, *, idempotency_key: str | None = None) -> bool:
        """Abort a pending request (page: POST /v1/tasks/abort/{request_id}).

        Returns:
            Whether the service says that it succeeded.

        Raises:
            RefusedError: it is complete already.
            NotFoundError: no such request of ours.
        """
        path = f'/v1/tasks/abort/{path_part(id, "request id")}'
        post = HttpRequest('POST', path, headers=key_header(idempotency_key))
        return await self._call(post, read_success)

    async def wait(
        self,
        id: str,
        *,
        timeout_s: float | None = None,
        block_s: float = 0,
        first_delay_s: float = 15.0,
        max_delay_s: float = 3600.0,
    ) -> HeatObject:
        """Ask again and again until a request is no longer pending (page: "Best practices").

        Args:
            id: of the request.
            timeout_s: how long to go on; None: for ever. No new call begins after it.
            block_s: let the service wait so long in each call, at once one after the other; 0:
                look at once, then after a delay that doubles each time.
            first_delay_s: the first of these delays.
            max_delay_s: the longest of them.

        Returns:
            The last answer; it is pending where the time ran out.

        Raises:
            ClientError: as each call; who calls again goes on waiting.
            ValueError: one of the times makes no sense.
        """
        for name, value in (('first_delay_s', first_delay_s), ('max_delay_s', max_delay_s)):
            if not value > 0:
                raise ValueError(f'{name} is {value}; it must be above 0')
        if timeout_s is not None and not timeout_s >= 0:
            raise ValueError(f'timeout_s is {timeout_s}; it must be 0 or more')
        block_params(block_s)
        end = math.inf if timeout_s is None else self._clock() + timeout_s
        delay_s = min(first_delay_s, max_delay_s)
        while True:
            began = self._clock()
            left_s = max(end - began, 0.0)
            # What is cut off is cut to whole seconds, as the page's examples are.
            blocked_s = block_s if block_s <= left_s else math.floor(left_s)
            found = await self.get_request(id, block_s=blocked_s)
            now = self._clock()
            if not found.pending or now >= end:
                return found
            if blocked_s:
                # A service that does not block is not asked more often than one that does.
                nap_s = blocked_s - (now - began)
            else:
                nap_s, delay_s = delay_s, min(delay_s * 2, max_delay_s)
            if nap_s > 0:
                await self._sleep(min(nap_s, end - now))
