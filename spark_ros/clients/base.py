# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the clients share: an HTTP call, authenticated, bounded and repeated, with typed errors."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from random import random as uniform
from typing import Any, ClassVar, TypeVar
from urllib.parse import quote

import httpx

from spark_ros.clients.errors import (
    ClientError,
    ConnectionFailed,
    ProtocolError,
    ResponseError,
    clean,
    error_for_status,
)
from spark_ros.clients.extensions import (
    ANNOUNCED,
    OPERATORS,
    parse_extensions,
    urgency_headers,
    whole_number,
)
from spark_ros.clients.retry import DEFAULT_RETRY, RetryPolicy, parse_retry_after
from spark_ros.clients.transport import (
    HttpAnswer,
    HttpRequest,
    SecretHeader,
    Verify,
    check_base_url,
    is_header_text,
    json_of,
    message_of,
    read_bounded,
    ssl_context,
)
from spark_ros.wire.heat import MAX_BLOCK_S
from spark_ros.wire.values import WireError

MAX_KEY_LENGTH = 255
MAX_ROBOT_ID_LENGTH = 200
# Shorter than the 5 s after which common servers (uvicorn among them) close an idle connection,
# so that a request is not sent into one that is just being closed.
KEEPALIVE_S = 4.0
# No such thing, call or host here: what a web server says that is not the service.
ABSENT = frozenset({404, 405, 407, 410, 451})
NEVER_CONNECTED = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)

logger = logging.getLogger(__name__)

T = TypeVar('T')
Client = TypeVar('Client', bound='ApiClient')


class ApiClient:
    """One service with one API key. Configure it once, use it often.

    Every call raises a `ClientError` (see the tree in `spark_ros.clients.errors`), or a
    ValueError for arguments with which nothing was sent. Connection errors, timeouts, unreadable
    answers, 408, 429 and 5xx are tried again as the retry policy says; other refusals never are.

    Every POST carries an `Idempotency-Key`, the caller's or one made up for the call, so that a
    service that keeps keys carries it out once however often it is repeated. A service that does
    not know the header may carry out a repeated POST twice: a question asked twice beats one
    that is lost. Who minds passes `retry=RetryPolicy.none()` and looks at `may_have_arrived`.

    A question may say with `deadline_s` in how many seconds an answer is of no use any more (0.001
    to 30 days), and with `priority` (0 to 255) how urgent it is. A service that announces the
    `extensions` of these names ends it then, and answers the most urgent first; to every other
    they are headers that it does not know.

    The httpx exceptions end here: they carry the request with its headers, so ours are raised
    outside their handlers and chain to nothing. A client may be used by many tasks of one event
    loop.

    Attributes:
        extensions: what the service adds to the API's page, each with its parameters, as its
            newest answer says; none where it says nothing, None before its first answer.
        operators: how many people are there to answer, as far as the service says so.
    """

    KEY_HEADER: ClassVar[tuple[str, str]]
    """The header that carries the API key, and what stands before the key in it."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
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
        robot_id: str = '',
    ) -> None:
        """Configure a client; nothing is sent yet.

        Args:
            base_url: what stands before `/v1`, with or without a trailing slash.
            api_key: sent in the header that the API's page names, never logged or shown.
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
            robot_id: who asks, where several robots share a key: sent as `Spark-Robot-Id` with
                every request, so that our service's change feed can be asked for its answers.

        Raises:
            ValueError: the URL, key or robot id cannot be used. The key is not repeated.
        """
        if robot_id and (not is_header_text(robot_id) or len(robot_id) > MAX_ROBOT_ID_LENGTH):
            raise ValueError(
                f'the robot id {robot_id!r} is not 1 to {MAX_ROBOT_ID_LENGTH} visible ASCII '
                'characters'
            )
        self._auth = SecretHeader(*self.KEY_HEADER, api_key)
        self._base_url = check_base_url(base_url)
        self.extensions: Mapping[str, Mapping[str, str]] | None = None
        self.operators: int | None = None
        self._timeout_s, self._connect_timeout_s = timeout_s, connect_timeout_s
        self._deadline_s, self._retry = deadline_s, retry
        self._random, self._sleep, self._clock = random, sleep, clock
        self._http = httpx.AsyncClient(
            auth=self._auth,
            headers={
                'Accept': 'application/json',
                # A few bytes of zlib can unpack to gigabytes before their size is known.
                'Accept-Encoding': 'identity',
                'User-Agent': 'spark_ros',
                **({'Spark-Robot-Id': robot_id} if robot_id else {}),
            },
            limits=httpx.Limits(keepalive_expiry=KEEPALIVE_S),
            follow_redirects=False,
            verify=ssl_context(verify),
            transport=transport,
        )

    def __repr__(self) -> str:
        """Show the service, never the key."""
        return f'{type(self).__name__}({getattr(self, "_base_url", None)!r})'

    @property
    def keeps_keys_s(self) -> float:
        """For how many seconds the service keeps idempotency keys.

        0 where it does not say: then a repeated POST may be carried out twice.
        """
        kept = (self.extensions or {}).get('idempotency-key', {})
        return float(whole_number(kept.get('retention')) or 0)

    async def __aenter__(self: Client) -> Client:
        """Return itself; close with the block."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections; the client cannot be used afterwards."""
        # What old versions of httpcore say of a call that was broken off just now.
        with suppress(RuntimeError):
            await self._http.aclose()

    async def _call(self, request: HttpRequest, read: Callable[[HttpAnswer], T]) -> T:
        """Make one call, repeated as the policy says, and read its answer.

        Args:
            request: what to send.
            read: turns the answer into the result; what it raises as WireError becomes a
                ProtocolError, and is tried again.

        Raises:
            ClientError: as the tree in `spark_ros.clients.errors` says.
        """
        end = None
        if self._deadline_s is not None:
            end = self._clock() + self._deadline_s + request.patience_s
        may_have_arrived = False
        for failures in range(1, self._retry.attempts + 1):
            outcome = await self._attempt(request, read, end)
            if not isinstance(outcome, ClientError):
                return outcome
            may_have_arrived = outcome.may_have_arrived = (
                may_have_arrived or outcome.may_have_arrived
            )
            if failures == self._retry.attempts or not outcome.transient:
                raise outcome
            delay_s = self._retry.delay_s(failures, self._random, outcome.retry_after_s)
            if end is not None and self._clock() + delay_s >= end:
                raise outcome
            logger.debug('%s; asking again in %.1f s', outcome, delay_s)
            await self._sleep(delay_s)
        raise AssertionError('the loop above always returns or raises')

    async def _attempt(
        self, request: HttpRequest, read: Callable[[HttpAnswer], T], end: float | None
    ) -> T | ClientError:
        what = f'{request.method} {self._base_url}{request.path}'
        left_s = None if end is None else max(end - self._clock(), 0.0)
        exchange = asyncio.ensure_future(self._exchange(what, request))
        try:
            # Up to Python 3.11 `asyncio.wait_for` loses a cancellation that comes with the answer.
            await asyncio.wait({exchange}, timeout=left_s)
        finally:
            in_time = exchange.done()
            # Once, and not at each await as anyio's scopes do: httpcore gives its connection back.
            exchange.cancel()
        if not in_time:
            deadline_s = (self._deadline_s or 0.0) + request.patience_s
            return ConnectionFailed(
                f'{what}: not done within {deadline_s:g} s',
                may_have_arrived=True,
                timed_out=True,
            )
        answer = exchange.result()
        if isinstance(answer, ClientError):
            return answer
        try:
            result = read(answer)
            if ANNOUNCED not in answer.headers:
                # Now it is certain that the service itself has answered.
                self._note(answer.headers)
            return result
        except WireError as error:
            return ProtocolError(f'{what}: {self._clean(str(error))}')

    async def _exchange(self, what: str, request: HttpRequest) -> HttpAnswer | ClientError:
        response: httpx.Response | None = None
        timeout = httpx.Timeout(
            self._timeout_s + request.patience_s, connect=self._connect_timeout_s
        )
        try:
            async with self._http.stream(
                request.method,
                self._base_url + request.path,
                params=request.params or None,
                content=request.content,
                headers=request.headers,
                timeout=timeout,
            ) as response:
                body = await read_bounded(response)
        except (httpx.HTTPError, OSError) as error:
            if response is None or isinstance(error, httpx.TimeoutException):
                return self._connection_error(what, error)
            if response.is_success:
                return ProtocolError(f'{what}: the answer broke off: {self._describe(error)}')
            body = b''
        if not response.is_success:
            if ANNOUNCED in response.headers:
                # What answers in the service's place, such as a proxy, announces nothing.
                self._note(response.headers)
            return self._response_error(what, response, body)
        if body is None:
            return ProtocolError(f'{what}: the answer is compressed or over the size limit')
        try:
            answer = HttpAnswer(response.status_code, json.loads(body), response.headers)
        except (ValueError, RecursionError):
            return ProtocolError(
                f'{what}: answered {response.status_code} with {len(body)} bytes that are not JSON'
            )
        if ANNOUNCED in response.headers:
            self._note(response.headers)
        return answer

    def _note(self, headers: Mapping[str, str]) -> None:
        """Note what an answer says of the service."""
        self.extensions = parse_extensions(headers.get(ANNOUNCED, ''))
        there = headers.get(OPERATORS) if 'operators' in self.extensions else None
        self.operators = whole_number(there)

    def _connection_error(self, what: str, error: Exception) -> ConnectionFailed:
        return ConnectionFailed(
            f'{what}: {self._describe(error)}',
            may_have_arrived=not isinstance(error, NEVER_CONNECTED),
            timed_out=isinstance(error, httpx.TimeoutException),
        )

    def _response_error(
        self, what: str, response: httpx.Response, body: bytes | None
    ) -> ResponseError:
        status = response.status_code
        message = self._clean(message_of(body)) or response.reason_phrase
        if 300 <= status < 400:
            location = self._clean(response.headers.get('location', 'nowhere'))
            message = f'redirects to {location}; not followed, set the base URL to the service'
        retry_after = parse_retry_after(response.headers.get('retry-after'), time.time())
        foreign = status in ABSENT and not isinstance(json_of(body), dict)
        return error_for_status(status, message, retry_after, what, foreign)

    def _describe(self, error: Exception) -> str:
        said = self._clean(str(error))
        return f'{type(error).__name__}: {said}' if said else type(error).__name__

    def _clean(self, text: str) -> str:
        return clean(text, self._auth.secret)


def json_post(
    path: str,
    body: Mapping[str, Any],
    idempotency_key: str | None,
    *,
    deadline_s: float | None = None,
    priority: int = 0,
    params: Mapping[str, str] | None = None,
    patience_s: float = 0.0,
) -> HttpRequest:
    """Make a POST that asks something, in JSON, and can be repeated.

    Its key and its bytes stay the same; see `urgency_headers` for deadline and priority.
    """
    content = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(',', ':')).encode()
    headers = {
        **key_header(idempotency_key), **urgency_headers(deadline_s, priority),
        'Content-Type': 'application/json',
    }  # fmt: skip
    return HttpRequest('POST', path, params or {}, content, headers, patience_s)


def block_params(block_s: float) -> dict[str, str]:
    """Return the query that asks a service to wait with its answer for so many seconds.

    Raises:
        ValueError: it is not 0 to MAX_BLOCK_S.
    """
    if not 0 <= block_s <= MAX_BLOCK_S:
        raise ValueError(f'block_s is {block_s}; it must be 0 to {MAX_BLOCK_S}')
    return {'block': f'{block_s:g}'} if block_s else {}


def key_header(key: str | None) -> dict[str, str]:
    """Return the Idempotency-Key header of a POST; without a key it makes one up.

    Raises:
        ValueError: a header cannot carry the key, or it is too long.
    """
    if key is None:
        key = str(uuid.uuid4())
    if not is_header_text(key) or len(key) > MAX_KEY_LENGTH:
        raise ValueError(f'the idempotency key {key!r} is not 1 to 255 visible ASCII characters')
    return {'Idempotency-Key': key}


def path_part(id: str, what: str) -> str:
    """Quote an id for a path, so that it stays one part of it.

    Raises:
        ValueError: it is empty or dots, which would name another path.
    """
    if id in ('', '.', '..'):
        raise ValueError(f'{id!r} is not a valid {what}')
    return quote(id, safe='')
