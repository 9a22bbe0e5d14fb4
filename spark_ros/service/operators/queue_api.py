# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The queue for the console: what waits, by program and robot, and the next question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from spark_ros.service.context import context_of
from spark_ros.service.operators import checks_api, live_queue
from spark_ros.service.operators import view as operator_view
from spark_ros.service.operators.access import acting_operator, known_operator
from spark_ros.service.operators.api import details_of
from spark_ros.service.storage import (
    checks,
    held_answers,
    job_leases,
    jobs,
    next_check,
    skips,
    waiting,
)
from spark_ros.service.storage.store import Transaction
from spark_ros.service.web.body import read_json
from spark_ros.service.web.replies import reply
from spark_ros.wire.values import WireError, expect_list, expect_object, expect_text

LONGEST_NAME = 500
MOST_SKIPPED = 1000


async def queue(request: Request) -> Response:
    """Give the questions to answer first, and counts: waiting, and those of this operator.

    `program` and `robot` in the URL's query leave out the others, also from the counts; `all` is
    how many wait without them.
    """
    operator = await known_operator(request)
    service = context_of(request)
    now = service.clock()
    wanted = _filter_of(request.query_params)

    def read(connection: Connection) -> Response:
        pseudonym = service.crunchers.pseudonym(operator)
        rows = waiting.lines(
            connection, live_queue.QUEUE_LENGTH, operator, pseudonym, wanted
        )
        found = waiting.count(connection, operator, wanted)
        held = held_answers.of_operator(connection, operator)
        present = service.presence.operators
        skipped = skips.skipped_by(connection, [row.id for row in rows], present, now)
        free = any(
            (row.state == 'open' or operator_view.working_on(row) == operator)
            and not row.excluded and operator not in skipped.get(row.id, ())
            for row in rows
        )  # fmt: skip
        return reply({
            'questions': [
                {**line, 'skipped': operator in skipped.get(line['id'], ())}
                for line in operator_view.queue_lines(service, connection, rows, operator, now)
            ],
            'waiting': found,
            'all': found if wanted == waiting.ALL else waiting.count(connection, operator),
            # Of those that wait, listed or not.
            'excluded': waiting.count_excluded(connection, operator, pseudonym, wanted),
            # Those, too, that can still be taken back, for so many seconds.
            'answered': jobs.answered_by(connection, operator) + len(held)
            + checks.count_answered(connection, operator),
            'held': [
                {'id': row.question_id, 'left_s': round(row.due - now, 3)}
                for row in held if not row.waits
            ],
            # Whether the next is one that was answered already.
            'check': not free and next_check.is_there(connection, operator, pseudonym, wanted),
            # By whom the browser keeps unfinished work.
            'operator': pseudonym,
        })

    return await service.store.read(read)


async def groups(request: Request) -> Response:
    """Give the programs and robots that the queue can be filtered by, with counts."""
    operator = await known_operator(request)
    return await context_of(request).store.read(
        lambda connection: reply(waiting.groups(connection, operator))
    )


async def claim_next(request: Request) -> Response:
    """Claim the first question of the queue that this operator may have, and return it.

    The body may have `program`, `robot`, and `skipped`: ids of those that they do not want now.
    Those that they skipped are left to others; with `again`, they come after all others.
    Where the queue has none, it is a question that was answered already, if one is to be checked;
    its id is then `check-N`. Where there is none, the answer is `{"id": null}`.
    """
    operator = await acting_operator(request)
    service = context_of(request)
    body = await read_json(request, service.settings.json_limit, operator, _asked)
    wanted, unwanted, unwanted_checks, again = body.value
    present = service.presence.operators
    now, lease_s = service.clock(), service.settings.lease_s

    pseudonym = service.crunchers.pseudonym(operator)

    def write(transaction: Transaction) -> tuple[int | None, int | None]:
        skipped = skips.skipped_of(transaction.connection, operator, present, now)
        passes = [[*unwanted, *skipped], *([unwanted] if again else [])]
        for passed in passes:
            found = job_leases.claim_next(
                transaction, operator, pseudonym, wanted, passed, now, lease_s
            )
            if found is not None:
                return found, None
        return None, next_check.claim_next(
            transaction, operator, pseudonym, wanted, unwanted_checks, now, lease_s
        )

    question_id, check_id = await service.store.write(write)
    if question_id is not None:
        return await details_of(service, question_id, operator)
    if check_id is not None:
        service.bus.read_again()
        return await checks_api.details_of(service, check_id, operator)
    return reply({'id': None})


def _asked(body: Any) -> tuple[waiting.Filter, list[int], list[int], bool]:
    said = expect_object(body, 'the body')
    skipped = expect_list(said.get('skipped') or [], 'skipped')
    if len(skipped) > MOST_SKIPPED:
        raise WireError(f'skipped has more than {MOST_SKIPPED} entries')
    skipped_checks = [checks_api.id_of(each) for each in skipped if isinstance(each, str)]
    skipped_questions = [each for each in skipped if not isinstance(each, str)]
    if None in skipped_checks or not all(
        type(each) is int and 0 < each < jobs.NO_LIMIT for each in skipped_questions
    ):
        raise WireError('skipped must be a list of ids')
    return (
        _filter_of(said), skipped_questions, [each for each in skipped_checks if each],
        said.get('again') is True,
    )  # fmt: skip


def _filter_of(said: Mapping[str, Any]) -> waiting.Filter:
    return waiting.Filter(**{
        name: expect_text(said[name], name, LONGEST_NAME)
        for name in ('program', 'robot')
        if said.get(name) is not None
    })  # fmt: skip


routes = [
    Route('/console/api/queue', queue),
    Route('/console/api/queue/groups', groups),
    Route('/console/api/next', claim_next, methods=['POST']),
]
