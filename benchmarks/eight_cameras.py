# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Eight cameras on one node: frames lost, what a frame costs, and what waiting costs."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from camera import RATE_HZ
from comparison import Verdict, print_verdicts
from cost import Round, compare_cost, measure_cost, median_ms
from loss import SETTLE_S, wait_until_sent
from processes import Process
from reporting import camera_names
from subjects import NODE_ARGUMENTS, OTHER, Subject, of_checkout

CAMERAS = 8
SIZE = ('--width=640', '--height=480')
NODE = Subject(
    'node', 'node_process.py',
    (*NODE_ARGUMENTS, '-p', f'cameras:=[{",".join(camera_names(CAMERAS))}]'),
)  # fmt: skip
BARE = Subject('bare', 'bare_subscriber.py', ('--allocator', f'--cameras={CAMERAS}'))
AGAIN = Subject('bare, again', BARE.script, BARE.arguments)
LIMIT, IDLE_LIMIT = 1.15, 0.02
# A ring of 128 MB takes 4.7 s to fill.
WARM_UP_S = 6.0


def main() -> int:
    """Measure, print, and return 0 if every promise held."""
    options = _parser().parse_args()
    print(
        f'{time.strftime("%Y-%m-%d %H:%M:%S")}, {os.cpu_count()} processors, '
        f'load at start {os.getloadavg()[0]:.2f}; {CAMERAS} cameras, 640x480 bgr8 at 30 Hz'
    )
    idle = _idle(options.idle_seconds, options.domain)
    print(f'Idle, no camera there: {100 * idle:.2f} % of one processor')
    lost = {s.name: _lost(s, options.seconds, options.domain) for s in (NODE, BARE)}
    frames = _frames(options.seconds)
    for name, number in lost.items():
        print(f'Frames lost of {frames}, {name} alone: {number}')
    subjects = [BARE, NODE, AGAIN]
    if options.against:
        subjects.insert(2, of_checkout(replace(NODE, name=OTHER.name), options.against))
    rounds = measure_cost(
        options.rounds, options.round_seconds, options.domain, _progress,
        subjects, (f'--cameras={CAMERAS}', *SIZE), WARM_UP_S,
    )  # fmt: skip
    _print_cost(rounds, subjects)
    cost = compare_cost(rounds, NODE, BARE, AGAIN).at_most(LIMIT)
    held = {
        f'idle under {100 * IDLE_LIMIT:g} % of a processor': Verdict.of(idle < IDLE_LIMIT),
        'the node loses no frame': Verdict.of(lost[NODE.name] == 0),
        f'a frame costs at most {LIMIT} of bare subscribers': cost,
    }
    return print_verdicts(held)


def _frames(seconds: float) -> int:
    return round(seconds * RATE_HZ) * CAMERAS


def _idle(seconds: float, domain: int) -> float:
    with NODE.start(domain) as node:
        time.sleep(SETTLE_S)
        before = node.read().cpu_s
        time.sleep(seconds)
        return (node.read().cpu_s - before) / seconds


def _lost(subject: Subject, seconds: float, domain: int) -> int:
    frames = _frames(seconds)
    with (
        subject.start(domain) as process,
        Process(
            'camera.py', f'--frames={frames}', '--subscribers=1', f'--cameras={CAMERAS}', *SIZE,
            profile=True, domain=domain,
        ) as camera,
    ):  # fmt: skip
        sent = wait_until_sent(camera, frames, _progress)
        time.sleep(SETTLE_S)
        return sent - process.read().frames


def _print_cost(rounds: list[Round], subjects: Sequence[Subject]) -> None:
    print(f'Processor time per frame in ms, median of {len(rounds)} rounds')
    for subject in subjects:
        print(f'  {subject.name:40}{median_ms(rounds, subject.name):6.2f}')
    print('Ratio within a round: median, and its 95 % interval')
    pairs = [(AGAIN, (BARE,)), *((each, (BARE, AGAIN)) for each in subjects[1:-1])]
    pairs += [(NODE, tuple(subjects[2:-1]))] * (len(subjects) > 3)
    for subject, bases in pairs:
        name = f'{subject.name} / {bases[0].name}'
        print(f'  {name:40}{compare_cost(rounds, subject, *bases)}')


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--seconds', type=float, default=30.0, help='of each loss run')
    parser.add_argument('--idle-seconds', type=float, default=20.0)
    parser.add_argument('--rounds', type=int, default=15)
    parser.add_argument('--round-seconds', type=float, default=3.0, help='for each subject')
    parser.add_argument('--against', type=Path, help='another checkout, whose node is compared')
    parser.add_argument('--domain', type=int, default=93, help='ROS domain to be alone on')
    return parser


def _progress(text: str) -> None:
    print(f'bench: {text}', file=sys.stderr, flush=True)


if __name__ == '__main__':
    sys.exit(main())
