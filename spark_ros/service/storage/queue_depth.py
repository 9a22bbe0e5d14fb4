# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How much waits: questions by program, and webhooks."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select, union

from spark_ros.service.storage import change_log
from spark_ros.service.storage.schema import WAITING, deliveries, jobs, keys, programs, questions

# Of each state, the programs with the most questions.
MOST_GROUPS = 1000
OWNED = union(select(programs.c.name), select(keys.c.program).where(keys.c.program.is_not(None)))


@dataclass(frozen=True)
class Depth:
    """Questions of one program in one state.

    Attributes:
        program: None is no program, or those beyond `MOST_GROUPS`.
        oldest: when the oldest of them was asked, in Unix seconds.
    """

    program: str | None
    state: str
    count: int
    oldest: float


@dataclass(frozen=True)
class Waiting:
    """What waits at one moment.

    Attributes:
        questions: what is open or assigned.
        webhooks: how many are still to be sent.
        programs: the names that the owner gave, by `program set` or to a key.
        held_back_since: when the first change was made that cannot be read yet, in Unix seconds.
    """

    questions: tuple[Depth, ...]
    webhooks: int
    programs: tuple[str, ...]
    held_back_since: float | None


def read(connection: Connection) -> Waiting:
    """Read what waits."""
    found: list[Depth] = []
    for state in ('open', 'assigned'):
        count = func.count().label('count')
        rows = connection.execute(
            select(jobs.c.program, count, func.min(questions.c.created))
            .join(jobs, questions.c.job_id == jobs.c.id)
            # WAITING, since the index is of what is open or assigned.
            .where(WAITING, questions.c.state == state)
            .group_by(jobs.c.program)
            .order_by(count.desc())
            .limit(MOST_GROUPS)
        )
        found += [Depth(program, state, n, oldest) for program, n, oldest in rows]
    due = select(func.count()).select_from(deliveries).where(deliveries.c.due.is_not(None))
    return Waiting(
        tuple(found),
        int(connection.execute(due).scalar_one()),
        tuple(connection.execute(OWNED).scalars()),
        change_log.held_back_since(connection),
    )
