# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Heat's endpoints (page: ten POST routes under /v1/requests, retrieve, abort).

What the page does not have: GET /v1/requests lists what was asked, DELETE /v1/requests/{id} is
how its former client aborts, and /v1/staged serves the files of staged answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from spark_ros.service.context import Context, base_url, context_of
from spark_ros.service.errors import ApiError
from spark_ros.service.heat.attachments import attachment_sizes, copied_media
from spark_ros.service.heat.objects import (
    ABORTED,
    PENDING,
    new_job,
    request_json,
    status_of,
)
from spark_ros.service.heat.staging import STAGED_PATH, staged_file, staged_response
from spark_ros.service.storage import fetches, jobs, leases
from spark_ros.service.storage.jobs import OPEN_STATES
from spark_ros.service.storage.keys import Key
from spark_ros.service.storage.leases import FLAGGED, NO_ANSWER
from spark_ros.service.storage.store import Transaction
from spark_ros.service.web.body import read_json
from spark_ros.service.web.complete_job import complete_job
from spark_ros.service.web.credentials import heat_key
from spark_ros.service.web.idempotency import idempotent
from spark_ros.service.web.long_poll import block_s, counted, long_poll
from spark_ros.service.web.paging import page_reply, read_page
from spark_ros.service.web.replies import reply, reply_json, to_json
from spark_ros.wire.heat import TYPES, HeatRequest, parse_heat_request
from spark_ros.wire.values import WireError

# A request with more files to fetch is stored after its key's others, one at a time.
MANY_FILES = 50


def _ask(kind: str) -> Callable[[Request], Awaitable[Response]]:
    async def ask(request: Request) -> Response:
        service, key = context_of(request), await heat_key(request)
        seconds = block_s(request)
        service.rates.take(key, service.clock())
        with counted(service, key, seconds):
            return await _create(kind, request, key, seconds)

    return ask


async def list_requests(request: Request) -> Response:
    """List the caller's requests, oldest first."""
    service, key = context_of(request), await heat_key(request)
    page = read_page(request, 10)
    base, now = base_url(request), service.clock()

    def read(connection: Connection) -> Response:
        return page_reply(
            request, '/v1/requests', page, jobs.of_key(connection, key.id, page),
            lambda row: request_json(service, row, base, now),
        )  # fmt: skip

    return await service.store.read_for(key.id, read)


async def retrieve(request: Request) -> Response:
    """Give a request, when it is over or after `block` seconds."""
    service, key = context_of(request), await heat_key(request)
    seconds = block_s(request)
    with counted(service, key, seconds):
        return await _give(request, key, request.path_params['id'], seconds)


async def staged(request: Request) -> Response:
    """Give the image, video or audio file of a staged answer."""
    found = staged_file(request.path_params['name'])
    if found is None:
        raise ApiError(404, 'there is no such staged file')
    content, content_type = found
    return Response(content, 200, {'Cache-Control': 'public, max-age=86400'}, content_type)


async def _create(kind: str, request: Request, key: Key, seconds: float) -> Response:
    service = context_of(request)

    def parse(value: Any) -> tuple[HeatRequest, jobs.NewJob]:
        asked = parse_heat_request(kind, value)
        return asked, new_job(service, key, asked)

    body = await read_json(request, service.settings.json_limit, key.id, parse)
    asked, job = body.value
    body_hash = hashlib.sha256(f'{kind}\n{body.sha256}'.encode()).hexdigest()
    now = service.clock()
    job, wanted = await complete_job(request, key, job, list(copied_media(asked)), now)
    answer = await _staged(service, key, asked) if key.test else None

    def create(transaction: Transaction) -> dict[str, Any]:
        token = jobs.create(transaction, key.id, job, now, service.open_limit)
        if answer is None:
            fetches.put(transaction, key.tenant, wanted, now, service.settings.fetch_fresh_s)
        else:
            [made] = jobs.states(transaction.connection, key.id, token)
            leases.close(transaction, made.id, None, now, **answer)
        return {'id': token}

    write = idempotent(request, key.id, 'heat', body_hash, create)
    if len(wanted) > MANY_FILES:
        made = await service.store.write_for(key.id, write)
    else:
        made = await service.store.write(write)
    return await _give(request, key, made['id'], seconds)


async def _staged(service: Context, key: Key, asked: HeatRequest) -> dict[str, Any]:
    """Return the stored form of a staged answer."""
    sizes = await service.store.read(attachment_sizes, asked, key.tenant)

    def answer() -> dict[str, Any]:
        try:
            response = staged_response(asked, sizes)
        except WireError as error:
            return {'answer': NO_ANSWER, 'flags': [FLAGGED], 'feedback': f'staged: {error}'}
        return {'answer': to_json({'response': response}).decode()}

    # It may be ten thousand annotations.
    return await service.large_json.run(key.id, answer)


async def _give(request: Request, key: Key, token: str, seconds: float) -> Response:
    service, base = context_of(request), base_url(request)

    def read_now(connection: Connection) -> tuple[Response, int | None]:
        """Return the answer, and the id of the question while it is pending."""
        row = jobs.of_token(connection, key.id, token)
        if row is None:
            raise _unknown_request()
        answer = reply_json(request_json(service, row, base, service.clock()))
        return answer, row.id if status_of(row) == PENDING else None

    def read() -> Awaitable[tuple[Response, int | None]]:
        return service.store.read_for(key.id, read_now)

    answer, pending_id = await read()
    if not seconds or pending_id is None:
        return answer
    with service.bus.subscribe(pending_id) as changes:
        return await long_poll(
            request, heat_key, changes, seconds, read,
            lambda change: change.state not in OPEN_STATES,
        )  # fmt: skip


async def abort(request: Request) -> Response:
    """Abort a request that is not answered yet."""
    service, key = context_of(request), await heat_key(request)
    token = request.path_params['id']
    # An abort is done at once: there is nothing that a valid `block` would wait for.
    block_s(request)
    body_hash, now = hashlib.sha256(token.encode()).hexdigest(), service.clock()

    def take_back(transaction: Transaction) -> dict[str, Any]:
        states = jobs.states(transaction.connection, key.id, token)
        if not states:
            raise _unknown_request()
        [row] = states
        if row.state != ABORTED and not leases.abort(transaction, row.id, now):
            raise ApiError(400, f'this request is {status_of(row)}; only pending ones can be '
                           'aborted')
        return {'success': True}

    write = idempotent(request, key.id, 'abort', body_hash, take_back)
    return reply(await service.store.write(write))


def _unknown_request() -> ApiError:
    return ApiError(404, 'there is no such request')


routes = [
    *(Route(f'/v1/requests/{kind}', _ask(kind), methods=['POST']) for kind in TYPES),
    Route('/v1/requests', list_requests),
    Route('/v1/requests/{id}', retrieve),
    Route('/v1/requests/{id}', abort, methods=['DELETE']),
    Route('/v1/tasks/abort/{id}', abort, methods=['POST']),
    Route(STAGED_PATH + '{name}', staged),
]
