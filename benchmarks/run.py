# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a camera frame costs the robot, whether any is lost, and how fast answers are."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

from answers import ANSWERED_NODE, compare_answers, measure_answers
from comparison import print_verdicts
from cost import SUBJECTS, measure_cost
from loss import measure_loss
from report import answers_table, as_json, comparison_table, cost_table, loss_table, verdicts
from subjects import OTHER, RAW, of_checkout

RESULT = Path(__file__).resolve().parent.parent / 'build' / 'benchmarks' / 'latest.json'
SHM_NEEDED_MB = 150
ANSWER_ROUNDS = 8


def main() -> int:
    """Measure, print the tables, and return 0 unless a promise was broken."""
    options = _parser().parse_args()
    if options.quick:
        options.seconds, options.rounds, options.round_seconds = 5.0, 2, 3.0
        options.questions = 5
    if problem := _lacks_shared_memory():
        print(f'bench: {problem}', file=sys.stderr)
        return 2
    began = time.strftime('%Y-%m-%d %H:%M:%S')
    load = os.getloadavg()[0]
    loss = measure_loss(options.seconds, options.domain, _progress) if options.seconds else None
    subjects = [*SUBJECTS, *([RAW] if options.raw else [])]
    if options.against:
        subjects.insert(2, of_checkout(OTHER, options.against))
    rounds = measure_cost(
        options.rounds, options.round_seconds, options.domain, _progress, subjects
    )
    answers = (
        measure_answers(options.questions, options.domain, _progress) if options.questions else {}
    )
    about = f'{began}, {os.cpu_count()} processors, load at start {load:.2f}'
    print(about)
    if loss is not None:
        print(loss_table(loss))
    if rounds:
        print(cost_table(rounds))
    if answers:
        print(answers_table(answers))
    if options.against and options.questions:
        other = of_checkout(replace(ANSWERED_NODE, name=OTHER.name), options.against)
        print(
            comparison_table(
                compare_answers(
                    ANSWER_ROUNDS, options.questions // ANSWER_ROUNDS + 1, options.domain,
                    _progress, other,
                )
            )
        )  # fmt: skip
    code = print_verdicts(verdicts(loss, rounds))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(
        json.dumps({'about': about, 'answers': answers, **as_json(loss, rounds)}, indent=2) + '\n',
        encoding='utf-8',
    )
    print(f'all numbers: {options.json}')
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--seconds', type=float, default=60.0, help='of the loss run; 0 leaves it out'
    )
    parser.add_argument(
        '--rounds', type=int, default=15, help='of the cost comparison; 0 leaves it out'
    )
    parser.add_argument('--round-seconds', type=float, default=3.0, help='for each subject')
    parser.add_argument(
        '--raw', action='store_true', help='also a bare subscriber that keeps serialized frames'
    )
    parser.add_argument('--against', type=Path, help='another checkout, whose node is compared')
    parser.add_argument(
        '--questions', type=int, default=200, help='by each way home; 0 leaves it out'
    )
    parser.add_argument('--quick', action='store_true', help='a look in under a minute')
    parser.add_argument('--domain', type=int, default=90, help='ROS domain to be alone on')
    parser.add_argument('--json', type=Path, default=RESULT, help='default: %(default)s')
    return parser


def _progress(text: str) -> None:
    print(f'bench: {text}', file=sys.stderr, flush=True)


def _lacks_shared_memory() -> str:
    """Return what is wrong with /dev/shm, in which the camera's frames travel."""
    try:
        space = os.statvfs('/dev/shm')
    except OSError as error:
        return f'/dev/shm: {error.strerror}'
    free_mb = space.f_bavail * space.f_frsize // 2**20
    if free_mb < SHM_NEEDED_MB:
        return f'/dev/shm has {free_mb} MB free; {SHM_NEEDED_MB} MB are needed'
    return ''


if __name__ == '__main__':
    sys.exit(main())
