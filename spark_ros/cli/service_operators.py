# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""`spark-service operators`: how fast and how well each operator answers."""

from __future__ import annotations

import argparse
import sys
import time

from sqlalchemy import Connection

from spark_ros.cli.output import as_json, as_table, terminal
from spark_ros.service.crunchers import Crunchers
from spark_ros.service.operators.performance import Performance, performances
from spark_ros.service.operators.proportions import Share
from spark_ros.service.settings import DAY_S
from spark_ros.service.storage import sessions, statistics
from spark_ros.service.storage.store import Store
from spark_ros.wire.values import format_time

HOUR_S = 3600
HEADING = (
    'OPERATOR', 'SESSION', 'ANSWERED', 'FLAGGED', 'SKIPPED', 'SECONDS', 'KNOWN ANSWERS',
    'SECOND OPINIONS', 'STANDS OUT',
)  # fmt: skip
NONE = '-'


def operators_command(store: Store, options: argparse.Namespace) -> None:
    """Carry out the command and print what each operator did."""
    now = time.time()
    since = now - options.days * DAY_S

    def wanted(program: str | None) -> bool:
        return options.program in (None, program)

    def read(connection: Connection) -> tuple[list[Performance], float, dict[str, str]]:
        past = statistics.read(connection, since, now, HOUR_S)
        checks = statistics.closed_checks(connection, since)
        skipped = statistics.skipped(connection, since)
        found = performances(
            [each for each in past.answered if wanted(each.program)],
            [each for each in checks if wanted(each.program)],
            [each for each in skipped if wanted(each[1])],
        )
        logins = {each.operator: each.id for each in sessions.list_all(connection, now)}
        return found, past.since, logins

    found, begin, logins = store.read_now(read)
    # As a service does whose data this is.
    crunchers = Crunchers(bytes.fromhex(store.value('url_secret')))
    if begin > since + 1:
        print(f'note: answers and seconds are those since {format_time(begin)}', file=sys.stderr)
    if options.json:
        for each in found:
            line = each.as_json(crunchers.pseudonym(each.operator))
            print(as_json({**line, 'session': logins.get(each.operator)}, indent=None))
        return
    rows = [HEADING, *(
        (crunchers.pseudonym(each.operator), logins.get(each.operator, NONE), *_cells(each))
        for each in found
    )]  # fmt: skip
    print(as_table(rows, terminal(sys.stdout), state_column=len(HEADING)))


def _cells(one: Performance) -> tuple[str, ...]:
    return (
        str(one.answered), str(one.flagged), str(one.skipped), _seconds(one),
        _share(one.accuracy), _share(one.agreement), one.stands_out or NONE,
    )  # fmt: skip


def _seconds(one: Performance) -> str:
    value, low, high = one.working.value, one.working.low, one.working.high
    if value is None:
        return NONE
    return f'{value:.1f}' if low is None else f'{value:.1f} ({low:.1f}-{high:.1f})'


def _share(share: Share) -> str:
    if not share.of:
        return NONE
    low, high = share.interval()
    return f'{share.count} of {share.of} ({low:.0%}-{high:.0%})'
