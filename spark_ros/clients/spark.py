# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A client of the SparkAI API: every call of its page, with typed results.

::

    async with SparkClient('https://spark.example', token) as client:
        image = await client.upload_image('frame.jpg')
        token = await client.create_engagement(image.location, instructions='Is the path free?')
        job = await client.get_job(token)
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import mimetypes
import os
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from random import random as uniform
from types import TracebackType
from typing import Any
from urllib.parse import quote

import httpx

from spark_ros.clients.answers import (
    UploadedImage,
    read_count,
    read_engagements,
    read_jobs,
    read_list,
    read_token,
    read_upload,
    tolerant_engagement,
)
from spark_ros.clients.errors import NotFoundError, ProtocolError, UnsupportedError
from spark_ros.clients.retry import DEFAULT_RETRY, RetryPolicy
from spark_ros.clients.transport import (
    ApiTransport,
    HttpAnswer,
    HttpRequest,
    SecretHeader,
    Verify,
    is_header_text,
)
from spark_ros.model import Annotation
from spark_ros.wire.spark import STATES, Engagement, EngagementRequest, Job
from spark_ros.wire.values import expect_url

MAX_LIMIT = 50
MAX_KEY_LENGTH = 255


class SparkClient:
    """The SparkAI API of one service with one token. Configure it once, use it often.

    Every call raises a `ClientError` (see the tree in `spark_ros.clients.errors`), or a
    ValueError for arguments with which nothing was sent. Connection errors, timeouts, unreadable
    answers, 408, 429 and 5xx are tried again as the retry policy says; other refusals never are.

    Every POST carries an `Idempotency-Key`, the caller's or one made up for the call, so that a
    service that keeps keys carries it out once however often it is repeated. A service that does
    not know the header may carry out a repeated POST twice: a question asked twice beats one
    that is lost. Who minds passes `retry=RetryPolicy.none()` and looks at `may_have_arrived`.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        timeout_s: float = 30.0,
        connect_timeout_s: float = 5.0,
        deadline_s: float | None = 300.0,
        retry: RetryPolicy = DEFAULT_RETRY,
        verify: Verify = True,
        transport: httpx.AsyncBaseTransport | None = None,
        random: Callable[[], float] = uniform,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Configure a client; nothing is sent yet.

        Args:
            base_url: what stands before `/v1`, with or without a trailing slash.
            token: the API key; sent as a bearer token, never logged or shown.
            timeout_s: the longest silence while sending or receiving.
            connect_timeout_s: the longest wait for a connection.
            deadline_s: the longest that one call takes, its repetitions included; None: no bound.
            retry: how often a call is repeated.
            verify: True: the usual certificate authorities; a path: those of this PEM file
                alone; a context: as it says; False: no check, for tests.
            transport: replaces the network, for instance `httpx.ASGITransport(app)`.
            random: gives numbers in [0, 1), for the jitter.
            sleep: waits so many seconds.
            clock: steady seconds.

        Raises:
            ValueError: the URL or token cannot be used. The token is not repeated.
        """
        self._api = ApiTransport(
            base_url,
            SecretHeader('Authorization', 'Bearer ', token),
            timeout_s=timeout_s,
            connect_timeout_s=connect_timeout_s,
            deadline_s=deadline_s,
            retry=retry,
            verify=verify,
            transport=transport,
            random=random,
            sleep=sleep,
            clock=clock,
        )

    def __repr__(self) -> str:
        """Name the service, never the token."""
        return f'{type(self).__name__}({getattr(self, "_api", None)!r})'

    async def __aenter__(self) -> SparkClient:
        """Return itself; close with the block."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections; the client cannot be used afterwards."""
        await self._api.aclose()

    async def upload_image(
        self,
        image: bytes | os.PathLike[str] | str,
        *,
        filename: str | None = None,
        tag: str | None = None,
        idempotency_key: str | None = None,
    ) -> UploadedImage:
        """Upload an image (page: POST /v1/image).

        Args:
            image: the encoded image's bytes, or the path of its file.
            filename: what to call it; by default the file's name, else `frame.jpg`.
            tag: one tag for the image.
            idempotency_key: see the class.

        Raises:
            ValueError: it is empty.
            OSError: the file cannot be read.
        """
        if isinstance(image, bytes | bytearray | memoryview):
            content, name = bytes(image), filename or 'frame.jpg'
        else:
            path = Path(image)
            content, name = await asyncio.to_thread(path.read_bytes), filename or path.name
        if not content:
            raise ValueError('the image is empty')
        headers = _key_header(idempotency_key)
        # A key goes with one exact body, so the boundary must not change when a call is repeated.
        boundary = hashlib.sha256(headers['Idempotency-Key'].encode()).hexdigest()
        headers['Content-Type'] = f'multipart/form-data; boundary={boundary}'
        kind = mimetypes.guess_type(name)[0] or 'application/octet-stream'
        form = httpx.Request(
            'POST',
            'http://form',
            headers=headers,
            data={} if tag is None else {'tag': tag},
            files={'image_file': (name, content, kind)},
        )
        request = HttpRequest('POST', '/v1/image', content=form.read(), headers=headers)
        return await self._api.call(request, read_upload)

    async def create_engagement(
        self,
        content_location: str | Sequence[str],
        *,
        program_name: str | None = None,
        instructions: str | None = None,
        webhook_url: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        label_options: Sequence[str] = (),
        annotations: Sequence[Annotation] = (),
        idempotency_key: str | None = None,
    ) -> str:
        """Ask about one image or several (page: POST /v1/engagement).

        Args:
            content_location: 1 to 50 image URLs.
            program_name: an established program of the service.
            instructions: what is asked, where there is no program.
            webhook_url: where the service pushes each change of state.
            metadata: JSON that goes along.
            label_options: the labels to choose from.
            annotations: what is thought to be there, in normalized coordinates.
            idempotency_key: see the class.

        Returns:
            The token to ask for the answer with.
        """
        if isinstance(content_location, str):
            content_location = (content_location,)
        request = EngagementRequest(
            content_location=tuple(content_location),
            program_name=program_name,
            instructions=instructions,
            webhook_url=webhook_url,
            metadata=metadata or {},
            label_options=tuple(label_options),
            annotations=tuple(annotations),
        )
        return await self.create(request, idempotency_key=idempotency_key)

    async def create(
        self, request: EngagementRequest, *, idempotency_key: str | None = None
    ) -> str:
        """Ask as `create_engagement` does, with a request that is there already."""
        if not request.content_location:
            raise ValueError('content_location is empty; give at least one image URL')
        for location in request.content_location:
            expect_url(location, 'content_location')
        body = json.dumps(
            request.to_json(), ensure_ascii=False, allow_nan=False, separators=(',', ':')
        )
        headers = _key_header(idempotency_key) | {'Content-Type': 'application/json'}
        return await self._api.call(
            HttpRequest('POST', '/v1/engagement', content=body.encode(), headers=headers),
            read_token,
        )

    async def list_engagements(
        self, *, limit: int = MAX_LIMIT, cursor: int = 0, state: str | None = None
    ) -> list[Engagement]:
        """List engagements, the oldest first (page: GET /v1/engagement).

        Args:
            limit: how many at most, 1 to 50; a service may give fewer.
            cursor: how many to pass over.
            state: only those that are `open`, `assigned` or `closed`.
        """
        answer = await self._page('/v1/engagement', limit, cursor, state)
        return [tolerant_engagement(item) for item in answer.body]

    async def iter_engagements(
        self, *, state: str | None = None, cursor: int = 0, page_size: int = MAX_LIMIT
    ) -> AsyncIterator[Engagement]:
        """Go through all engagements, page by page, the oldest first.

        The cursor is an offset: with a `state`, those that leave it meanwhile move the rest up,
        so that some may be passed over.
        """
        previous: list[Any] = []
        links_seen = False
        while True:
            answer = await self._page('/v1/engagement', page_size, cursor, state)
            if previous and answer.body == previous:
                if len(previous) < page_size:
                    return
                raise ProtocolError('the service gives the same page whatever the cursor')
            for item in answer.body:
                yield tolerant_engagement(item)
            more = 'rel="next"' in answer.headers.get('link', '')
            links_seen = links_seen or more
            # A short page alone does not tell the end: a service may give fewer than asked.
            if not answer.body or (links_seen and not more):
                return
            previous = answer.body
            cursor += len(answer.body)

    async def count_engagements(self, *, state: str | None = None) -> int:
        """Count engagements (later pages: `count=true`).

        Raises:
            UnsupportedError: the service lists them instead.
        """
        params = {'count': 'true', **_page_params(1, 0, state)}
        request = HttpRequest('GET', '/v1/engagement', params=params)
        count = await self._api.call(request, read_count)
        if count is None:
            raise UnsupportedError(200, 'the service does not count engagements')
        return count

    async def get_job(
        self,
        token: str,
        *,
        limit: int | None = None,
        cursor: int | None = None,
        state: str | None = None,
    ) -> Job:
        """Return a job: what became of all images of one POST (page: GET /v1/job/{token}).

        Raises:
            NotFoundError: no such job of ours.
        """
        params = _page_params(limit, cursor, state)
        request = HttpRequest('GET', f'/v1/job/{_path_part(token)}', params=params)
        jobs = await self._api.call(request, read_jobs)
        for job in jobs:
            if job.token in ('', token):
                return job
        if jobs or not params:
            raise ProtocolError(f'the service answered without the job {token!r}')
        return Job(token=token)

    async def get_engagement(self, token: str) -> list[Engagement]:
        """Return the engagements of one token (later pages: GET /v1/engagement/{token}).

        Raises:
            UnsupportedError: the service does not have this call; `get_job` it has.
            NotFoundError: it has the call, but no such engagement of ours.
        """
        part = _path_part(token)
        try:
            return await self._api.call(
                HttpRequest('GET', f'/v1/engagement/{part}'), read_engagements
            )
        except NotFoundError as error:
            not_found = error
        # An unknown call and an unknown token look alike; the job call tells them apart.
        try:
            await self._api.call(HttpRequest('GET', f'/v1/job/{part}'), read_jobs)
        except NotFoundError:
            raise not_found from None
        raise UnsupportedError(404, 'the service knows the job but not this call')

    async def _page(self, path: str, limit: int, cursor: int, state: str | None) -> HttpAnswer:
        request = HttpRequest('GET', path, params=_page_params(limit, cursor, state))
        return await self._api.call(request, read_list)


def _key_header(key: str | None) -> dict[str, str]:
    if key is None:
        key = str(uuid.uuid4())
    if not is_header_text(key) or len(key) > MAX_KEY_LENGTH:
        raise ValueError(f'the idempotency key {key!r} is not 1 to 255 visible ASCII characters')
    return {'Idempotency-Key': key}


def _page_params(limit: int | None, cursor: int | None, state: str | None) -> dict[str, str]:
    params = {}
    if limit is not None:
        if not 1 <= limit <= MAX_LIMIT:
            raise ValueError(f'limit is {limit}; it must be 1 to {MAX_LIMIT}')
        params['limit'] = str(limit)
    if cursor is not None:
        if cursor < 0:
            raise ValueError(f'cursor is {cursor}; it must be 0 or more')
        params['cursor'] = str(cursor)
    if state is not None:
        if state not in STATES:
            raise ValueError(f'state is {state!r}; it must be one of {", ".join(STATES)}')
        params['state'] = state
    return params


def _path_part(token: str) -> str:
    if token in ('', '.', '..'):
        raise ValueError(f'{token!r} is no engagement token')
    return quote(token, safe='')
