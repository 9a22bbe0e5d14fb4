# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Go through a list that a service gives page by page."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from spark_ros.clients.errors import ProtocolError
from spark_ros.clients.transport import HttpAnswer

NEXT = re.compile('<([^>]*)>[^<]*rel="next"')


async def items(
    fetch: Callable[[int], Awaitable[HttpAnswer]], cursor: int, page_size: int
) -> AsyncIterator[Any]:
    """Yield the items of all pages.

    Args:
        fetch: gives the page, a JSON array, that passes over so many items.
        cursor: how many to pass over at first.
        page_size: how many a page holds at most.

    Raises:
        ProtocolError: the service returns the same page for every cursor.
    """
    previous: list[Any] = []
    links_seen = False
    while True:
        answer = await fetch(cursor)
        if previous and answer.body == previous:
            if len(previous) < page_size:
                return
            raise ProtocolError('the service returns the same page for every cursor')
        for item in answer.body:
            yield item
        more = bool(next_page(answer))
        links_seen = links_seen or more
        # A short page alone does not tell the end: a service may give fewer than asked.
        if not answer.body or (links_seen and not more):
            return
        previous = answer.body
        cursor += len(answer.body)


def next_page(answer: HttpAnswer) -> str:
    """Return the URL of the next page that an answer's Link header names; empty without one."""
    found = NEXT.search(answer.headers.get('link', ''))
    return found[1] if found else ''
