# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""SparkAI's endpoints (page: /v1/engagement, /v1/job, /v1/image; later: /v1/video)."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from spark_ros.service.context import base_url, context_of
from spark_ros.service.errors import ApiError
from spark_ros.service.media import images
from spark_ros.service.spark.objects import (
    engagement_json,
    expect_program,
    job_json,
    job_state,
    new_job,
)
from spark_ros.service.storage import fetches, jobs, leases
from spark_ros.service.storage.store import Transaction
from spark_ros.service.web.body import read_json
from spark_ros.service.web.complete_job import complete_job
from spark_ros.service.web.credentials import hosting_key, spark_key
from spark_ros.service.web.idempotency import idempotent, parse_idempotency_key
from spark_ros.service.web.paging import MAX_LIMIT, next_link, page_reply, read_page
from spark_ros.service.web.replies import json_array, reply, reply_json
from spark_ros.service.web.uploads import Expected, commit_upload, receive
from spark_ros.wire.spark import STATES, EngagementRequest, parse_request
from spark_ros.wire.values import WireError


async def create_engagement(request: Request) -> Response:
    """Ask people about one or more images."""
    service, key = context_of(request), await spark_key(request)
    service.rates.take(key, service.clock())
    settings = service.settings

    def parse(value: Any) -> tuple[EngagementRequest, jobs.NewJob]:
        asked = parse_request(value)
        return asked, new_job(key, asked, settings.metadata_limit)

    body = await read_json(request, settings.json_limit, key.id, parse)
    asked, job = body.value
    now = service.clock()
    files = [(asked.content_type, location) for location in asked.content_location]
    job, wanted = await complete_job(request, key, job, files, now)

    def create(transaction: Transaction) -> dict[str, Any]:
        expect_program(transaction.connection, key, job)
        token = jobs.create(transaction, key.id, job, now, service.open_limit)
        fetches.put(transaction, key.tenant, wanted, now, settings.fetch_fresh_s)
        return {'token': token}

    write = idempotent(request, key.id, 'engagement', body.sha256, create)
    return reply(await service.store.write(write))


async def list_engagements(request: Request) -> Response:
    """List the caller's engagements, oldest first."""
    service, key = context_of(request), await spark_key(request)
    page = read_page(request, 10, STATES)
    if _count_wanted(request):
        count = await service.store.read_for(key.id, jobs.count_of_key, key.id, page.state)
        return reply({'count': count})

    def read(connection: Connection) -> Response:
        found = jobs.of_key(connection, key.id, page)
        return page_reply(request, '/v1/engagement', page, found, engagement_json)

    return await service.store.read_for(key.id, read)


async def get_engagement(request: Request) -> Response:
    """Give the engagements of one token, as an array."""
    service, key = context_of(request), await spark_key(request)
    token = request.path_params['token']
    page = read_page(request, MAX_LIMIT, STATES)

    def read(connection: Connection) -> Response:
        if not jobs.states(connection, key.id, token):
            raise _unknown_token()
        found = jobs.of_key(connection, key.id, page, token)
        return page_reply(request, f'/v1/engagement/{token}', page, found, engagement_json)

    return await service.store.read_for(key.id, read)


async def withdraw_engagement(request: Request) -> Response:
    """Close the engagements of a token that are not answered yet: the caller no longer asks."""
    service, key = context_of(request), await spark_key(request)
    token, now = request.path_params['token'], service.clock()

    def withdraw(transaction: Transaction) -> None:
        states = jobs.states(transaction.connection, key.id, token)
        if not states:
            raise _unknown_token()
        for row in states:
            leases.withdraw(transaction, row.id, now)

    await service.store.write(withdraw)
    return reply({'token': token, 'state': 'closed'})


async def get_job(request: Request) -> Response:
    """Give the job of a token with its engagements, as an array of one.

    Those that do not fit are on the next page, which is one of GET /v1/engagement/{token}.
    """
    service, key = context_of(request), await spark_key(request)
    token = request.path_params['token']
    page, whole = read_page(request, MAX_LIMIT, STATES), jobs.Page(MAX_LIMIT)

    def read(connection: Connection) -> Response:
        states = jobs.states(connection, key.id, token)
        if not states:
            raise _unknown_token()
        if page.cursor or page.state not in (None, job_state(states)):
            return reply([])
        rows, more = jobs.of_key(connection, key.id, whole, token)
        path = f'/v1/engagement/{token}'
        headers = next_link(request, path, whole, len(rows)) if more else {}
        return reply_json(json_array([job_json(rows, states)]), headers=headers)

    return await service.store.read_for(key.id, read)


async def upload_image(request: Request) -> Response:
    """Store an image and give its URL, plain and signed."""
    limit = context_of(request).settings.image_limit
    return await _upload(request, Expected('image_file', limit, 'image'))


async def upload_video(request: Request) -> Response:
    """Store an MP4 video and give its URL, plain and signed."""
    limit = context_of(request).settings.video_limit
    return await _upload(request, Expected('video_file', limit, 'video'))


async def _upload(request: Request, expected: Expected) -> Response:
    service, key = context_of(request), await hosting_key(request)
    service.rates.take(key, service.clock())
    # Before the file is stored, which an invalid header would leave behind.
    parse_idempotency_key(request)
    stored, tag = await receive(service, request, key.tenant, expected)
    body_hash = hashlib.sha256(f'{stored.sha256}\n{tag}'.encode()).hexdigest()
    base, now = base_url(request), service.clock()

    def record(transaction: Transaction) -> dict[str, Any]:
        images.record(transaction, stored, tag, now)
        signed = service.urls.sign(
            stored.path, key.hash, now + service.settings.url_ttl_s
        )
        return {'url': base + stored.path, 'signedUrl': base + signed}

    def is_kept(connection: Connection, result: dict[str, Any]) -> bool:
        return images.find(connection, urlsplit(result['url']).path) is not None

    write = idempotent(request, key.id, 'image', body_hash, record, is_kept)
    return reply(await commit_upload(
        service, stored, write, lambda result: str(result['url']).endswith(stored.path)
    ))


def _count_wanted(request: Request) -> bool:
    value = request.query_params.get('count', 'false')
    if value not in ('true', 'false'):
        raise WireError('count must be true or false')
    return value == 'true'


def _unknown_token() -> ApiError:
    return ApiError(404, 'there is no such token')


routes = [
    Route('/v1/engagement', create_engagement, methods=['POST']),
    Route('/v1/engagement', list_engagements),
    Route('/v1/engagement/{token}', get_engagement),
    Route('/v1/engagement/{token}', withdraw_engagement, methods=['DELETE']),
    Route('/v1/job/{token}', get_job),
    Route('/v1/image', upload_image, methods=['POST']),
    Route('/v1/video', upload_video, methods=['POST']),
]
