# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Go through a list that a service gives page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from spark_ros.clients.errors import ProtocolError
from spark_ros.clients.transport import HttpAnswer


async def items(
    fetch: Callable[[int], Awaitable[HttpAnswer]], cursor: int, page_size: int
) -> AsyncIterator[Any]:
    """Yield the items of all pages.

    Args:
        fetch: gives the page, a JSON array, that passes over so many items.
        cursor: how many to pass over at first.
        page_size: how many a page holds at most.

    Raises:
        ProtocolError: the service gives the same page whatever the cursor.
    """
    previous: list[Any] = []
    links_seen = False
    while True:
        answer = await fetch(cursor)
        if previous and answer.body == previous:
            if len(previous) < page_size:
                return
            raise ProtocolError('the service gives the same page whatever the cursor')
        for item in answer.body:
            yield item
        more = 'rel="next"' in answer.headers.get('link', '')
        links_seen = links_seen or more
        # A short page alone does not tell the end: a service may give fewer than asked.
        if not answer.body or (links_seen and not more):
            return
        previous = answer.body
        cursor += len(answer.body)
