# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What waits for operators, in the order in which to answer it, counted and filtered.

A request with several images is one question to an operator: the first image stands for all of
them, since they are claimed, answered and ended together.

A question whose answer is held back waits only for its own operator: another one may be asked for
a second opinion, and must not see who answered it first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    case,
    exists,
    false,
    func,
    or_,
    select,
    true,
)

from spark_ros.service.storage.leases import ENDLESS
from spark_ros.service.storage.schema import NEVER, WAITING, jobs, keys, questions

# Columns of a line of the queue, whose instructions are cut to this length.
LINE_TEXT = 300
_image = questions.alias()
# Of all images of a request, in its one line.
PRIOR_COUNT = case(
    (jobs.c.images == 1, questions.c.prior_count),
    else_=select(func.sum(_image.c.prior_count))
    .where(_image.c.job_id == questions.c.job_id)
    .scalar_subquery(),
).label('prior_count')
LINE = (
    *questions.c[
        'id', 'kind', 'state', 'sequence', 'image_location', 'priority', 'deadline', 'created',
        'lease_owner', 'lease_until',
    ],
    PRIOR_COUNT,
    *jobs.c['api', 'base_url', 'program', 'robot_id', 'camera', 'images'],
    func.substr(jobs.c.instructions, 1, LINE_TEXT).label('instructions'),
    keys.c.name.label('key_name'),
    keys.c.tenant,
)
ONE_EACH = WAITING & (questions.c.position == 0)
# Their answers are held back: see `held_answers`.
HELD_BACK = questions.c.lease_until == ENDLESS
# Who asks, as operators see it: keys of one robot need no name of it.
ROBOT = func.coalesce(jobs.c.robot_id, keys.c.name)
# Of the programs and of the robots, those with the most questions.
MOST_GROUPS = 200


@dataclass(frozen=True)
class Filter:
    """Which questions an operator wants to see.

    Attributes:
        program: its name; '' for questions without one, None for all.
        robot: its name, or that of its key where it has none; None for all.
    """

    program: str | None = None
    robot: str | None = None


ALL = Filter()


def lines(
    connection: Connection, limit: int, owner: str | None, operator: str | None,
    wanted: Filter = ALL,
) -> list[Row[Any]]:
    """Return the lines of the queue, of all keys, in the order in which to answer them.

    Args:
        owner: who is to see them, as in leases; None for all lines, whoever may see them.
        operator: the pseudonym of whose queue it is; `excluded` of a line is true if this
            operator must not answer. None: of nobody.
    """
    ordered = first_ids(connection, limit, operator, matching(wanted), seen_by(owner))
    places = {id: place for place, id in enumerate(ordered)}
    query = (
        select(*LINE, excluded(operator).label('excluded'))
        .join(jobs, questions.c.job_id == jobs.c.id)
        .join(keys, questions.c.key_id == keys.c.id)
        .where(questions.c.id.in_(places))
    )
    return sorted(connection.execute(query), key=lambda row: places[row.id])


def first_ids(
    connection: Connection, limit: int, operator: str | None, *conditions: ColumnElement[bool]
) -> Sequence[int]:
    """Return the ids of the questions to answer first, in order.

    The highest priority comes first. Within it the keys take turns, beginning with the one that
    was served longest ago; of a key, the earliest deadline is first, then the oldest question.
    What this operator must not answer comes last, so that no key can hide what others ask.
    """
    turn = func.row_number().over(
        partition_by=(questions.c.priority, questions.c.key_id),
        order_by=(questions.c.deadline, questions.c.id),
    )
    columns = questions.c['id', 'priority', 'key_id', 'deadline']
    ranked = (
        select(*columns, turn.label('turn'), excluded(operator).label('excluded'))
        .where(ONE_EACH, *conditions)
        .subquery()
    )
    first = (
        select(ranked.c.id)
        .join(keys, ranked.c.key_id == keys.c.id)
        .where(ranked.c.turn <= limit)
        .order_by(
            ranked.c.excluded, ranked.c.priority.desc(), ranked.c.turn,
            keys.c.served, ranked.c.deadline, ranked.c.id,
        )
        .limit(limit)
    )  # fmt: skip
    return connection.execute(first).scalars().all()


def free_ids(
    connection: Connection, limit: int, owner: str, operator: str, wanted: Filter,
    skipped: Sequence[int],
) -> Sequence[int]:
    """Return what an operator may take, in order: what nobody has, and what they still have.

    Args:
        owner: the operator, as in leases.
        operator: their pseudonym.
        skipped: what they do not want now.
    """
    # Not what they have answered, if that can still be taken back.
    theirs = (questions.c.lease_owner == owner) & (questions.c.lease_until < NEVER)
    free = (questions.c.state == 'open') | theirs
    return first_ids(
        connection, limit, operator, matching(wanted), free, ~excluded(operator),
        questions.c.id.not_in(skipped),
    )  # fmt: skip


def count(connection: Connection, owner: str | None, wanted: Filter = ALL) -> int:
    """Count the questions that wait, of all keys, as `owner` of `lines` sees them."""
    query = select(func.count()).select_from(questions)
    found = connection.execute(query.where(ONE_EACH, matching(wanted), seen_by(owner)))
    return int(found.scalar_one())


def count_held(connection: Connection) -> Counter[str]:
    """Count the questions whose answers are held back, by the operator who gave them."""
    query = (
        select(questions.c.lease_owner, func.count())
        .where(HELD_BACK, questions.c.position == 0)
        .group_by(questions.c.lease_owner)
    )
    return Counter({owner: number for owner, number in connection.execute(query)})


def count_excluded(
    connection: Connection, owner: str, operator: str, wanted: Filter = ALL
) -> int:
    """Count the questions that wait and that an operator, see `free_ids`, must not answer."""
    query = (
        select(func.count())
        .select_from(questions)
        .where(ONE_EACH, matching(wanted), seen_by(owner), excluded(operator))
    )
    return int(connection.execute(query).scalar_one())


def some_exclude(connection: Connection, operators: Sequence[str]) -> bool:
    """Whether some of these operators, by pseudonym, must not answer a question that waits."""
    them = or_(false(), *(jobs.c.excluded.contains(each) for each in operators))
    of_job = jobs.c.id == questions.c.job_id
    query = select(exists().where(WAITING, questions.c.excludes == 1, of_job, them))
    return bool(connection.execute(query).scalar())


def groups(connection: Connection, owner: str) -> dict[str, list[dict[str, Any]]]:
    """Return the programs and robots of what an operator sees waiting, with counts.

    Those with the most come first.
    """
    found = {}
    for name, column in (
        ('programs', func.coalesce(jobs.c.program, '')), ('robots', ROBOT),
    ):  # fmt: skip
        waiting = func.count().label('waiting')
        query = (
            select(column.label('name'), waiting)
            .select_from(questions)
            .join(jobs, questions.c.job_id == jobs.c.id)
            .join(keys, questions.c.key_id == keys.c.id)
            .where(ONE_EACH, seen_by(owner))
            .group_by(column)
            .order_by(waiting.desc(), column)
            .limit(MOST_GROUPS)
        )
        found[name] = [{'name': row.name, 'waiting': row.waiting}
                       for row in connection.execute(query)]
    return found


def excluded(operator: str | None) -> ColumnElement[bool]:
    """Return what holds of the questions that an operator, by pseudonym, must not answer."""
    if operator is None:
        return false()
    return and_(
        questions.c.excludes == 1,
        exists().where(
            jobs.c.id == questions.c.job_id, jobs.c.excluded.contains(operator)
        ).correlate(questions),
    )  # fmt: skip


def seen_by(owner: str | None) -> ColumnElement[bool]:
    """Return what holds of the questions that an operator sees; None sees all."""
    if owner is None:
        return true()
    # Apart, since these are few, and the index of what waits does not have the leases.
    others = select(questions.c.id).where(HELD_BACK, questions.c.lease_owner != owner)
    return questions.c.id.not_in(others.correlate(None))


def matching(wanted: Filter) -> ColumnElement[bool]:
    """Return what holds of the questions that an operator wants to see."""
    asked = []
    if wanted.program is not None:
        asked.append(func.coalesce(jobs.c.program, '') == wanted.program)
    if wanted.robot is not None:
        asked.append(ROBOT.in_((wanted.robot,)))
    if not asked:
        return true()
    return exists().where(
        jobs.c.id == questions.c.job_id, keys.c.id == jobs.c.key_id, *asked
    ).correlate(questions)
