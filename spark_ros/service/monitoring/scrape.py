# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What is measured only when somebody asks for the metrics, and their text."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

import spark_ros
from spark_ros.service.background import BackgroundTasks
from spark_ros.service.context import Context
from spark_ros.service.monitoring.program_labels import ProgramLabels
from spark_ros.service.storage import queue_depth
from spark_ros.service.storage.queue_depth import Waiting

log = logging.getLogger('spark_ros.service')

READ_S = 2.0


class Scrape:
    """Writes all metrics of a service in Prometheus' text format."""

    def __init__(self, context: Context, background: BackgroundTasks) -> None:
        self._context, self._background = context, background
        self._process = CollectorRegistry()
        ProcessCollector(registry=self._process)
        self._reading: asyncio.Task[Waiting | None] | None = None

    async def text(self) -> bytes:
        """Read what waits, and write everything; without the database, what is known without."""
        waiting = await self._waiting()
        now = _Now([
            *_of_questions(waiting, self._context),
            *_of_decoder(self._context),
            *_of_service(self._context, self._background, waiting is not None),
        ])
        parts = (self._context.metrics.registry, now, self._process)
        # Thousands of lines; not in the event loop.
        return b''.join(await asyncio.to_thread(lambda: [*map(generate_latest, parts)]))

    async def _waiting(self) -> Waiting | None:
        """Return what waits, or None if it cannot be read in time; one read is under way."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        reading = self._reading
        await asyncio.wait([reading], timeout=READ_S)
        return reading.result() if reading.done() else None

    async def _read(self) -> Waiting | None:
        try:
            return await self._context.store.read(queue_depth.read)
        except Exception as error:
            log.warning('metrics without the queue: the database does not answer (%r)', error)
            return None


class _Now(Collector):
    """Metrics that were made before."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _of_questions(waiting: Waiting | None, context: Context) -> Iterator[Metric]:
    if waiting is None:
        return
    labels: ProgramLabels = context.metrics.programs
    labels.know(waiting.programs)
    counts: dict[tuple[str, str], int] = {}
    oldest: dict[str, float] = {}
    for each in waiting.questions:
        program = labels.of(each.program)
        counts[program, each.state] = counts.get((program, each.state), 0) + each.count
        oldest[program] = min(oldest.get(program, each.oldest), each.oldest)
    depth = GaugeMetricFamily(
        'spark_queue_questions', 'Questions without an answer.', labels=['program', 'state']
    )
    for key, count in counts.items():
        depth.add_metric(key, count)
    age = GaugeMetricFamily(
        'spark_queue_oldest_seconds', 'Age of the oldest question without an answer.',
        labels=['program'],
    )  # fmt: skip
    now = context.clock()
    for program, asked in oldest.items():
        age.add_metric([program], max(0.0, now - asked))
    yield depth
    yield age
    yield GaugeMetricFamily(
        'spark_webhooks_waiting', 'Webhooks that are still to be sent.', value=waiting.webhooks
    )
    since = now if waiting.held_back_since is None else waiting.held_back_since
    yield GaugeMetricFamily(
        'spark_changes_held_back_seconds', 'Age of the oldest change that cannot be read yet.',
        value=max(0.0, now - since),
    )  # fmt: skip


def _of_decoder(context: Context) -> Iterator[Metric]:
    decoder = context.decoder
    for name, about, value in (
        ('running', 'Images that are being decoded.', decoder.running),
        ('waiting', 'Images that wait to be decoded.', decoder.waiting),
    ):
        yield GaugeMetricFamily(f'spark_decoder_{name}', about, value=value)
    yield CounterMetricFamily(
        'spark_decoder_killed', 'Decoding processes that died or were killed for an image.',
        value=decoder.killed,
    )  # fmt: skip


def _of_service(
    context: Context, background: BackgroundTasks, database: bool
) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        'spark_operators', 'Operators who are there.',
        value=context.presence.count,
    )  # fmt: skip
    yield GaugeMetricFamily(
        'spark_database_up', 'Whether the database answered this time.', value=database
    )
    failing = GaugeMetricFamily(
        'spark_task_failing', 'Whether a background task failed lately.', labels=['task']
    )
    for task in background.names:
        failing.add_metric([task], task in background.failing)
    yield failing
    about = GaugeMetricFamily('spark_service_info', 'The version.', labels=['version'])
    about.add_metric([spark_ros.__version__], 1)
    yield about
