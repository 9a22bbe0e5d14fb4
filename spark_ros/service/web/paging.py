# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Lists in pages (API page: GET /v1/engagement): query parameters and the Link header."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Row
from starlette.requests import Request
from starlette.responses import Response

from spark_ros.service.context import base_url
from spark_ros.service.storage import jobs
from spark_ros.service.web.replies import json_array, reply_json
from spark_ros.wire.values import WireError

WHOLE = re.compile(r'[+-]?[0-9]{1,1000}')
MAX_LIMIT = 50


def read_page(request: Request, default_limit: int, states: Sequence[str] = ()) -> jobs.Page:
    """Read the query parameters `limit` and `cursor`, and `state` for a list with states.

    Args:
        default_limit: without `limit`.
        states: the accepted values of `state`; empty for a list without states.

    Raises:
        WireError: one of them is not valid.
    """
    query = request.query_params
    limit = _whole(query.get('limit'), 'limit', default_limit)
    cursor = _whole(query.get('cursor'), 'cursor', 0)
    if limit < 1:
        raise WireError('limit must be 1 or more')
    if cursor < 0:
        raise WireError('cursor must be 0 or more')
    state = query.get('state') if states else None
    if state not in (None, *states):
        raise WireError(f'state must be one of {", ".join(states)}')
    return jobs.Page(min(limit, MAX_LIMIT), cursor, state)


def page_reply(
    request: Request,
    path: str,
    page: jobs.Page,
    found: tuple[list[Row[Any]], bool],
    write: Callable[[Row[Any]], bytes],
) -> Response:
    """Answer with a page of questions, and with a link to the next page where there is one.

    Args:
        path: of the list; the link repeats it.
        found: the rows of this page, which may be fewer than its limit, and if there are more.
        write: writes a row as JSON.
    """
    rows, more = found
    written = json_array(map(write, rows))
    return reply_json(written, headers=next_link(request, path, page, len(rows)) if more else {})


def next_link(request: Request, path: str, page: jobs.Page, given: int) -> dict[str, str]:
    """Return the header that names the page after one that holds `given` questions."""
    query: dict[str, str | int] = {'limit': page.limit, 'cursor': page.cursor + given}
    if page.state:
        query['state'] = page.state
    url = f'{base_url(request)}{path}?{urlencode(query)}'
    return {'Link': f'<{url}>; rel="next"'}


def _whole(value: str | None, name: str, default: int) -> int:
    if value is None:
        return default
    if not WHOLE.fullmatch(value):
        raise WireError(f'{name} must be a whole number')
    return int(value)
