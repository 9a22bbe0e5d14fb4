# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The page of statistics, and its data: how long all took, and how well operators answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from spark_ros.service.context import Context, context_of
from spark_ros.service.deliveries import Delivery
from spark_ros.service.operators import pages
from spark_ros.service.operators.access import known_session, session_or_none
from spark_ros.service.operators.performance import performances
from spark_ros.service.storage import skips, statistics
from spark_ros.service.storage.statistics import Past
from spark_ros.service.web.replies import reply_json, to_json
from spark_ros.wire.values import WireError

HOUR_S = 3600
# The ranges that can be asked for, in hours.
RANGES = (24, 168)
MOST_PROGRAMS = 20
MOST_OPERATORS = 50
# As long as the queue shows of who has a question.
NAME_LENGTH = 6
LONGEST_NAME = 200
# For how long what was read is given again: many may have the page open.
KEPT_S = 20.0
PHASES = ('waiting', 'working', 'delivery')

Times = dict[str, list[float]]


@dataclass(frozen=True)
class _Kept:
    at: float
    found: Mapping[str, Any]


async def page(request: Request) -> Response:
    """Give the page to who is logged in."""
    if await session_or_none(request) is None:
        return pages.please_log_in()
    return FileResponse(pages.CONSOLE / 'statistics.html', headers=pages.NO_STORE)


async def data(request: Request) -> Response:
    """Give the statistics of the last 24 hours or 7 days."""
    session, service = await known_session(request), context_of(request)
    hours = _hours(request)
    kept: dict[int, _Kept] = request.app.state.statistics
    now = service.clock()
    since = now - hours * HOUR_S
    delivered = service.metrics.recent.since(since)

    def read(connection: Connection) -> bytes:
        if hours not in kept or now - kept[hours].at >= KEPT_S:
            past = statistics.read(connection, since, now, HOUR_S)
            kept[hours] = _Kept(now, {
                'now': now, 'hours': hours, 'bucket_s': HOUR_S, 'since': past.since,
                'waiting': past.waiting, 'skipped': _skipped(connection, since),
                **_summed(past, delivered), **_operators(service, connection, past, since),
            })  # fmt: skip
        return to_json({**kept[hours].found, 'you': _name(service, session.operator)})

    # One at a time, whoever asks: who waited for another finds what that one read.
    return reply_json(await service.store.read_for('statistics', read))


def _summed(past: Past, delivered: Sequence[Delivery]) -> dict[str, Any]:
    everything: Times = defaultdict(list)
    by_hour: dict[int, Times] = defaultdict(lambda: defaultdict(list))
    by_program: dict[str | None, Times] = defaultdict(lambda: defaultdict(list))
    for program, at, phase, seconds in _spans(past, delivered):
        for times in (everything, by_hour[int(at // HOUR_S) * HOUR_S], by_program[program]):
            times[phase].append(seconds)
    most = sorted(by_program.items(), key=lambda item: -len(item[1]['waiting']))
    return {
        'total': _percentiles(everything),
        'by_hour': [{'at': at, **_percentiles(by_hour[at])} for at in sorted(by_hour)],
        'by_program': [
            {'program': name and name[:LONGEST_NAME], **_percentiles(times)}
            for name, times in most[:MOST_PROGRAMS]
        ],
        'more_programs': max(0, len(most) - MOST_PROGRAMS),
    }


def _skipped(connection: Connection, since: float) -> list[dict[str, Any]]:
    return [
        {
            'program': row.program and row.program[:LONGEST_NAME],
            'reason': row.reason[:LONGEST_NAME],
            'count': row.count,
        }
        for row in skips.reasons_since(connection, since)
    ]


def _operators(
    service: Context, connection: Connection, past: Past, since: float
) -> dict[str, Any]:
    found = performances(
        past.answered,
        statistics.closed_checks(connection, since),
        statistics.skipped(connection, since),
    )
    return {
        'by_operator': [
            each.as_json(_name(service, each.operator)) for each in found[:MOST_OPERATORS]
        ],
        'more_operators': max(0, len(found) - MOST_OPERATORS),
    }


def _name(service: Context, operator: str) -> str:
    return service.crunchers.pseudonym(operator)[:NAME_LENGTH]


def _spans(
    past: Past, delivered: Sequence[Delivery]
) -> Iterable[tuple[str | None, float, str, float]]:
    for each in past.answered:
        if not each.flagged:
            yield each.program, each.at, 'waiting', each.waiting_s
            yield each.program, each.at, 'working', each.working_s
    for one in delivered:
        yield one.program, one.at, 'delivery', one.seconds


def _percentiles(times: Times) -> dict[str, Any]:
    """Return how many there are of each phase, and its median and 95th percentile in seconds."""
    found = {}
    for phase in PHASES:
        values = sorted(times[phase])
        count = len(values)
        shares = [values[min(count * share // 100, count - 1)] for share in (50, 95) if count]
        found[phase] = {'count': count, **dict(zip(('p50', 'p95'), shares, strict=False))}
    return found


def _hours(request: Request) -> int:
    text = request.query_params.get('hours', '24')
    if text not in map(str, RANGES):
        raise WireError('hours must be 24 or 168')
    return int(text)


routes = [
    Route('/console/statistics', page),
    Route('/console/api/statistics', data),
]
