# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Questions that were answered already, for another operator: the same calls as of any question.

Such a check has an id like `check-12` in place of the question's. Nothing tells what was answered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from spark_ros.geometry import ImageSize
from spark_ros.service.context import Context, context_of
from spark_ros.service.errors import ApiError
from spark_ros.service.heat import objects as heat_json
from spark_ros.service.operators import view
from spark_ros.service.operators.access import acting_operator, known_operator
from spark_ros.service.operators.agreement import agreement, disagree
from spark_ros.service.operators.api import read_answer, receive_file
from spark_ros.service.operators.images_api import read_answers
from spark_ros.service.storage import checks, held_answers, jobs, leases, named_files, skips
from spark_ros.service.storage import schema as tables
from spark_ros.service.storage.second_opinions import INTERESTING
from spark_ros.service.storage.store import Transaction
from spark_ros.service.web.body import read_json
from spark_ros.service.web.replies import reply
from spark_ros.wire.values import format_time

ID = re.compile('check-([1-9][0-9]{0,8})')


def id_of(name: str) -> int | None:
    """Return the id of the check that the console calls so, or None."""
    found = ID.fullmatch(name)
    return None if found is None else int(found[1])


async def question(request: Request) -> Response:
    """Give a check that this operator has, or answered."""
    operator = await known_operator(request)
    return await details_of(context_of(request), _check_id(request), operator)


async def claim(request: Request) -> Response:
    """Claim a check for the time of a lease, and return it."""
    operator = await acting_operator(request)
    check_id, service = _check_id(request), context_of(request)
    pseudonym = service.crunchers.pseudonym(operator)
    now, lease_s = service.clock(), service.settings.lease_s
    await service.store.write(checks.claim, check_id, operator, pseudonym, now, lease_s)
    return await details_of(service, check_id, operator)


async def heartbeat(request: Request) -> Response:
    """Renew the lease."""
    operator = await acting_operator(request)
    service = context_of(request)
    now, lease_s = service.clock(), service.settings.lease_s
    await service.store.write(checks.heartbeat, _check_id(request), operator, now, lease_s)
    return reply({'lease_s': lease_s})


async def release(request: Request) -> Response:
    """Give the check back."""
    operator = await acting_operator(request)
    service = context_of(request)
    await service.store.write(checks.release, _check_id(request), operator)
    service.bus.read_again()
    return reply({'state': 'open'})


async def skip(request: Request) -> Response:
    """Give the check back for good, perhaps with a reason."""
    operator = await acting_operator(request)
    check_id, service = _check_id(request), context_of(request)
    body = await read_json(
        request, service.settings.json_limit, operator, view.skip_reason_of
    )
    now = service.clock()

    def write(transaction: Transaction) -> None:
        question_id = checks.release(transaction, check_id, operator)
        skips.put(transaction, question_id, operator, body.value, now)

    await service.store.write(write)
    service.bus.read_again()
    return reply({'state': 'open'})


async def answer(request: Request) -> Response:
    """Store an answer beside the question's own."""
    operator = await acting_operator(request)
    check_id, service = _check_id(request), context_of(request)
    row, sizes, said, flags = await read_answer(
        request, operator,
        lambda connection: _question(connection, checks.rows(connection, check_id)),
    )
    return await _close(
        service, operator, check_id, {row.id: said}, flags, sizes=sizes,
        files=view.images_in(row, said),
    )  # fmt: skip


async def answer_images(request: Request) -> Response:
    """Store an answer to several images beside the question's own."""
    operator = await acting_operator(request)
    check_id, service = _check_id(request), context_of(request)
    said, flags = await read_answers(request, operator, lambda connection: {
        _name(row.id): row.question_id for row in checks.rows(connection, check_id)
    })  # fmt: skip
    return await _close(service, operator, check_id, said, flags)


async def flag(request: Request) -> Response:
    """Store that the operator cannot answer it, and why."""
    operator = await acting_operator(request)
    check_id, service = _check_id(request), context_of(request)
    body = await read_json(request, service.settings.json_limit, operator, view.flag_of)
    flags, reason = body.value
    found = await service.store.read(checks.rows, check_id)
    said = {row.question_id: leases.NO_ANSWER for row in found}
    return await _close(service, operator, check_id, said, flags, feedback=reason)


async def undo(request: Request) -> Response:
    """Refuse to take an answer back: nothing waits for it."""
    await acting_operator(request)
    raise ApiError(409, 'the answer is stored: it cannot be taken back any more')


async def upload(request: Request) -> Response:
    """Store a file that a Heat question asks for, and return the URL to answer with."""
    operator = await acting_operator(request)
    check_id = _check_id(request)

    def read(connection: Connection) -> tuple[Row[Any], str | None]:
        found = checks.rows(connection, check_id)
        owner = found[0].operator if found[0].state == 'assigned' else None
        return _question(connection, found), owner

    row, owner = await context_of(request).store.read(read)
    return await receive_file(request, row, operator, owner)


async def details_of(service: Context, check_id: int, operator: str) -> Response:
    """Answer with a check of an operator: the question as it was asked."""
    now = service.clock()

    def read(connection: Connection) -> Response:
        found = checks.rows(connection, check_id)
        if found[0].operator != operator or found[0].state == 'returned':
            # Whether it is there would say of which kind it was.
            raise _unknown_check()
        row = _question(connection, found)
        # Written here because it may be megabytes, which would hold up the event loop.
        return reply(_details(service, connection, row, found, operator, now))

    return await service.store.read(read)


def _details(
    service: Context, connection: Connection, row: Row[Any], found: Sequence[Row[Any]],
    operator: str, now: float,
) -> dict[str, Any]:
    first = found[0]
    names = {each.question_id: _name(each.id) for each in found}
    seen = view.details(service, connection, row, operator, now, [*names])
    since = first.claimed or first.created
    images = [{**image, 'id': names[image['id']]} for image in seen.get('images', ())]
    return {
        **seen,
        'id': names[row.id],
        'state': first.state,
        'mine': True,
        'holder': service.crunchers.pseudonym(operator)[:6],
        'lease_s': max(0.0, first.lease_until - now) if first.lease_until else None,
        # As of a question that has just come: who answered it first saw neither an old one, nor
        # what others wrote of it since.
        'age_s': round(max(0.0, now - since), 3),
        'created': format_time(since),
        'left_s': None,
        'skips': [],
        **({'images': images} if images else {}),
    }


async def _close(
    service: Context, operator: str, check_id: int, said: Mapping[int, str],
    flags: Sequence[str], *, feedback: str | None = None,
    sizes: Sequence[ImageSize | None] = (), files: Sequence[str] = (),
) -> Response:  # fmt: skip
    def read(connection: Connection) -> tuple[Row[Any], dict[int, str], str]:
        found = checks.rows(connection, check_id)
        return (
            _question(connection, found), _first_answers(connection, found), found[0].kind
        )

    row, firsts, kind = await service.store.read(read)
    agreed = await service.comparisons.run(operator, _agreement, row, firsts, said, sizes)
    more = [INTERESTING] if kind == checks.SECOND and disagree(agreed) else []
    now = service.clock()

    def write(transaction: Transaction) -> None:
        checks.close(
            transaction, check_id, operator, now, answers=said, agreement=agreed,
            flags=[*dict.fromkeys([*flags, *more])], feedback=feedback,
        )  # fmt: skip
        for image_id in files:
            named_files.put_of_question(transaction, row.id, image_id)
        if kind == checks.SECOND:
            held_answers.second_came(transaction, row.id, now, more)

    await service.store.write(write)
    return reply({'state': 'closed', 'held_s': 0})


def _agreement(
    row: Row[Any], firsts: Mapping[int, str], said: Mapping[int, str],
    sizes: Sequence[ImageSize | None],
) -> float | None:
    asked = heat_json.asked_of(row) if row.api == heat_json.API else None
    first, second = ([json.loads(by[each]) for each in said] for by in (firsts, said))
    return agreement(asked, first, second, sizes)


def _first_answers(connection: Connection, found: Sequence[Row[Any]]) -> dict[int, str]:
    """Return the answers that were given before, of which some may wait, by question."""
    questions, held = tables.questions, tables.held_answers
    answer = func.coalesce(questions.c.answer, held.c.answer, leases.NO_ANSWER)
    query = (
        select(questions.c.id, answer.label('answer'))
        .outerjoin(held, held.c.question_id == questions.c.id)
        .where(questions.c.id.in_([row.question_id for row in found]))
    )
    return {row.id: row.answer for row in connection.execute(query)}


def _question(connection: Connection, found: Sequence[Row[Any]]) -> Any:
    """Return the question of a check with these rows."""
    return jobs.question(connection, found[0].question_id)


def _name(check_id: int) -> str:
    return f'check-{check_id}'


def _check_id(request: Request) -> int:
    found = id_of(f'check-{request.path_params["check_id"]}')
    if found is None:
        raise _unknown_check()
    return found


def _unknown_check() -> ApiError:
    return ApiError(404, 'there is no such question')


BASE = '/console/api/questions/check-{check_id}'
routes = [
    Route(BASE, question),
    *(
        Route(f'{BASE}/{name}', call, methods=['POST'])
        for name, call in {
            'claim': claim, 'heartbeat': heartbeat, 'release': release, 'answer': answer,
            'answer-images': answer_images, 'flag': flag, 'undo': undo, 'skip': skip,
            'upload': upload,
        }.items()
    ),
]
