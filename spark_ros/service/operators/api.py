# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The console's own API: the queue, claiming, answering, and a stream of changes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Row
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from spark_ros.geometry import ImageSize
from spark_ros.service.context import Context, base_url, context_of
from spark_ros.service.errors import ApiError
from spark_ros.service.heat import view as heat_view
from spark_ros.service.media import images
from spark_ros.service.media.image_reply import FILE_HEADERS
from spark_ros.service.operators import live_queue
from spark_ros.service.operators import view as operator_view
from spark_ros.service.operators.access import (
    acting_operator,
    known_operator,
    known_session,
    session_or_none,
)
from spark_ros.service.storage import held_answers, job_leases, jobs, leases, named_files, skips
from spark_ros.service.storage.held_answers import Stored
from spark_ros.service.storage.sessions import Session
from spark_ros.service.storage.store import Transaction
from spark_ros.service.web.body import LARGE, read_json
from spark_ros.service.web.concurrency import CountedStream
from spark_ros.service.web.connections import close_when_unacknowledged
from spark_ros.service.web.replies import reply
from spark_ros.service.web.uploads import commit_upload, receive

KEEP_ALIVE_S = 15.0
# How soon a stream ends whose session another process revoked.
CHECK_SESSION_S = 3.0
# What a database's integer column holds, and no more.
QUESTION_ID = re.compile('[1-9][0-9]{0,17}')


def question_id_of(request: Request) -> int:
    """Return which question a call is about, or answer 404."""
    text = request.path_params['question_id']
    if not QUESTION_ID.fullmatch(text):
        raise _unknown_question()
    return int(text)


async def thumbnail(request: Request) -> Response:
    """Give the thumbnail of an image."""
    await known_operator(request)
    identity = request.path_params['image_id']
    content = await context_of(request).store.read(
        lambda connection: images.thumbnail(connection, identity)
    )
    if content is None:
        raise ApiError(404, 'there is no such thumbnail')
    return Response(content, headers=FILE_HEADERS, media_type='image/jpeg')


async def question(request: Request) -> Response:
    """Give one question."""
    operator = await known_operator(request)
    question_id = question_id_of(request)
    return await details_of(context_of(request), question_id, operator)


async def claim(request: Request) -> Response:
    """Claim a question for the time of a lease, and return it."""
    operator = await acting_operator(request)
    question_id = question_id_of(request)
    service = context_of(request)
    now, lease_s = service.clock(), service.settings.lease_s

    def write(transaction: Transaction) -> None:
        operator_view.expect_may_claim(service, transaction.connection, question_id, operator)
        job_leases.claim(transaction, question_id, operator, now, lease_s)

    await service.store.write(write)
    return await details_of(service, question_id, operator)


async def heartbeat(request: Request) -> Response:
    """Renew the lease."""
    operator = await acting_operator(request)
    question_id = question_id_of(request)
    service = context_of(request)
    now, lease_s = service.clock(), service.settings.lease_s
    await service.store.write(job_leases.heartbeat, question_id, operator, now, lease_s)
    return reply({'lease_s': lease_s})


async def release(request: Request) -> Response:
    """Put the question back into the queue."""
    operator = await acting_operator(request)
    question_id = question_id_of(request)
    service = context_of(request)
    now = service.clock()
    await service.store.write(job_leases.release, question_id, operator, now)
    return reply({'state': 'open'})


async def answer(request: Request) -> Response:
    """Close the question: with the shapes that are on the image in the end, or a response."""
    operator = await acting_operator(request)
    question_id = question_id_of(request)
    service = context_of(request)
    row, _, said, flags = await read_answer(
        request, operator, lambda connection: row_of(connection, question_id)
    )
    now, present = service.clock(), service.presence.operators

    def write(transaction: Transaction) -> Stored:
        found = held_answers.close_or_hold(
            transaction, {question_id: said}, operator, now, flags=flags, present=present
        )
        for image_id in operator_view.images_in(row, said):
            named_files.put_of_question(transaction, question_id, image_id)
        return found

    return await answered(service, write)


async def read_answer(
    request: Request, operator: str, find: Callable[[Connection], Row[Any]]
) -> tuple[Row[Any], list[ImageSize | None], str, list[str]]:
    """Read an answer to a question with one image.

    Args:
        find: gives the question, as `jobs.question` does.

    Returns:
        The question, the sizes of its images where they matter, the answer as it is stored, and
        its flags.

    Raises:
        WireError: it is not valid; the message says what.
    """
    service = context_of(request)
    body = await read_json(request, service.settings.json_limit, operator, lambda value: value)

    def read(connection: Connection) -> tuple[Row[Any], list[ImageSize | None]]:
        row = find(connection)
        return row, operator_view.sizes_of(connection, row)

    row, sizes = await service.store.read(read)
    if body.size + len(row.request) + len(row.priors) > LARGE:
        said = await service.large_json.run(
            operator, operator_view.answer_of, row, body.value, sizes
        )
    else:
        said = operator_view.answer_of(row, body.value, sizes)
    return row, sizes, *said


async def flag(request: Request) -> Response:
    """Close the question as one that cannot be answered, with the reason."""
    operator = await acting_operator(request)
    question_id = question_id_of(request)
    service = context_of(request)
    body = await read_json(
        request, service.settings.json_limit, operator, operator_view.flag_of
    )
    flags, reason = body.value
    now, present = service.clock(), service.presence.operators

    def write(transaction: Transaction) -> Stored:
        images = job_leases.image_ids(transaction.connection, question_id)
        return held_answers.close_or_hold(
            transaction, dict.fromkeys(images, leases.NO_ANSWER), operator, now, flags=flags,
            feedback=reason, present=present,
        )  # fmt: skip

    return await answered(service, write)


async def undo(request: Request) -> Response:
    """Take an answer back that is not sent yet, and return the question."""
    operator = await acting_operator(request)
    question_id = question_id_of(request)
    service = context_of(request)
    now, lease_s = service.clock(), service.settings.lease_s
    await service.store.write(held_answers.undo, question_id, operator, now, lease_s)
    service.bus.read_again()
    return await details_of(service, question_id, operator)


async def skip(request: Request) -> Response:
    """Put the question back into the queue, for somebody else, perhaps with a reason."""
    operator = await acting_operator(request)
    question_id = question_id_of(request)
    service = context_of(request)
    body = await read_json(
        request, service.settings.json_limit, operator, operator_view.skip_reason_of
    )
    now = service.clock()

    def write(transaction: Transaction) -> None:
        job_leases.release(transaction, question_id, operator, now)
        skips.put(transaction, question_id, operator, body.value, now)

    await service.store.write(write)
    return reply({'state': 'open'})


async def upload(request: Request) -> Response:
    """Store a file that a Heat question asks for, and return the URL to answer with."""
    operator = await acting_operator(request)
    question_id = question_id_of(request)
    service = context_of(request)
    row = await service.store.read(row_of, question_id)
    return await receive_file(request, row, operator, row.lease_owner)


async def receive_file(
    request: Request, row: Row[Any], operator: str, owner: str | None
) -> Response:
    """Store a file for a question, which its `owner` answers, and return the URL."""
    service = context_of(request)
    if owner != operator:
        raise ApiError(409, 'you do not have this question, or no longer: claim it again')
    expected = heat_view.expected_upload(service.settings, row)
    stored, _ = await receive(service, request, row.tenant, expected)
    now = service.clock()

    def record(transaction: Transaction) -> None:
        images.record(transaction, stored, None, now)
        if not named_files.put_of_question(transaction, row.id, stored.id):
            raise _unknown_question()

    await commit_upload(service, stored, record)
    return reply({'url': base_url(request) + stored.path})


async def events(request: Request) -> Response:
    """Stream the queue as server-sent events until the session ends, or the service stops."""
    session = await known_session(request)
    # Somebody whose connection dropped without a word is not there any more.
    close_when_unacknowledged(request)
    return CountedStream(
        _listening(context_of(request), session),
        _stream(request, session.operator),
        media_type='text/event-stream',
        headers={'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no'},
    )


@contextmanager
def _listening(service: Context, session: Session) -> Iterator[None]:
    with service.event_streams.hold(session.id), service.presence.hold(session.operator):
        yield


async def _stream(request: Request, operator: str) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    queue: live_queue.LiveQueue = request.app.state.live_queue
    checked = told = loop.time()
    checked_access = 0
    async for message, access in live_queue.messages(queue, operator, CHECK_SESSION_S):
        if access != checked_access or loop.time() - checked >= CHECK_SESSION_S:
            if await session_or_none(request) is None:
                return
            checked, checked_access = loop.time(), access
        if message is not None:
            yield b'event: queue\ndata: %b\n\n' % message
        elif loop.time() - told < KEEP_ALIVE_S:
            continue
        else:
            yield b': still here\n\n'
        told = loop.time()


async def details_of(service: Context, question_id: int, operator: str) -> Response:
    """Answer with one question, as an operator sees it."""
    now = service.clock()

    def read(connection: Connection) -> Response:
        row = row_of(connection, question_id)
        # Written here because it may be megabytes, which would hold up the event loop.
        return reply(operator_view.details(service, connection, row, operator, now))

    return await service.store.read(read)


async def answered(service: Context, write: Callable[[Transaction], Stored]) -> Response:
    """Store an answer, and say for how long it can be taken back."""
    stored = await service.store.write(write)
    if not stored.closed:
        # The operator's other pages are told that it is not theirs to open, and all operators
        # that a second opinion may be wanted.
        service.bus.read_again()
    state = 'closed' if stored.closed else 'assigned'
    return reply({'state': state, 'held_s': round(stored.undo_s, 3)})


def row_of(connection: Connection, question_id: int) -> Row[Any]:
    """Return a question, as `jobs.question` does, or answer 404."""
    row: Row[Any] | None = jobs.question(connection, question_id)
    if row is None:
        raise _unknown_question()
    return row


def _unknown_question() -> ApiError:
    return ApiError(404, 'there is no such question')


routes = [
    Route(f'{images.THUMBNAILS}/{{image_id}}', thumbnail),
    Route('/console/api/questions/{question_id}', question),
    Route('/console/api/questions/{question_id}/claim', claim, methods=['POST']),
    Route('/console/api/questions/{question_id}/heartbeat', heartbeat, methods=['POST']),
    Route('/console/api/questions/{question_id}/release', release, methods=['POST']),
    Route('/console/api/questions/{question_id}/answer', answer, methods=['POST']),
    Route('/console/api/questions/{question_id}/flag', flag, methods=['POST']),
    Route('/console/api/questions/{question_id}/undo', undo, methods=['POST']),
    Route('/console/api/questions/{question_id}/skip', skip, methods=['POST']),
    Route('/console/api/questions/{question_id}/upload', upload, methods=['POST']),
    Route('/console/api/events', events),
]
