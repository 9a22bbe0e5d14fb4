# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Poll open questions one after another."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

from spark_ros.clients.errors import ProtocolError, ServerError
from spark_ros.escalation.backends.backend import Asked, Report


async def one_by_one(
    asked: Iterable[Asked], look: Callable[[Asked], Awaitable[Report | None]]
) -> AsyncIterator[Report]:
    """Yield what is said of each.

    One answer that cannot be read, time and again, must not hide the answers behind it.

    Raises:
        ClientError: at once where the service cannot be reached or refuses; in the end where
            only some of the answers could not be read.
    """
    failure: ProtocolError | ServerError | None = None
    for question in asked:
        try:
            report = await look(question)
        except (ProtocolError, ServerError) as error:
            failure = error
            continue
        if report is not None:
            yield report
    if failure is not None:
        raise failure


def unknown_token(question: Asked) -> str:
    """Say that a service has lost a question, or shows it to another key."""
    return (
        f'the service does not know the token {question.token} of {question.id}: it has another '
        'key, or was put back to an earlier time. It is still looked for, ever more rarely'
    )
