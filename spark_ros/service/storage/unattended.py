# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Open questions from a priority up: since when one waits, and what is told of all of them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, func, select

from spark_ros.service.storage.schema import WAITING, jobs, questions

MOST_PROGRAMS = 10


@dataclass(frozen=True)
class Unattended:
    """The open questions at one moment.

    Attributes:
        count: how many.
        oldest: when the oldest was asked, in Unix seconds; None if there are none.
        priority: the highest of theirs; None if there are none.
        programs: the names of their programs, at most 10, as callers gave them.
        more_programs: whether there are more.
    """

    count: int
    oldest: float | None
    priority: int | None
    programs: tuple[str, ...] = ()
    more_programs: bool = False


def oldest_open(connection: Connection, priority: int) -> float | None:
    """Return when the oldest open question of at least a priority was asked, in Unix seconds."""
    # The index of what waits has the ids, and not `created`. SQLite would look for the smallest
    # id in the order of the table, from its first row on, were it not for the + 0.
    first = select(func.min(questions.c.id + 0)).where(_wanted(priority)).scalar_subquery()
    query = select(questions.c.created).where(questions.c.id == first)
    found: float | None = connection.execute(query).scalar()
    return found


def unattended(connection: Connection, priority: int) -> Unattended:
    """Return what is told of the open questions of at least a priority."""
    wanted = _wanted(priority)
    totals = select(func.count(), func.max(questions.c.priority)).where(wanted)
    names = (
        select(jobs.c.program)
        .distinct()
        .join(questions, questions.c.job_id == jobs.c.id)
        .where(wanted, jobs.c.program.is_not(None))
        .order_by(jobs.c.program)
        .limit(MOST_PROGRAMS + 1)
    )
    oldest = oldest_open(connection, priority)
    count, highest = connection.execute(totals).one()
    programs = connection.execute(names).scalars().all()
    return Unattended(
        count, oldest, highest, tuple(programs[:MOST_PROGRAMS]), len(programs) > MOST_PROGRAMS
    )


def _wanted(priority: int) -> ColumnElement[bool]:
    # WAITING, since the index is of what is open or assigned.
    return and_(WAITING, questions.c.state == 'open', questions.c.priority >= priority)
