# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a client says and hears by HTTP: requests, answers, the secret, and checks of all three."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

Verify = bool | str | os.PathLike[str] | ssl.SSLContext

MAX_ANSWER_BYTES = 20 * 1024 * 1024


@dataclass(frozen=True)
class HttpRequest:
    """One call: it must be one that may be carried out twice.

    That is a GET, a DELETE, or a POST with an idempotency key in its headers.

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
        """Set up.

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
        """Show the header's name, never the secret."""
        return f'{type(self).__name__}({self._name!r})'

    def __reduce__(self) -> str:
        """Refuse to be pickled: the pickle would hold the secret."""
        raise TypeError('a secret cannot be pickled')

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the header (httpx's interface)."""
        request.headers[self._name] = self._value
        yield request


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


def ssl_context(verify: Verify) -> ssl.SSLContext | bool:
    """Return what httpx takes for `verify`.

    Raises:
        ValueError: the file of certificates cannot be used.
    """
    if isinstance(verify, bool | ssl.SSLContext):
        return verify
    try:
        return ssl.create_default_context(cafile=os.fspath(verify))
    except OSError as error:
        reason = error.strerror or 'it holds no certificate'
        raise ValueError(f'the CA file {os.fspath(verify)!r} cannot be used: {reason}') from None


async def read_bounded(response: httpx.Response) -> bytes | None:
    """Return the body, or None where it is compressed or larger than MAX_ANSWER_BYTES."""
    if response.headers.get('content-encoding', 'identity').strip().lower() != 'identity':
        return None
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            return None
    return bytes(body)


def json_of(body: bytes | None) -> object:
    """Read JSON; None if it is not valid."""
    try:
        return json.loads(body or b'')
    except (ValueError, RecursionError):
        return None


def message_of(body: bytes | None) -> str:
    """Return the service's own words of an error body: `message` of its JSON, else the text."""
    if not body:
        return ''
    parsed = json_of(body)
    if isinstance(parsed, dict):
        for name in ('message', 'detail', 'error'):
            if isinstance(parsed.get(name), str):
                return str(parsed[name])
    text = body[:4000].decode('utf-8', 'replace')
    return '' if text.lstrip().startswith('<') else text
