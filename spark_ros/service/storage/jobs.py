# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Jobs and their questions: one accepted request is one job, with one question per image."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    bindparam,
    func,
    insert,
    select,
)

from spark_ros.service.errors import ApiError
from spark_ros.service.storage import change_log, named_files
from spark_ros.service.storage.prepared import Prepared
from spark_ros.service.storage.schema import NEVER, WAITING, jobs, keys, questions
from spark_ros.service.storage.store import ROW_BY_ROW, Transaction

# Columns of a question everywhere else.
ROW = (
    questions,
    *jobs.c[
        'token', 'api', 'program', 'instructions', 'webhook_url', 'request', 'images', 'base_url',
        'robot_id', 'camera', 'idempotency_key',
    ],
    jobs.c.name.label('job_name'),
    keys.c.name.label('key_name'),
    keys.c.tenant,
    keys.c.hash.label('key_hash'),
)
OPEN_STATES = ('open', 'assigned')
NO_LIMIT = 2**62
# For how long other processes' questions may be missing in the count of a key's, in seconds.
COUNTED_S = 1.0
TOKEN = re.compile('[0-9a-f-]{36}')

# Built once: building a statement takes longer than executing it.
COUNT_OPEN = (
    select(func.count())
    .select_from(questions)
    .where(questions.c.key_id == bindparam('key_id'), WAITING)
)
INSERT_JOB = Prepared(insert(jobs).returning(*change_log.JOB))
# Columns of `jobs` that a NewJob has under the same name.
AS_GIVEN = (
    'api', 'name', 'program', 'instructions', 'webhook_url', 'request', 'priors', 'robot_id',
    'camera', 'base_url', 'idempotency_key',
)  # fmt: skip
EXCLUDES = Prepared(
    select(jobs.c.excluded.contains(bindparam('operator')).label('excludes'))
    .join(questions, questions.c.job_id == jobs.c.id)
    .where(questions.c.id == bindparam('id'))
)
JOINED = (
    select(*ROW)
    .join(jobs, questions.c.job_id == jobs.c.id)
    .join(keys, questions.c.key_id == keys.c.id)
)
BY_IDS = JOINED.where(questions.c.id.in_(bindparam('ids', expanding=True)))
BY_ID = Prepared(JOINED.where(questions.c.id == bindparam('id')))
QUESTION = Prepared(
    JOINED.add_columns(jobs.c.priors).where(questions.c.id == bindparam('id'))
)
# One statement for all questions: each further statement would have to wait for the GIL again.
INSERT_QUESTION = Prepared(
    insert(questions).returning(questions.c.position, questions.c.id)
)


@dataclass(frozen=True)
class NewQuestion:
    """One image to ask about."""

    image_location: str
    prior_count: int = 0


@dataclass(frozen=True)
class NewJob:
    """A valid request, in terms that are common to both APIs.

    Attributes:
        api: by which API it came, and its answer is given.
        kind: what an answer consists of (`spark_ros.model.QuestionKind`).
        request: the rest of the request, as JSON for the API's own module; part of its answers.
        priors: what only operators need, as JSON for the API's own module.
        excluded: pseudonyms of the operators who must not answer.
        robot_id: which robot asks, if the request names it.
        camera: which of its cameras took the image, if the request names it.
        base_url: the start of this service's URLs, as the caller uses them.
        priority: 0 to 255; the highest is answered first.
        deadline: when nobody waits for the answer any more, in Unix seconds.
        idempotency_key: what the caller calls it, if it says so.
        files: which files its questions name, each once, as `named_files` has them.
    """

    api: str
    kind: str
    name: str
    program: str | None
    instructions: str | None
    webhook_url: str | None
    request: str
    priors: str
    questions: Sequence[NewQuestion]
    excluded: Sequence[str] = ()
    robot_id: str | None = None
    camera: str | None = None
    base_url: str = ''
    priority: int = 0
    deadline: float | None = None
    idempotency_key: str | None = None
    files: Sequence[str] = ()


@dataclass(frozen=True)
class Page:
    """The requested part of a list: `limit` rows from the offset `cursor` on."""

    limit: int = 50
    cursor: int = 0
    state: str | None = None


class OpenLimit:
    """How many questions of each key may be open.

    They are counted only when too many may be open: what is added to the last count is never too
    low, since it leaves out those that were closed. On a shared database, where other processes
    add some, too, no count is used for longer than `COUNTED_S`.

    Args:
        most: how many of one key.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        # By the key's id: the count, and when it was read.
        self._at_most: dict[int, tuple[int, float]] = {}

    def add(self, connection: Connection, key_id: int, number: int) -> None:
        """Add questions of a key that are about to be stored.

        Raises:
            ApiError: 429 when the key would have too many.
        """
        now = time.monotonic()
        count, counted = self._at_most.get(key_id, (self._most, now))
        shared = connection.dialect.name != 'sqlite'
        if count + number > self._most or (shared and now - counted > COUNTED_S):
            counted = now
            count = int(connection.execute(COUNT_OPEN, {'key_id': key_id}).scalar_one())
        if count + number > self._most:
            raise ApiError(
                429,
                f'{count} questions of this key are open; at most {self._most} are accepted. '
                'Repeat when some are answered',
                {'Retry-After': '30'},
            )
        self._at_most[key_id] = count + number, counted


def create(
    transaction: Transaction, key_id: int, job: NewJob, now: float, open_limit: OpenLimit
) -> str:
    """Store a job with its questions open and return its token.

    Args:
        key_id: of the caller's API key.

    Raises:
        ApiError: 429 when the key would have too many open questions.
    """
    connection = transaction.connection
    open_limit.add(connection, key_id, len(job.questions))
    token = str(uuid.uuid4())
    row = INSERT_JOB.first(connection, {
        **{column: getattr(job, column) for column in AS_GIVEN},
        'token': token,
        'key_id': key_id,
        'excluded': ' '.join(job.excluded),
        'images': len(job.questions),
        'created': now,
    })  # fmt: skip
    made = INSERT_QUESTION.each(connection, [
        {
            'job_id': row.id,
            'key_id': key_id,
            'kind': job.kind,
            'position': position,
            'image_location': question.image_location,
            'prior_count': question.prior_count,
            'priority': job.priority,
            'deadline': NEVER if job.deadline is None else job.deadline,
            'excludes': int(bool(job.excluded)),
            'state': 'open',
            'sequence': 1,
            'created': now,
        }
        for position, question in enumerate(job.questions)
    ])  # fmt: skip
    ids = [id for _, id in sorted(made)]
    if job.files:
        named_files.put(transaction, row.id, now, job.files)
    change_log.append_changes(transaction, ids, row, 1, 'open', now)
    return token


def of_key(
    connection: Connection, key_id: int, page: Page, token: str | None = None
) -> tuple[list[Row[Any]], bool]:
    """Return a page of a key's questions, oldest first.

    Args:
        token: only questions of the job with this token; None for all.

    Returns:
        The rows, and whether there are more. A page ends at its limit, or before its requests and
        answers are larger than `change_log.PAGE_SIZE`, but it has at least one row, if there is
        one.
    """
    query = JOINED.where(questions.c.key_id == key_id)
    if token is not None:
        query = query.where(jobs.c.token == token)
    if page.state is not None:
        query = query.where(questions.c.state == page.state)
    query = query.order_by(questions.c.id).limit(page.limit + 1)
    query = query.offset(min(page.cursor, NO_LIMIT))
    rows: list[Row[Any]] = []
    size = 0
    with connection.execute(query, execution_options=ROW_BY_ROW) as found:
        for row in found:
            size += len(row.request) + len(row.answer or '')
            if len(rows) == page.limit or (rows and size > change_log.PAGE_SIZE):
                return rows, True
            rows.append(row)
    return rows, False


def of_token(connection: Connection, key_id: int, token: str) -> Row[Any] | None:
    """Return the first question of a job of this key, or None where there is no such job."""
    if not TOKEN.fullmatch(token):
        return None
    rows, _ = of_key(connection, key_id, Page(1), token)
    return rows[0] if rows else None


def states(connection: Connection, key_id: int, token: str) -> list[Row[Any]]:
    """Return id, state, flags and closing time of a job's questions; empty without such a job."""
    if not TOKEN.fullmatch(token):
        return []
    query = (
        select(questions.c.id, questions.c.state, questions.c.flags, questions.c.closed)
        .join(jobs, questions.c.job_id == jobs.c.id)
        .where(jobs.c.token == token, questions.c.key_id == key_id)
        .order_by(questions.c.id)
    )
    return list(connection.execute(query))


def by_ids(connection: Connection, ids: Sequence[int]) -> list[Row[Any]]:
    """Return questions of any key, in the given order."""
    if len(ids) == 1:
        return BY_ID.all(connection, {'id': ids[0]})
    found = {row.id: row for row in connection.execute(BY_IDS, {'ids': ids})}
    return [found[id] for id in ids if id in found]


def count_of_key(connection: Connection, key_id: int, state: str | None) -> int:
    """Count a key's questions, all or those in one state."""
    query = select(func.count()).select_from(questions).where(questions.c.key_id == key_id)
    if state is not None:
        query = query.where(questions.c.state == state)
    return int(connection.execute(query).scalar_one())


def question(connection: Connection, question_id: int) -> Any:
    """Return one question of any key, with its job's `priors`; None if there is none."""
    if not 0 < question_id < NO_LIMIT:
        return None
    return QUESTION.first(connection, {'id': question_id})


def count_waiting(connection: Connection) -> int:
    """Count the questions that wait, of all keys: one for each image."""
    query = select(func.count()).select_from(questions).where(WAITING)
    return int(connection.execute(query).scalar_one())


def excludes(connection: Connection, question_id: int, operator: str) -> bool:
    """Whether an operator, given by pseudonym, must not answer a question."""
    given = {'id': question_id, 'operator': operator}
    row = EXCLUDES.first(connection, given)
    return row is not None and bool(row.excludes)


def last_answers(connection: Connection, owner: str, limit: int) -> list[Row[Any]]:
    """Return the questions that an operator closed last, the newest first."""
    query = (
        JOINED.where(questions.c.answered_by == owner)
        .order_by(questions.c.closed.desc(), questions.c.id.desc())
        .limit(limit)
    )
    return [*connection.execute(query)]


def answered_by(connection: Connection, owner: str) -> int:
    """Count the questions that an operator closed; those of several images once."""
    of_owner = (questions.c.answered_by == owner) & (questions.c.position == 0)
    query = select(func.count()).select_from(questions).where(of_owner)
    return int(connection.execute(query).scalar_one())
