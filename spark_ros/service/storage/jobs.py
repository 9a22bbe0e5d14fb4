# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Jobs and their questions: one accepted request is one job, with one question per image."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, insert, select

from spark_ros.service.errors import ApiError
from spark_ros.service.storage.change_log import Route, note_change
from spark_ros.service.storage.schema import jobs, keys, questions
from spark_ros.service.storage.store import Transaction

# What a question row is read with, whoever asks.
ROW = (
    questions,
    jobs.c.token,
    jobs.c.api,
    jobs.c.name.label('job_name'),
    jobs.c.program,
    jobs.c.instructions,
    jobs.c.webhook_url,
    jobs.c.request,
    jobs.c.images,
    jobs.c.base_url,
    keys.c.name.label('key_name'),
    keys.c.tenant,
)
OPEN_STATES = ('open', 'assigned')
NO_LIMIT = 2**62

# Made once: building a statement costs more than carrying it out.
COUNT_OPEN = (
    select(func.count())
    .select_from(questions)
    .where(questions.c.key_id == bindparam('key_id'), questions.c.state.in_(OPEN_STATES))
)
INSERT_JOB = insert(jobs).returning(jobs.c.id)
INSERT_QUESTION = insert(questions).returning(questions.c.id)


@dataclass(frozen=True)
class NewQuestion:
    """One image to ask about."""

    image_location: str
    prior_count: int = 0


@dataclass(frozen=True)
class NewJob:
    """A request that was found in order, in the words of no API.

    Attributes:
        api: which API it came by and its answer goes by.
        kind: what an answer consists of (`spark_ros.model.QuestionKind`).
        request: what else was asked, for the API's own module; part of its answers.
        priors: what was given along for the operators, likewise.
        robot_id: which robot asks, where it says so.
        base_url: what it knows this service by.
    """

    api: str
    kind: str
    name: str
    program: str | None
    instructions: str | None
    webhook_url: str | None
    request: Mapping[str, Any]
    priors: Mapping[str, Any]
    questions: Sequence[NewQuestion]
    robot_id: str | None = None
    base_url: str = ''


@dataclass(frozen=True)
class Page:
    """Which part of a list is wanted: `limit` rows from the offset `cursor` on."""

    limit: int = 50
    cursor: int = 0
    state: str | None = None


def create(
    transaction: Transaction, key_id: int, job: NewJob, now: float, open_limit: int
) -> str:
    """Store a job with its questions open and return its token.

    Raises:
        ApiError: 429 when the key would have more than `open_limit` questions open.
    """
    connection = transaction.connection
    waiting = connection.execute(COUNT_OPEN, {'key_id': key_id}).scalar_one()
    if waiting + len(job.questions) > open_limit:
        raise ApiError(
            429,
            f'{waiting} questions of this key are open; at most {open_limit} are accepted. '
            'Repeat when some are answered',
            {'Retry-After': '30'},
        )
    token = str(uuid.uuid4())
    job_id = connection.execute(
        INSERT_JOB,
        {
            'token': token,
            'key_id': key_id,
            'api': job.api,
            'name': job.name,
            'program': job.program,
            'instructions': job.instructions,
            'webhook_url': job.webhook_url,
            'request': json.dumps(job.request, separators=(',', ':')),
            'priors': json.dumps(job.priors, separators=(',', ':')),
            'images': len(job.questions),
            'robot_id': job.robot_id,
            'base_url': job.base_url,
            'created': now,
        },
    ).scalar_one()
    route = Route(key_id, job.api, job.robot_id, job.webhook_url)
    for position, question in enumerate(job.questions):
        question_id = connection.execute(
            INSERT_QUESTION,
            {
                'job_id': job_id,
                'key_id': key_id,
                'kind': job.kind,
                'position': position,
                'image_location': question.image_location,
                'prior_count': question.prior_count,
                'state': 'open',
                'sequence': 1,
                'created': now,
            },
        ).scalar_one()
        note_change(transaction, question_id, route, 1, 'open', now)
    return token


def of_key(
    connection: Connection, key_id: int, page: Page, token: str | None = None
) -> list[Row[Any]]:
    """Return a key's questions, or those of one of its jobs, oldest first."""
    query = _joined().where(questions.c.key_id == key_id)
    if token is not None:
        query = query.where(jobs.c.token == token)
    if page.state is not None:
        query = query.where(questions.c.state == page.state)
    query = query.order_by(questions.c.id).limit(page.limit).offset(min(page.cursor, NO_LIMIT))
    return list(connection.execute(query))


def by_ids(connection: Connection, ids: Sequence[int]) -> list[Row[Any]]:
    """Return questions, whosever they are, in the order of their ids."""
    rows = connection.execute(_joined().where(questions.c.id.in_(ids)))
    found = {row.id: row for row in rows}
    return [found[id] for id in ids if id in found]


def count_of_key(connection: Connection, key_id: int, state: str | None) -> int:
    """Count a key's questions, or those in one state."""
    query = select(func.count()).select_from(questions).where(questions.c.key_id == key_id)
    if state is not None:
        query = query.where(questions.c.state == state)
    return int(connection.execute(query).scalar_one())


def job_exists(connection: Connection, key_id: int, token: str) -> bool:
    """Whether a token is a job of this key."""
    query = select(jobs.c.id).where(jobs.c.token == token, jobs.c.key_id == key_id)
    return connection.execute(query).first() is not None


def question(connection: Connection, question_id: int) -> Row[Any] | None:
    """Return one question, whosever it is, with its job's `priors`; None if there is none."""
    if not 0 < question_id < NO_LIMIT:
        return None
    query = _joined().add_columns(jobs.c.priors).where(questions.c.id == question_id)
    return connection.execute(query).first()


def waiting(connection: Connection, limit: int) -> list[Row[Any]]:
    """Return the questions of all keys that wait for an answer, oldest first."""
    query = _joined().where(questions.c.state.in_(OPEN_STATES))
    return list(connection.execute(query.order_by(questions.c.id).limit(limit)))


def answered_by(connection: Connection, owner: str) -> int:
    """Count the questions that a session closed."""
    query = select(func.count()).select_from(questions).where(questions.c.answered_by == owner)
    return int(connection.execute(query).scalar_one())


def _joined() -> Select[Any]:
    return (
        select(*ROW)
        .join(jobs, questions.c.job_id == jobs.c.id)
        .join(keys, questions.c.key_id == keys.c.id)
    )
