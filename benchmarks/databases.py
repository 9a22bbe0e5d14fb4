# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Creates on SQLite, and on PostgreSQL by one and by two processes, beside the bare driver.

    python benchmarks/databases.py

The bare driver executes the three inserts of a create and commits, on as many connections as there
are clients. All databases are durable.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

import httpx
import psycopg
from accounts import make_keys
from comparison import compare
from durable_postgres import empty_database
from floor import IMAGE
from floor_app import CHANGE, JOB, QUESTION
from load import create, question_about
from service_process import ServiceProcess
from sqlalchemy import create_engine

DRIVER, SQLITE, ONE, TWO = 'psycopg', 'SQLite', 'PostgreSQL', 'PostgreSQL, 2 workers'
BASE = (DRIVER, SQLITE)
WARM_UP = 200


@dataclass(frozen=True)
class Turn:
    """What the creates of one turn took.

    Attributes:
        per_s: how many were answered in a second.
        p99_ms: how long the slowest of a hundred took.
    """

    per_s: float
    p99_ms: float

    @classmethod
    def of(cls, waits_s: list[float], took_s: float) -> Turn:
        """Sum up what each of the creates took, and all together."""
        return cls(len(waits_s) / took_s, 1000 * quantiles(waits_s, n=100)[98])


def _drive(url: str, clients: int, number: int) -> Turn:
    """Create questions by the driver alone, on connections of their own."""
    waits_s: list[float] = []
    start = threading.Barrier(clients + 1)

    def work() -> None:
        with psycopg.connect(url) as connection:
            _create(connection)
            start.wait()
            for _ in range(number // clients):
                begun = time.perf_counter()
                _create(connection)
                waits_s.append(time.perf_counter() - begun)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    start.wait()
    begun = time.perf_counter()
    for thread in threads:
        thread.join()
    return Turn.of(waits_s, time.perf_counter() - begun)


def _create(connection: psycopg.Connection) -> None:
    asked, now = question_about('/v1/image/1.png'), time.time()
    token = os.urandom(16).hex()
    job = connection.execute(_with_id(JOB), (
        token, asked['instructions'], asked['instructions'], '{}', '[]', 'rover-1',
        'http://127.0.0.1', now,
    )).fetchone()  # fmt: skip
    assert job is not None
    row = connection.execute(_with_id(QUESTION), (job[0], '/v1/image/1.png', 1, now)).fetchone()
    assert row is not None
    connection.execute(CHANGE.replace('?', '%s').encode(), (row[0], now))
    connection.commit()


def _with_id(statement: str) -> bytes:
    return (statement.replace('?', '%s') + ' RETURNING id').encode()


def _serve(service: ServiceProcess, clients: int, number: int) -> Turn:
    files = {'image_file': ('a.png', IMAGE.read_bytes())}
    key = {'Authorization': f'Bearer {service.key}'}
    url = f'{service.address}/v1/image'
    answer = httpx.post(url, files=files, headers=key, trust_env=False).raise_for_status()
    body = httpx.Request('POST', url, json=question_about(answer.json()['url'])).content
    create(service.address, service.key, body, clients, WARM_UP)
    waits_s: list[float] = []
    took_s = create(service.address, service.key, body, clients, number, waits_s)
    return Turn.of(waits_s, took_s)


@contextmanager
def _service(workers: int, database: str) -> Iterator[ServiceProcess]:
    environment = {**os.environ, 'SPARK_SERVICE_DATABASE': database}
    with (
        tempfile.TemporaryDirectory() as folder,
        open(Path(folder) / 'log', 'wb') as log,
        ServiceProcess(
            Path(folder) / 'data', environment, '--workers', str(workers), log=log
        ) as service,
    ):
        yield service


def _measure(subject: str, clients: int, number: int) -> Turn:
    with ExitStack() as stack:
        database = '' if subject == SQLITE else stack.enter_context(empty_database())
        if subject == DRIVER:
            make_keys(database, 1)
            engine = create_engine(database)
            url = engine.url.set(drivername='postgresql').render_as_string(hide_password=False)
            return _drive(url, clients, number)
        service = stack.enter_context(_service(2 if subject == TWO else 1, database))
        return _serve(service, clients, number)


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument('--rounds', type=int, default=7)
    parser.add_argument('--creates', type=int, default=2000, help='in a turn')
    parser.add_argument('--clients', type=int, default=16)
    options = parser.parse_args()
    subjects = [DRIVER, SQLITE, ONE, TWO]
    rounds: list[dict[str, Turn]] = []
    for number in range(options.rounds):
        print(f'databases: round {number + 1} of {options.rounds}', file=sys.stderr, flush=True)
        order = subjects[:: -1 if number % 2 else 1]
        rounds.append({
            each: _measure(each, options.clients, options.creates) for each in order
        })  # fmt: skip
    print(f'{time.strftime("%Y-%m-%d %H:%M:%S")}, {os.cpu_count()} processors')
    print(f'{f"{options.clients} clients, median of rounds":32}{"a second":>10}{"p99 ms":>10}'
          + ''.join(f'{f"/ {base} (95 % interval)":>30}' for base in BASE))  # fmt: skip
    for subject in subjects:
        turns = [each[subject] for each in rounds]
        ratios = ''.join(
            f'   {compare([each[subject].per_s / each[base].per_s for each in rounds])}'
            for base in BASE
        )
        print(f'  {subject:30}{median(turn.per_s for turn in turns):10.0f}'
              f'{median(turn.p99_ms for turn in turns):10.1f}{ratios}')  # fmt: skip
    return 0


if __name__ == '__main__':
    sys.exit(main())
