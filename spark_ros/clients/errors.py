# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What can go wrong between a client and a service.

::

    ClientError
    ├── ConnectionFailed          no answer: refused, unreachable, timed out, TLS, broken off
    ├── ProtocolError             an answer that cannot be read: half a body, no JSON, no token
    └── ResponseError             the service said no, with a status
        ├── AuthenticationError   401, 403: the token
        ├── NotFoundError         404
        ├── UnsupportedError      the service does not have this call
        ├── CursorGone            410 of the change feed: changes were lost since its cursor
        ├── RateLimitedError      429
        ├── ServerError           408 and 5xx
        ├── RedirectError         3xx: never followed, a token must not travel to another host
        └── RefusedError          every other 4xx

Invalid arguments are a ValueError: then nothing was sent. No message holds the token.
"""

from __future__ import annotations

import unicodedata

LONGEST_MESSAGE = 500


class ClientError(Exception):
    """The base of all; catch this to catch everything that a call can meet.

    Attributes:
        may_have_arrived: the service may have carried the request out, in this attempt or in an
            earlier one of the same call; repeat it with the same idempotency key only.
        final: asking again cannot help: a 4xx other than 401, 403, 408 and 429.
        transient: the same request may well succeed a little later: no answer, one that cannot
            be read (a proxy's page, a cut connection), 408, 429 or 5xx.
        outage: every other request would meet the same: nobody is there, the token is not
            accepted, or it was not the service that answered.
        retry_after_s: how long the service asks to wait, in seconds, where it says so.
    """

    final = transient = outage = False
    retry_after_s: float | None = None

    def __init__(self, message: str, *, may_have_arrived: bool = False) -> None:
        super().__init__(message)
        self.may_have_arrived = may_have_arrived


class ConnectionFailed(ClientError):
    """The service did not answer.

    Attributes:
        may_have_arrived: False where the connection was never made.
        timed_out: time ran out, rather than that something was refused or broke.
    """

    transient = outage = True

    def __init__(
        self, message: str, *, may_have_arrived: bool = False, timed_out: bool = False
    ) -> None:
        super().__init__(message, may_have_arrived=may_have_arrived)
        self.timed_out = timed_out


class ProtocolError(ClientError):
    """The service answered, but the answer cannot be read."""

    transient = True

    def __init__(self, message: str, *, may_have_arrived: bool = True) -> None:
        super().__init__(message, may_have_arrived=may_have_arrived)


class ResponseError(ClientError):
    """The service answered with a status that is not a success.

    Attributes:
        status: the HTTP status.
        message: the service's own words, clipped and without control characters.
        retry_after: the same as `retry_after_s`.
        request: the method and URL, where known.
        foreign: it says that something is not there, and not in JSON: a web server at a wrong
            URL or a login page speaks like this, and nobody has judged the request.
    """

    def __init__(
        self,
        status: int,
        message: str = '',
        retry_after: float | None = None,
        request: str = '',
        foreign: bool = False,
    ) -> None:
        super().__init__(
            (f'{request}: ' if request else '') + f'{status} {message}'.rstrip(),
            may_have_arrived=status == 408 or status >= 500,
        )
        self.status, self.message = status, message
        self.retry_after = self.retry_after_s = retry_after
        self.request, self.foreign = request, foreign
        self.transient = status in (408, 429) or status >= 500
        refused = status in (401, 403)
        self.final = 400 <= status < 500 and not (refused or self.transient or foreign)
        self.outage = refused or 300 <= status < 400 or foreign

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild it from its own arguments, so that it survives pickling and copying."""
        return type(self), (
            self.status, self.message, self.retry_after, self.request, self.foreign,
        )  # fmt: skip


class AuthenticationError(ResponseError):
    """The token is unknown, or not allowed to do this (401, 403)."""


class NotFoundError(ResponseError):
    """There is no such thing, or it is another tenant's (404)."""


class UnsupportedError(ResponseError):
    """The service does not have this call (405, or found out by asking another way)."""


class CursorGone(ResponseError):
    """The change feed cannot go on from this cursor (410): poll, then begin without one."""


class RateLimitedError(ResponseError):
    """Too many requests (429); see `retry_after`."""


class ServerError(ResponseError):
    """The service, or a proxy before it, failed (408, 5xx)."""


class RedirectError(ResponseError):
    """The service is elsewhere (3xx); the message says where, for the base URL to be set."""


class RefusedError(ResponseError):
    """The request itself is wrong, and stays wrong (every other 4xx)."""


KINDS: dict[int, type[ResponseError]] = {
    401: AuthenticationError,
    403: AuthenticationError,
    404: NotFoundError,
    405: UnsupportedError,
    408: ServerError,
    429: RateLimitedError,
}
CLASSES = {3: RedirectError, 4: RefusedError}


def error_for_status(
    status: int,
    message: str = '',
    retry_after: float | None = None,
    request: str = '',
    foreign: bool = False,
) -> ResponseError:
    """Make the error that belongs to a status that is not a success."""
    kind = KINDS.get(status) or CLASSES.get(
        status // 100, ServerError if status >= 500 else ResponseError
    )
    return kind(status, message, retry_after, request, foreign)


def clean(text: str, secret: str = '') -> str:
    """Make someone else's text fit for a message: one line, clipped, without the secret."""
    head = text[: LONGEST_MESSAGE * 8]
    printable = ''.join(
        ' ' if char.isspace() else char
        for char in head
        if char.isspace() or not unicodedata.category(char).startswith('C')
    )
    line = ' '.join(printable.split())
    if secret:
        line = line.replace(secret, '***')
    return line if len(line) <= LONGEST_MESSAGE else line[: LONGEST_MESSAGE - 1] + '…'
