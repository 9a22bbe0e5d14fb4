# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a question costs the service's process, beside the least that a durable create can cost.

    python benchmarks/floor.py [--against DIR]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from comparison import Comparison, Verdict, compare, print_verdicts
from load import Person, create, question_about
from processes import END_S
from service_process import ServiceProcess

HERE = Path(__file__).resolve().parent
RESULT = HERE.parent / 'build' / 'benchmarks' / 'floor.json'
IMAGE = HERE.parent / 'spark_ros' / 'service' / 'docs_page' / 'example.png'
FLOOR, OURS, OTHER = 'floor', 'service', 'other checkout'
CLIENTS = (1, 8)
WHOLE = 'whole question'
WARM_UP = 100
# How often a create may cost what its statements alone cost.
MOST = 4.0


@dataclass(frozen=True)
class Turn:
    """What requests of one kind took.

    Attributes:
        per_s: how many were answered in a second.
        cpu_ms: processor time of the server's process for one, in all its threads.
    """

    per_s: float
    cpu_ms: float


# By subject, then by kind of request.
Round = dict[str, dict[str, Turn]]


@dataclass(frozen=True)
class Sizes:
    """How many requests a turn has."""

    creates: int
    questions: int


def main() -> int:
    """Measure, print the table, and return 0 unless the promise was broken."""
    options = _parser().parse_args()
    if options.quick:
        options.rounds, options.creates, options.questions = 1, 200, 20
    began, load = time.strftime('%Y-%m-%d %H:%M:%S'), os.getloadavg()[0]
    subjects = [FLOOR, OURS, *([OTHER] if options.against else [])]
    sizes = Sizes(options.creates, options.questions)
    rounds: list[Round] = []
    for number in range(options.rounds):
        print(f'floor: round {number + 1} of {options.rounds}', file=sys.stderr, flush=True)
        order = subjects[:: -1 if number % 2 else 1]
        rounds.append({name: _measure(name, options.against, sizes) for name in order})
    about = f'{began}, {os.cpu_count()} processors, load at start {load:.2f}'
    print(about)
    print(_table(subjects, rounds))
    ratios = _ratios(subjects, rounds)
    print(_ratio_table(ratios))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    written = [
        {name: {kind: vars(turn) for kind, turn in turns.items()} for name, turns in each.items()}
        for each in rounds
    ]
    options.json.write_text(json.dumps({'about': about, 'rounds': written}, indent=2) + '\n')
    print(f'all numbers: {options.json}')
    return print_verdicts(_verdicts(ratios))


def _measure(subject: str, other: Path | None, sizes: Sizes) -> dict[str, Turn]:
    with tempfile.TemporaryDirectory() as folder:
        if subject == FLOOR:
            with _floor(Path(folder)) as (pid, address):
                body = _body(f'{address}/v1/image/1.png')
                return _creates(pid, partial(create, address, 'no-key', body), sizes)
        checkout = other if subject == OTHER and other else HERE.parent
        environment = {**os.environ, 'PYTHONPATH': str(checkout)}
        # Not as a module, for which Python would look in the current directory first.
        command = [sys.executable, str(checkout / 'spark_ros' / 'cli' / 'service.py')]
        with (
            # It logs a line for each step of a question, which belongs to what it costs.
            open(Path(folder) / 'log', 'wb') as log,
            ServiceProcess(
                Path(folder) / 'data', environment, command=command, log=log
            ) as service,
            contextlib.closing(Person(service.address, service.key, service.login)) as person,
        ):
            body = _body(person.upload(IMAGE.read_bytes()))
            person.ask(body, WARM_UP // 10)
            turn = _timed(service.pid, sizes.questions, partial(person.ask, body))
            creates = partial(create, service.address, service.key, body)
            return {WHOLE: turn, **_creates(service.pid, creates, sizes)}


def _creates(pid: int, creates: partial[float], sizes: Sizes) -> dict[str, Turn]:
    creates(1, WARM_UP)
    return {
        _creates_by(clients): _timed(pid, sizes.creates, partial(creates, clients))
        for clients in CLIENTS
    }


def _timed(pid: int, number: int, work: partial[float] | partial[None]) -> Turn:
    """Run `work(number)`; the load is made in this process, whose time does not count."""
    begun, before = time.perf_counter(), _cpu_s(pid)
    seconds = work(number)
    cpu_s = _cpu_s(pid) - before
    if seconds is None:
        seconds = time.perf_counter() - begun
    return Turn(number / seconds, 1000 * cpu_s / number)


def _cpu_s(pid: int) -> float:
    """Return the processor time of a process, as clock_getcpuclockid(3) gives it."""
    return time.clock_gettime((~pid << 3) | 2)


def _body(image_url: str) -> bytes:
    return json.dumps(question_about(image_url)).encode()


@contextlib.contextmanager
def _floor(folder: Path) -> Iterator[tuple[int, str]]:
    process = subprocess.Popen(
        [sys.executable, str(HERE / 'floor_app.py'), str(folder)],
        env={**os.environ, 'PYTHONPATH': str(HERE.parent)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    with process.stdout:
        try:
            address = process.stdout.readline().strip()
            if not address:
                raise RuntimeError('the floor did not start')
            yield process.pid, address
        finally:
            process.terminate()
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _creates_by(clients: int) -> str:
    return f'create, {clients} client{"s" if clients > 1 else ""}'


def _table(subjects: list[str], rounds: list[Round]) -> str:
    lines = [f'{f"Median of {len(rounds)} rounds":40}{"a second":>10}{"CPU ms":>10}']
    for subject in subjects:
        for kind in sorted(rounds[0][subject]):
            turns = [each[subject][kind] for each in rounds]
            per_s, cpu_ms = (median(vars(turn)[name] for turn in turns) for name in vars(turns[0]))
            lines.append(f'  {f"{kind}: {subject}":38}{per_s:10.0f}{cpu_ms:10.2f}')
    return '\n'.join(lines)


def _ratios(subjects: list[str], rounds: list[Round]) -> dict[tuple[str, str, str], Comparison]:
    """Return processor time in units of another subject's, by kind of request."""
    pairs = [(OURS, FLOOR), (OTHER, FLOOR), (OURS, OTHER)]
    return {
        (kind, subject, base): compare([
            each[subject][kind].cpu_ms / each[base][kind].cpu_ms for each in rounds
        ])
        for subject, base in pairs
        if subject in subjects and base in subjects
        for kind in sorted({*rounds[0][subject]} & {*rounds[0][base]})
    }


def _ratio_table(ratios: dict[tuple[str, str, str], Comparison]) -> str:
    head = 'CPU ms within a round, 95 % interval'
    lines = [f'{head:50}  median     from       to']
    lines += [
        f'  {f"{kind}: {subject} / {base}":48}{comparison}'
        for (kind, subject, base), comparison in ratios.items()
    ]
    return '\n'.join(lines)


def _verdicts(ratios: dict[tuple[str, str, str], Comparison]) -> dict[str, Verdict]:
    return {
        f'{_creates_by(clients)}: at most {MOST:g} times what its statements cost':
            ratios[_creates_by(clients), OURS, FLOOR].at_most(MOST)
        for clients in CLIENTS
    }  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--rounds', type=int, default=7)
    parser.add_argument('--creates', type=int, default=1000, help='in a turn')
    parser.add_argument('--questions', type=int, default=150, help='in a turn')
    parser.add_argument('--against', type=Path, help='another checkout, to compare with')
    parser.add_argument('--quick', action='store_true', help='one short round')
    parser.add_argument('--json', type=Path, default=RESULT, help='default: %(default)s')
    return parser


if __name__ == '__main__':
    sys.exit(main())
