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
import mimetypes
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from spark_ros.clients.answers import (
    UploadedImage,
    read_count,
    read_engagements,
    read_jobs,
    read_list,
    read_token,
    read_upload,
    read_withdrawn,
    tolerant_engagement,
)
from spark_ros.clients.base import json_post, key_header, path_part
from spark_ros.clients.change_feed import FeedClient
from spark_ros.clients.errors import NotFoundError, ProtocolError, UnsupportedError
from spark_ros.clients.pages import items, next_page
from spark_ros.clients.transport import HttpAnswer, HttpRequest
from spark_ros.model import Annotation
from spark_ros.wire.spark import STATES, Engagement, EngagementRequest, Job
from spark_ros.wire.values import expect_url

T = TypeVar('T')

MAX_LIMIT = 50
# As browsers write a file's name in a form (the HTML standard, multipart/form-data).
QUOTED = str.maketrans({'"': '%22', '\r': '%0D', '\n': '%0A'})


class SparkClient(FeedClient):
    """The SparkAI API of one service with one token. Configure it once, use it often.

    Its errors, repetitions and idempotency keys are those of `ApiClient`, and so are `deadline_s`
    and `priority`.
    """

    KEY_HEADER = ('Authorization', 'Bearer ')

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
        headers = key_header(idempotency_key)
        # A key goes with one exact body, so the boundary must not change when a call is repeated.
        boundary = hashlib.sha256(headers['Idempotency-Key'].encode()).hexdigest()
        headers['Content-Type'] = f'multipart/form-data; boundary={boundary}'
        kind = mimetypes.guess_type(name)[0] or 'application/octet-stream'
        parts = [] if tag is None else [('name="tag"', tag.encode())]
        quoted = name.translate(QUOTED)
        parts.append((f'name="image_file"; filename="{quoted}"\r\nContent-Type: {kind}', content))
        request = HttpRequest('POST', '/v1/image', content=_form(parts, boundary), headers=headers)
        return await self._call(request, read_upload)

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
        deadline_s: float | None = None,
        priority: int = 0,
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
            deadline_s: see the class.
            priority: see the class.

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
        return await self.create(
            request, idempotency_key=idempotency_key, deadline_s=deadline_s, priority=priority
        )

    async def create(
        self,
        request: EngagementRequest,
        *,
        idempotency_key: str | None = None,
        deadline_s: float | None = None,
        priority: int = 0,
    ) -> str:
        """Ask as `create_engagement` does, with a request that is there already."""
        if not request.content_location:
            raise ValueError('content_location is empty; give at least one image URL')
        for location in request.content_location:
            expect_url(location, 'content_location')
        post = json_post(
            '/v1/engagement', request.to_json(), idempotency_key, deadline_s=deadline_s,
            priority=priority,
        )  # fmt: skip
        return await self._call(post, read_token)

    async def withdraw(self, token: str) -> None:
        """Withdraw what is not answered yet of one token (our service's: `withdraw`).

        Doing so again, or after the answer, changes nothing.

        Raises:
            NotFoundError: no such engagement of ours, or the service does not have this call;
                `extensions` says which.
        """
        part = path_part(token, 'engagement token')
        await self._call(HttpRequest('DELETE', f'/v1/engagement/{part}'), read_withdrawn)

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
        def fetch(cursor: int) -> Awaitable[HttpAnswer]:
            return self._page('/v1/engagement', page_size, cursor, state)

        async for item in items(fetch, cursor, page_size):
            yield tolerant_engagement(item)

    async def count_engagements(self, *, state: str | None = None) -> int:
        """Count engagements (later pages: `count=true`).

        Raises:
            UnsupportedError: the service lists them instead.
        """
        params = {'count': 'true', **_page_params(1, 0, state)}
        request = HttpRequest('GET', '/v1/engagement', params=params)
        count = await self._call(request, read_count)
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

        Engagements that did not fit into the answer are fetched after it.

        Raises:
            NotFoundError: no such job of ours.
        """
        params = _page_params(limit, cursor, state)
        part = path_part(token, 'engagement token')
        request = HttpRequest('GET', f'/v1/job/{part}', params=params)
        jobs, more = await self._call(request, _with_next(read_jobs))
        for job in jobs:
            if job.token in ('', token):
                if f'/v1/engagement/{part}' not in more:
                    return job
                rest = await self._rest(part, len(job.engagements))
                return replace(job, engagements=(*job.engagements, *rest))
        if jobs or not params:
            raise ProtocolError(f'the answer of the service does not have the job {token!r}')
        return Job(token=token)

    async def get_engagement(self, token: str) -> list[Engagement]:
        """Return the engagements of one token (later pages: GET /v1/engagement/{token}).

        Raises:
            UnsupportedError: the service does not have this call; `get_job` it has.
            NotFoundError: it has the call, but no such engagement of ours.
        """
        part = path_part(token, 'engagement token')
        try:
            found, more = await self._call(
                HttpRequest('GET', f'/v1/engagement/{part}'), _with_next(read_engagements)
            )
            return [*found, *(await self._rest(part, len(found)) if more else ())]
        except NotFoundError as error:
            not_found = error
        # An unknown call and an unknown token look alike; the job call tells them apart.
        try:
            await self._call(HttpRequest('GET', f'/v1/job/{part}'), read_jobs)
        except NotFoundError:
            raise not_found from None
        raise UnsupportedError(404, 'the service knows the job but not this call')

    async def _rest(self, part: str, cursor: int) -> list[Engagement]:
        """Return the engagements of a token from an offset on, page by page."""

        def fetch(cursor: int) -> Awaitable[HttpAnswer]:
            return self._page(f'/v1/engagement/{part}', MAX_LIMIT, cursor, None)

        return [tolerant_engagement(item) async for item in items(fetch, cursor, MAX_LIMIT)]

    async def _page(self, path: str, limit: int, cursor: int, state: str | None) -> HttpAnswer:
        request = HttpRequest('GET', path, params=_page_params(limit, cursor, state))
        return await self._call(request, read_list)


def _with_next(read: Callable[[HttpAnswer], T]) -> Callable[[HttpAnswer], tuple[T, str]]:
    """Return a function that reads an answer and the URL of the next page."""
    return lambda answer: (read(answer), next_page(answer))


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


def _form(parts: Sequence[tuple[str, bytes]], boundary: str) -> bytes:
    """Return a multipart form; the httpx of Ubuntu 22.04 takes no boundary."""
    lines = [
        f'--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n'.encode() + content
        for head, content in parts
    ]
    return b'\r\n'.join([*lines, f'--{boundary}--\r\n'.encode()])
