# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What audits and the log of decisions cost the node for each frame with detections."""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from cost import compare_cost, measure_cost, median_ms
from subjects import NODE, OTHER, of_checkout

DETECTIONS = 8
# 324 an hour: about as many as 0.01 of ten frames a second.
AUDITS = 0.003
AGAIN = replace(NODE, name='node, again')


def main() -> int:
    """Measure and print."""
    options = _parser().parse_args()
    rounds = 2 if options.quick else options.rounds
    print(
        f'{time.strftime("%Y-%m-%d %H:%M:%S")}, {os.cpu_count()} processors, '
        f'load at start {os.getloadavg()[0]:.2f}; 1920x1080 bgr8 at 30 Hz, {DETECTIONS} sure '
        'detections on each frame'
    )
    with TemporaryDirectory() as folder:
        logging = replace(
            NODE, name='node, audits and log on',
            arguments=(
                *NODE.arguments, '-p', f'decisions.path:={folder}/decisions.jsonl',
                '-p', f'camera.audit_rate:={AUDITS}',
            ),
        )  # fmt: skip
        subjects = [NODE, logging, AGAIN]
        if options.against:
            subjects.insert(1, of_checkout(OTHER, options.against))
        measured = measure_cost(
            rounds, options.round_seconds, options.domain, _progress, subjects,
            (f'--detections={DETECTIONS}',),
        )  # fmt: skip
    print(f'Processor time per frame in ms, median of {len(measured)} rounds')
    for subject in subjects:
        print(f'  {subject.name:40}{median_ms(measured, subject.name):6.2f}')
    print('Ratio within a round: median, and its 95 % interval')
    for subject in subjects[1:]:
        bases = (NODE,) if subject is AGAIN else (NODE, AGAIN)
        print(f'  {subject.name + " / node":40}{compare_cost(measured, subject, *bases)}')
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--rounds', type=int, default=15)
    parser.add_argument('--round-seconds', type=float, default=3.0, help='for each subject')
    parser.add_argument('--quick', action='store_true', help='a look in under a minute')
    parser.add_argument('--against', type=Path, help='another checkout, whose node is compared')
    parser.add_argument('--domain', type=int, default=94, help='ROS domain to be alone on')
    return parser


def _progress(text: str) -> None:
    print(f'bench: {text}', file=sys.stderr, flush=True)


if __name__ == '__main__':
    sys.exit(main())
