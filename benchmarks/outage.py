# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a camera frame costs the robot while the service is away and questions wait for it."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from statistics import median

import cv2
import numpy as np
from cost import Round, compare_cost, measure_cost
from processes import environment
from service_process import ServiceProcess
from subjects import Subject

from spark_ros.escalation.journal.journal import Journal
from spark_ros.escalation.question.escalation import EncodedImage, Escalation, FrameMatch
from spark_ros.geometry import Box, ImageSize
from spark_ros.model import Question, box_annotation

WAITING = 100
SIZE = ImageSize(640, 480)
NOBODY = 'http://127.0.0.1:9'
REACHABLE, AGAIN = 'service reachable, idle', 'service reachable, idle, again'
AWAY = f'service away, {WAITING} waiting'


def main() -> int:
    """Measure in turns on one camera, print the table, and return 0."""
    options = _parser().parse_args()
    print(
        f'{time.strftime("%Y-%m-%d %H:%M:%S")}, {os.cpu_count()} processors, '
        f'load at start {os.getloadavg()[0]:.2f}'
    )
    with tempfile.TemporaryDirectory() as place:
        data, away = Path(place), Path(place) / 'away.db'
        _fill(away, WAITING)
        with ServiceProcess(data / 'service', environment(False, options.domain)) as service:
            subjects = (
                _node(REACHABLE, service.address, data / 'idle.db', service.key),
                _node(AWAY, NOBODY, away, service.key),
                _node(AGAIN, service.address, data / 'again.db', service.key),
            )
            rounds = measure_cost(
                options.rounds, options.round_seconds, options.domain, _progress, subjects
            )
        with closing(Journal(away)) as journal:
            left = len(journal.entries())
    if left != WAITING:
        print(f'bench: {left} questions waited in the end, not {WAITING}', file=sys.stderr)
        return 2
    print(_table(rounds, subjects))
    return 0


def _node(name: str, url: str, journal: Path, key: str) -> Subject:
    arguments = (
        '--ros-args', '--log-level', 'error',
        '-p', f"journal.path:='{journal}'", '-p', f'server.url:={url}',
        '-p', 'timeout_s:=0.0', '-p', 'limits.open:=0',
    )  # fmt: skip
    return Subject(name, 'node_process.py', arguments, (('SPARK_TOKEN', key),))


def _fill(path: Path, count: int) -> None:
    """Leave questions in a journal that were asked while nobody listened."""
    noise = np.random.default_rng(1).integers(0, 256, (SIZE.height, SIZE.width, 3), np.uint8)
    image = EncodedImage(bytes(cv2.imencode('.jpg', noise)[1]), SIZE)
    with closing(Journal(path)) as journal:
        for number in range(count):
            score = 0.1 + 0.5 * number / count
            box = box_annotation('crate', Box(0.2, 0.2, 0.6, 0.7), id='0', score=score)
            journal.add(
                Escalation(
                    id=f'waiting-{number}', camera='camera', stamp_ns=number * 10**9,
                    frame_id='camera', frame_match=FrameMatch.EXACT, image_size=SIZE,
                    source_size=SIZE, question=Question(instructions='Correct the boxes.'),
                    priors=(box,), created=time.time(), certainty=score,
                ),
                image,
            )  # fmt: skip


def _table(rounds: list[Round], subjects: Sequence[Subject]) -> str:
    title = f'Processor time per frame in ms, {len(rounds)} rounds'
    lines = [f'{title:60} median    least     most']
    for subject in subjects:
        lines.append(_row(subject.name, [r[subject.name].ms_per_frame for r in rounds]))
    reachable, away, again = subjects
    lines.append(f'{"Ratio within a round, with its 95 % interval":60}  median     from       to')
    for subject, bases in ((away, (reachable, again)), (again, (reachable,))):
        name = f'{subject.name} / {reachable.name}'
        lines.append(f'  {name:56}{compare_cost(rounds, subject, *bases)}')
    return '\n'.join(lines)


def _row(name: str, values: list[float]) -> str:
    return f'  {name:58}{median(values):7.2f}{min(values):9.2f}{max(values):9.2f}'


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--rounds', type=int, default=15)
    parser.add_argument('--round-seconds', type=float, default=3.0, help='for each subject')
    parser.add_argument('--domain', type=int, default=92, help='ROS domain to be alone on')
    return parser


def _progress(text: str) -> None:
    print(f'bench: {text}', file=sys.stderr, flush=True)


if __name__ == '__main__':
    sys.exit(main())
