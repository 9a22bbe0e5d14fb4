# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How long an answer takes home: from the operator's submit to the topic, by polling."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable

from processes import HERE, Process, environment

OPERATOR_DELAY_S = 2.0
PATIENCE_S = 120.0


def measure_answers(
    questions: int, domain: int, progress: Callable[[str], None]
) -> list[dict[str, float]]:
    """Return for each answer `home_s` and `all_s`, the seconds since the submit and since asked.

    The service, its scripted operator and the node are on this machine, the node with its
    default parameters; a question comes every 2.5 s and the operator takes 2 s for each.

    Args:
        questions: how many.
        domain: ROS domain.
        progress: told what happens.
    """
    with tempfile.TemporaryDirectory() as data:
        command = (sys.executable, '-m', 'spark_ros.cli.service')
        place = {**environment(False, domain), 'HOME': data}
        key = subprocess.run(
            [*command, 'key', 'create', 'bench', '--data', data],
            env=place, capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip
        service = subprocess.Popen(
            [
                *command, 'serve', '--port', '0', '--data', data,
                '--operator', 'scripted', '--operator-delay', str(OPERATOR_DELAY_S),
            ],
            env=place, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            assert service.stdout is not None
            address = service.stdout.readline().split()[1]
            progress(f'answers: {questions} questions to a service on {address}')
            node = (
                '--ros-args', '--log-level', 'warn',
                '-p', "journal.path:=''", '-p', f'server.url:={address}',
            )  # fmt: skip
            with Process('node_process.py', *node, domain=domain, SPARK_TOKEN=key):
                asker = subprocess.run(
                    [sys.executable, str(HERE / 'asker.py'), f'--questions={questions}'],
                    env=place, stdout=subprocess.PIPE, text=True, check=True,
                    timeout=PATIENCE_S + questions,
                )  # fmt: skip
        finally:
            service.terminate()
            service.wait()
    answers: list[dict[str, float]] = json.loads(asker.stdout)
    if len(answers) != questions:
        raise RuntimeError(f'{len(answers)} answers to {questions} questions')
    return answers
