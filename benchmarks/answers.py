# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How long an answer takes home, by each way: from the operator's submit to the topic."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

from comparison import Comparison, compare
from processes import HERE, environment
from service_process import ServiceProcess
from subjects import Subject

PATIENCE_S = 120.0
POLL_S = 0.25
NEVER_S = 3600.0
# The delay between two looks, and whether the node follows the feed and receives pushes.
WAYS = {
    'webhook': (NEVER_S, False, True),
    'feed': (NEVER_S, True, False),
    'polling': (POLL_S, False, False),
}
ANSWERED_NODE = Subject('node', 'answered_node.py')
Answers = dict[str, list[dict[str, float]]]


def measure_answers(
    questions: int,
    domain: int,
    progress: Callable[[str], None],
    node: Subject = ANSWERED_NODE,
) -> Answers:
    """Return for each way and answer `home_s` and `floor_s`.

    `home_s` is from sending the operator's answer to hearing the resolution, `floor_s` from
    sending it to the service's own reply. Everything is on this machine, one question at a time.

    Args:
        questions: how many by each way.
        domain: ROS domain.
        progress: told what happens.
        node: which one is asked.
    """
    answers: Answers = {}
    for way in WAYS:
        progress(f'answers: {questions} by {way}: {node.name}')
        with tempfile.TemporaryDirectory() as data:
            answers[way] = _measure(way, questions, domain, Path(data), node)
        if len(answers[way]) != questions:
            raise RuntimeError(f'{len(answers[way])} answers to {questions} questions')
    return answers


def compare_answers(
    rounds: int, questions: int, domain: int, progress: Callable[[str], None], other: Subject
) -> dict[str, Comparison]:
    """Compare by each way how long answers take home in this node and in another, in turns."""
    ratios: dict[str, list[float]] = {way: [] for way in WAYS}
    for number in range(rounds):
        order = (ANSWERED_NODE, other)[:: -1 if number % 2 else 1]
        both = {
            node.name: measure_answers(questions, domain, progress, node) for node in order
        }
        for way, values in ratios.items():
            here, there = (
                median(each['home_s'] for each in both[name][way])
                for name in (ANSWERED_NODE.name, other.name)
            )
            values.append(here / there)
    return {way: compare(values) for way, values in ratios.items()}


def _measure(
    way: str, questions: int, domain: int, data: Path, node: Subject
) -> list[dict[str, float]]:
    interval_s, feed, pushed = WAYS[way]
    with ServiceProcess(data, environment(False, domain)) as service:
        arguments = ['--ros-args', '--log-level', 'warn']
        parameters = {
            'journal.path': f"'{data / 'journal.db'}'",
            'server.url': service.address,
            'poll.interval_s': interval_s,
            'poll.max_interval_s': interval_s,
            'limits.open': 0,
        }
        if pushed:
            secret = data / 'secret'
            secret.touch(0o600)
            secret.write_text(service.run('key', 'secret', 'bench'), encoding='utf-8')
            port = _free_port()
            parameters |= {
                'webhook.host': '127.0.0.1',
                'webhook.port': port,
                'webhook.public_url': f'http://127.0.0.1:{port}/',
                'webhook.secret_file': str(secret),
            }
        for name, value in parameters.items():
            arguments += ['-p', f'{name}:={value}']
        variables = (('SPARK_TOKEN', service.key), ('BENCH_FEED', 'yes' if feed else 'no'))
        configured = replace(
            node, arguments=tuple(arguments), variables=(*node.variables, *variables)
        )
        with configured.start(domain):
            asker = subprocess.run(
                [
                    sys.executable, str(HERE / 'asker.py'),
                    f'--questions={questions}', f'--login={service.login}',
                ],
                env=service.environment, stdout=subprocess.PIPE, text=True, check=True,
                timeout=PATIENCE_S + questions,
            )  # fmt: skip
    answers: list[dict[str, float]] = json.loads(asker.stdout)
    return answers


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port: int = probe.getsockname()[1]
        return port
