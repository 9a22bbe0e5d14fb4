# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Outgoing connections to URLs that callers name, limited to permitted addresses.

A name is resolved when a connection is made, every address that comes back is checked, and the
connection goes to the very address that was checked: what the name means a moment later does not
matter. TLS is verified against the name. No proxy, no redirect, no kept connection.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import ip_address
from typing import Any

import httpcore
import httpx

from spark_ros.service.own_thread import in_own_thread
from spark_ros.service.pushes.public_addresses import is_metadata, read_network, special

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

MOST_ADDRESSES = 4


class RefusedDestination(Exception):
    """The service does not connect there; the message says where and why."""


class Guard:
    """Decides where the service may connect to.

    Args:
        allowed: networks that are reached although they are not public; a cloud's metadata
            service is not, whatever is allowed.
        refused_ports: of services other than HTTP, which a crafted request might harm.
        resolve: gives the addresses of a host and port.
        option: the command line option for `allowed`, for messages.
    """

    def __init__(
        self,
        allowed: Iterable[str] = (),
        refused_ports: Collection[int] = (),
        resolve: Resolve | None = None,
        option: str = '--allow-net',
    ) -> None:
        self._allowed = tuple(read_network(each) for each in allowed)
        self._refused_ports = frozenset(refused_ports)
        self._resolve = resolve or resolve_by_system
        self._option = option

    async def addresses(self, host: str, port: int) -> list[str]:
        """Return the addresses of a host that may be connected to.

        Raises:
            RefusedDestination: there are none, or the port is refused.
            OSError: the name cannot be resolved.
        """
        if port in self._refused_ports:
            raise RefusedDestination(f'port {port} is not one of a web server')
        found, refused = [], []
        for text in await self._resolve(host, port):
            why = self.refusal(text)
            if why is None:
                found.append(text)
            else:
                refused.append(f'{text} is {why}')
        if not found:
            why_none = ', '.join(refused) or 'it has no address'
            raise RefusedDestination(f'{why_none}; {self._option} permits a network')
        return found[:MOST_ADDRESSES]

    def refusal(self, text: str) -> str | None:
        """Return why connections to an address are refused, or None if they are not."""
        try:
            address = ip_address(text)
        except ValueError:
            return 'not an address'
        if is_metadata(address):
            return 'the metadata service of a cloud'
        if any(address.version == each.version and address in each for each in self._allowed):
            return None
        return special(address)


async def resolve_by_system(host: str, port: int) -> list[str]:
    """Return the addresses that the system's resolver knows.

    In a thread of its own, since a name server may never answer.

    Raises:
        OSError: there are none.
    """
    try:
        infos = await in_own_thread('resolve', _look_up, host, port)
    except UnicodeError:
        raise OSError(f'{host!a} is not a host name') from None
    return [str(address[0]) for *_, address in infos]


def _look_up(host: str, port: int) -> list[Any]:
    return [*socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class _GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Connects only to addresses that a guard permits."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            addresses = await self._guard.addresses(host, port)
        except OSError as error:
            raise httpcore.ConnectError(f'cannot resolve the name: {error}') from None
        failure: Exception = httpcore.ConnectError('no address')
        for address in addresses:
            try:
                return await self._network.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._response.aiter_stream():
            yield part

    async def aclose(self) -> None:
        await self._response.aclose()


class GuardedTransport(httpx.AsyncBaseTransport):
    """Sends requests only to addresses that a guard permits; raises httpcore's errors.

    Args:
        ssl_context: how TLS is verified; by default as httpx does (`SSL_CERT_FILE` names others).
    """

    def __init__(self, guard: Guard, ssl_context: ssl.SSLContext | None = None) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context or httpx.create_ssl_context(),
            max_connections=None,
            max_keepalive_connections=0,
            network_backend=_GuardedNetwork(guard),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request (httpx's interface)."""
        url = request.url
        response = await self._pool.handle_async_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            response.status, headers=response.headers, stream=_Body(response),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Close it."""
        await self._pool.aclose()


def failure_reason(error: Exception, timeout_s: float) -> tuple[str, bool]:
    """Say why a request of an `outgoing_client` failed, and whether to try again.

    Args:
        error: whatever was raised: a stranger's server can cause nearly any exception.
        timeout_s: how long the request was allowed to take.

    Returns:
        The reason in words, and whether another attempt may succeed.
    """
    if isinstance(
        error, asyncio.TimeoutError | httpcore.TimeoutException | httpx.TimeoutException
    ):
        return f'not finished within {timeout_s:g} s', True
    if isinstance(error, RefusedDestination):
        return f'refused: {error}', False
    if isinstance(error, httpx.InvalidURL):
        return 'refused: the URL is not well-formed', False
    return f'{type(error).__name__}: {ascii(str(error))[1:-1]}', True


def outgoing_client(
    guard: Guard, timeout_s: float, ssl_context: ssl.SSLContext | None = None
) -> httpx.AsyncClient:
    """Make a client for URLs that callers name: it stores no cookies and follows no redirects.

    Args:
        guard: decides which addresses it connects to.
        timeout_s: of each read and write; half of it to connect.
        ssl_context: how TLS is verified; by default as httpx does.
    """
    return httpx.AsyncClient(
        transport=GuardedTransport(guard, ssl_context),
        headers={
            'User-Agent': 'spark-service',
            'Accept-Encoding': 'identity',
            'Connection': 'close',
        },
        timeout=httpx.Timeout(timeout_s, connect=timeout_s / 2),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        follow_redirects=False,
        trust_env=False,
    )
