# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Answering a request with several images: all of them with one call."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from sqlalchemy import Connection, Row
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from spark_ros.service.context import context_of
from spark_ros.service.errors import ApiError
from spark_ros.service.operators import view as operator_view
from spark_ros.service.operators.access import acting_operator
from spark_ros.service.operators.api import answered, question_id_of
from spark_ros.service.storage import held_answers, job_leases, jobs
from spark_ros.service.storage.held_answers import Stored
from spark_ros.service.storage.store import Transaction
from spark_ros.service.web.body import LARGE, read_json


async def answer(request: Request) -> Response:
    """Close the images of a question: each with the shapes that are on it in the end."""
    operator = await acting_operator(request)
    question_id = question_id_of(request)
    service = context_of(request)
    now, present = service.clock(), service.presence.operators
    by_image, flags = await read_answers(request, operator, lambda connection: {
        each: each for each in job_leases.image_ids(connection, question_id)
    })  # fmt: skip

    def write(transaction: Transaction) -> Stored:
        return held_answers.close_or_hold(
            transaction, by_image, operator, now, flags=flags, present=present
        )

    return await answered(service, write)


async def read_answers(
    request: Request, operator: str, find: Callable[[Connection], dict[Hashable, int]]
) -> tuple[dict[int, str], list[str]]:
    """Read an answer to a question with several images.

    Args:
        find: gives the ids of the images' questions, in order, by what the answer calls them.

    Returns:
        The answers as they are stored, by the ids of the images' questions, and their flags.

    Raises:
        WireError: it is not valid; the message says what.
    """
    service = context_of(request)
    body = await read_json(request, service.settings.json_limit, operator, lambda value: value)

    def read(connection: Connection) -> tuple[list[Hashable], list[Row[Any]]]:
        found = find(connection)
        first, *more = found.values()
        row = jobs.question(connection, first)
        if row is None or row.api != 'spark':
            raise ApiError(404, 'there is no such question with images')
        return [*found], [row, *jobs.by_ids(connection, more)]

    names, rows = await service.store.read(read)
    if body.size + len(rows[0].request) + len(rows[0].priors) > LARGE:
        texts, flags = await service.large_json.run(
            operator, operator_view.answers_of_images, rows, names, body.value
        )
    else:
        texts, flags = operator_view.answers_of_images(rows, names, body.value)
    return {row.id: text for row, text in zip(rows, texts, strict=True)}, flags


routes = [
    Route('/console/api/questions/{question_id}/answer-images', answer, methods=['POST']),
]
