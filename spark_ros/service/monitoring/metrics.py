# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a service counts and measures of its questions, deliveries and requests.

Nearly all of it comes from the changes that are announced after each commit. Each service has a
registry of its own, since several may run in one process. `scrape` adds what is read only when
somebody asks.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram
from sqlalchemy import Row

from spark_ros.service.deliveries import Delivery, RecentDeliveries
from spark_ros.service.events import Change
from spark_ros.service.monitoring.program_labels import ProgramLabels
from spark_ros.wire.step_log import log_step

log = logging.getLogger('spark_ros.service.questions')

BUCKETS_S = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3600)
ENDED = ('closed', 'aborted')
METHODS = ('GET', 'POST', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH', 'PUT')
# The steps that close a question without an answer, by their flag.
CLOSED_BY_FLAG = {'canceled': 'withdrawn', 'expired': 'expired', 'flagged': 'flagged'}


class Metrics:
    """Counters and histograms; its methods may be called from any thread and return at once.

    Attributes:
        registry: holds them, and nothing of another service.
        programs: gives the labels of programs.
        recent: the last deliveries of answers.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.programs = ProgramLabels()
        self.recent = RecentDeliveries()
        self._claimed_at: dict[int, float] = {}
        self._labelled = lru_cache(maxsize=4096)(_labelled)
        self._steps = self._counter('questions', 'Steps of questions.', 'program', 'step')
        self._to_claim = self._histogram('claim', 'From the question to its first claim.')
        self._to_answer = self._histogram('answer', 'From the question to its answer.')
        self._work = self._histogram('work', 'From the last claim to the answer.')
        self._to_deliver = self._histogram('delivery', 'From the answer to its delivery.', 'way')
        self._deliveries = self._counter('deliveries', 'Deliveries.', 'way', 'result')
        self._requests = self._counter(
            'requests', 'Answered HTTP requests.', 'method', 'route', 'status'
        )
        self._errors = self._counter('errors', 'Exceptions that nothing handled.', 'part')

    def changed(self, change: Change, made_here: bool = True) -> None:
        """Count a committed change, and log it; another process counts what it made itself."""
        claimed_at = self._claimed_at.pop(change.question_id, None)
        if not made_here:
            return
        step, program = step_of(change), self.programs.of(change.program)
        self._labelled(self._steps, program, step).inc()
        if step == 'claimed':
            self._claimed_at[change.question_id] = change.at
            if change.sequence == 2:
                self._labelled(self._to_claim, program).observe(change.at - change.asked_at)
        elif step == 'answered':
            self._labelled(self._to_answer, program).observe(change.at - change.asked_at)
            if claimed_at is not None:
                self._labelled(self._work, program).observe(change.at - claimed_at)
        log_step(
            log, step, question=change.idempotency_key, token=change.token,
            robot=change.robot_id, number=change.question_id, program=change.program,
        )  # fmt: skip

    def delivered(self, row: Row[Any], way: str, now: float) -> None:
        """Count that a state of a question reached the caller, and log it.

        Args:
            row: the question, with the columns of `jobs.ROW`.
            way: `webhook` or `feed`.
            now: in Unix seconds.
        """
        self._labelled(self._deliveries, way, 'delivered').inc()
        ended = row.state in ENDED
        if ended and row.closed is not None:
            program, took_s = self.programs.of(row.program), max(0.0, now - row.closed)
            self._labelled(self._to_deliver, program, way).observe(took_s)
            self.recent.add(Delivery(row.program, now, took_s))
        self._log_delivery(row, 'delivered' if ended else 'pushed', way)

    def undelivered(self, row: Row[Any], way: str, error: str, last: bool) -> None:
        """Count that a state of a question did not reach the caller, and log it.

        Args:
            row, way: as of `delivered`.
            error: why; may come from outside.
            last: whether it was the last attempt.
        """
        self._deliveries.labels(way, 'given up' if last else 'failed').inc()
        self._log_delivery(row, 'given_up' if last else 'not_pushed', way, error)

    def answered(self, method: str, route: str, status: int) -> None:
        """Count an HTTP request.

        Args:
            route: the template of its path, never the path itself.
            status: of the answer, or 0 if there was none.
        """
        self._labelled(
            self._requests,
            method if method in METHODS else 'other',
            route,
            f'{status // 100}xx' if status else 'none',
        ).inc()

    def failed(self, part: str) -> None:
        """Count an exception that nothing handled, in a request or a background task."""
        self._errors.labels(part).inc()

    def _log_delivery(
        self, row: Row[Any], state: str, way: str, error: str | None = None
    ) -> None:
        log_step(
            log, state, question=row.idempotency_key, token=row.token, robot=row.robot_id,
            number=row.id, by=way, told=row.state, error=error,
        )  # fmt: skip

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(f'spark_{name}', about, labels, registry=self.registry)

    def _histogram(self, name: str, about: str, *labels: str) -> Histogram:
        return Histogram(
            f'spark_question_{name}_seconds', about, ('program', *labels),
            registry=self.registry, buckets=BUCKETS_S,
        )  # fmt: skip


def _labelled(metric: Any, *labels: str) -> Any:
    return metric.labels(*labels)


def step_of(change: Change) -> str:
    """Return what happened to a question, in one word."""
    if change.state == 'open':
        return 'created' if change.sequence == 1 else 'released'
    if change.state == 'assigned':
        return 'claimed'
    if change.state == 'closed':
        found = (step for flag, step in CLOSED_BY_FLAG.items() if flag in change.flags)
        return next(found, 'answered')
    return change.state
