# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""One HTTP call as every client of ours makes it: authenticated, bounded, repeated, typed errors.

The httpx exceptions end here: they carry the request with its headers, so ours are raised
outside their handlers and chain to nothing.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import ssl
import time
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from random import random as uniform
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

from spark_ros.clients.errors import (
    ClientError,
    ConnectionFailed,
    ProtocolError,
    ResponseError,
    clean,
    error_for_status,
)
from spark_ros.clients.retry import RetryPolicy, parse_retry_after
from spark_ros.wire.values import WireError

T = TypeVar('T')
Verify = bool | str | os.PathLike[str] | ssl.SSLContext

MAX_ANSWER_BYTES = 20 * 1024 * 1024
# Shorter than the 5 s after which common servers (uvicorn among them) close an idle connection,
# so that a request is not sent into one that is just being closed.
KEEPALIVE_S = 4.0
# No such thing, call or host here: what a web server says that is not the service.
ABSENT = frozenset({404, 405, 407, 410, 451})
RETENTION = 'Idempotency-Key-Retention'
NEVER_CONNECTED = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class HttpRequest:
    """One call: it must be one that may be carried out twice.

    That is a GET, or a POST with an idempotency key in its headers.

    Attributes:
        path: from the base URL on, with a leading slash.
        content: the body's bytes, the same in every attempt.
        headers: beside the transport's own.
        patience_s: how much longer than usual the service may take to answer, because it was
            asked to wait for something; added to the timeout and to the deadline.
    """

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    patience_s: float = 0.0


@dataclass(frozen=True)
class HttpAnswer:
    """A success: its JSON and its headers."""

    status: int
    body: Any
    headers: Mapping[str, str]


class SecretHeader(httpx.Auth):
    """Adds one header to each request and shows it to nobody."""

    def __init__(self, name: str, prefix: str, secret: str) -> None:
        """Keep the header.

        Raises:
            ValueError: it is empty or holds what a header cannot carry. The secret is not named.
        """
        if not is_header_text(secret):
            raise ValueError(
                'the token is empty or holds a character that an HTTP header cannot carry '
                '(a space, a line break, or one outside ASCII)'
            )
        self._name = name
        self._value = prefix + secret
        self.secret = secret

    def __repr__(self) -> str:
        """Name the header only."""
        return f'{type(self).__name__}({self._name!r})'

    def __reduce__(self) -> str:
        """Refuse: a pickle would hold the secret."""
        raise TypeError('a secret is not pickled')

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the header (httpx's interface)."""
        request.headers[self._name] = self._value
        yield request


class ApiTransport:
    """Calls to one service; safe to use from many tasks of one event loop.

    Attributes:
        keeps_keys_s: for how long the service keeps idempotency keys, in seconds, as its newest
            success says; 0 where it does not say.
    """

    def __init__(
        self,
        base_url: str,
        auth: SecretHeader,
        *,
        timeout_s: float,
        connect_timeout_s: float,
        deadline_s: float | None,
        retry: RetryPolicy,
        verify: Verify,
        transport: httpx.AsyncBaseTransport | None,
        random: Callable[[], float] = uniform,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.base_url = check_base_url(base_url)
        self.keeps_keys_s = 0.0
        self._auth = auth
        self._retry = retry
        self._deadline_s = deadline_s
        self._timeout_s = timeout_s
        self._connect_timeout_s = connect_timeout_s
        self._random = random
        self._sleep = sleep
        self._clock = clock
        self._wall_clock = wall_clock
        self._http = httpx.AsyncClient(
            auth=auth,
            headers={
                'Accept': 'application/json',
                # A few bytes of zlib can unpack to gigabytes before their size is known.
                'Accept-Encoding': 'identity',
                'User-Agent': 'spark_ros',
                **(headers or {}),
            },
            limits=httpx.Limits(keepalive_expiry=KEEPALIVE_S),
            follow_redirects=False,
            verify=_ssl_context(verify),
            transport=transport,
        )

    def __repr__(self) -> str:
        """Name the service."""
        return f'{type(self).__name__}({getattr(self, "base_url", None)!r})'

    async def aclose(self) -> None:
        """Close the connections; the object cannot be used afterwards."""
        # What old versions of httpcore say of a call that was broken off just now.
        with suppress(RuntimeError):
            await self._http.aclose()

    async def call(self, request: HttpRequest, read: Callable[[HttpAnswer], T]) -> T:
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
        what = f'{request.method} {self.base_url}{request.path}'
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
            return read(answer)
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
                self.base_url + request.path,
                params=request.params or None,
                content=request.content,
                headers=request.headers,
                timeout=timeout,
            ) as response:
                body = await _read_bounded(response)
        except (httpx.HTTPError, OSError) as error:
            if response is None or isinstance(error, httpx.TimeoutException):
                return self._connection_error(what, error)
            if response.is_success:
                return ProtocolError(f'{what}: the answer broke off: {self._describe(error)}')
            body = b''
        if not response.is_success:
            return self._response_error(what, response, body)
        if body is None:
            return ProtocolError(f'{what}: the answer is compressed or over the size limit')
        try:
            answer = HttpAnswer(response.status_code, json.loads(body), response.headers)
        except (ValueError, RecursionError):
            return ProtocolError(
                f'{what}: answered {response.status_code} with {len(body)} bytes that are no JSON'
            )
        self.keeps_keys_s = _whole_seconds(response.headers.get(RETENTION, ''))
        return answer

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
        message = self._clean(_message(body)) or response.reason_phrase
        if 300 <= status < 400:
            location = self._clean(response.headers.get('location', 'nowhere'))
            message = f'redirects to {location}; not followed, set the base URL to the service'
        retry_after = parse_retry_after(response.headers.get('retry-after'), self._wall_clock())
        error = error_for_status(status, message, retry_after, what)
        error.foreign = status in ABSENT and not isinstance(_json(body), dict)
        return error

    def _describe(self, error: Exception) -> str:
        said = self._clean(str(error))
        return f'{type(error).__name__}: {said}' if said else type(error).__name__

    def _clean(self, text: str) -> str:
        return clean(text, self._auth.secret)


def is_header_text(text: str) -> bool:
    """Whether a text can be a token or key in a header: visible ASCII, not empty."""
    return bool(text) and all('!' <= char <= '~' for char in text)


def check_base_url(base_url: str) -> str:
    """Return a base URL without its trailing slash; a path prefix stays.

    Raises:
        ValueError: it is no plain http or https URL. A user name or password in it is not named.
    """
    try:
        parts = urlsplit(base_url.strip())
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_is_valid = urlsplit(''), False
    if not port_is_valid:
        raise ValueError('the base URL is not well-formed')
    if parts.username is not None or parts.password is not None:
        raise ValueError('the base URL holds a user name or password; give the token instead')
    if parts.scheme not in ('http', 'https') or not parts.hostname:
        raise ValueError(f'the base URL {base_url!r} must be http://HOST or https://HOST')
    if parts.query or parts.fragment or any(char.isspace() for char in base_url.strip()):
        raise ValueError(f'the base URL {base_url!r} must have no query, fragment or space')
    return base_url.strip().rstrip('/')


def _ssl_context(verify: Verify) -> ssl.SSLContext | bool:
    if isinstance(verify, bool | ssl.SSLContext):
        return verify
    try:
        return ssl.create_default_context(cafile=os.fspath(verify))
    except OSError as error:
        reason = error.strerror or 'it holds no certificate'
        raise ValueError(f'the CA file {os.fspath(verify)!r} cannot be used: {reason}') from None


async def _read_bounded(response: httpx.Response) -> bytes | None:
    """Return the body, or None where it is compressed or larger than MAX_ANSWER_BYTES."""
    if response.headers.get('content-encoding', 'identity').strip().lower() != 'identity':
        return None
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            return None
    return bytes(body)


def _whole_seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0.0


def _json(body: bytes | None) -> object:
    try:
        return json.loads(body or b'')
    except (ValueError, RecursionError):
        return None


def _message(body: bytes | None) -> str:
    """Return the service's own words of an error body: `message` of its JSON, else the text."""
    if not body:
        return ''
    parsed = _json(body)
    if isinstance(parsed, dict):
        for name in ('message', 'detail', 'error'):
            if isinstance(parsed.get(name), str):
                return str(parsed[name])
    text = body[:4000].decode('utf-8', 'replace')
    return '' if text.lstrip().startswith('<') else text
