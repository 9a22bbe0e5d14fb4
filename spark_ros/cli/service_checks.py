# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""`spark-service check` and `spark-service truth`: what is shown to operators again."""

from __future__ import annotations

import argparse
import json
import sys
import time

from sqlalchemy import Connection

from spark_ros.cli.output import one_line
from spark_ros.service.storage import checks, known_answers, leases
from spark_ros.service.storage.store import Store
from spark_ros.wire.values import format_time


def list_checks(store: Store, options: argparse.Namespace) -> None:
    """Print the checks that were answered, with both answers; operators are not named."""
    store.read_now(_print_checks)


def add_truth(store: Store, options: argparse.Namespace) -> None:
    """Mark the answer to a question as right.

    Raises:
        NoTruth: it has no answer.
    """
    share = store.write_now(known_answers.add, options.token, time.time())
    print(f'{options.token}: added')
    if not share:
        print(
            'note: no operator is shown it before its program has known_answers_share',
            file=sys.stderr,
        )


def remove_truth(store: Store, options: argparse.Namespace) -> None:
    """Take the mark away.

    Raises:
        NoTruth: it has none.
    """
    store.write_now(known_answers.remove, options.token)
    print(f'{options.token}: removed')


def list_truth(store: Store, options: argparse.Namespace) -> None:
    """Print the questions whose answers are known, and how many operators answered each."""
    for row in store.read_now(known_answers.every):
        program = one_line(row.program or '-')
        print(row.token, program, format_time(row.known), row.answered, sep='\t')


def _print_checks(connection: Connection) -> None:
    for row in checks.every(connection):
        first = json.loads(row.first_answer or leases.NO_ANSWER)
        print(json.dumps({
            'token': row.token, 'image_index': row.position, 'api': row.api,
            'program': row.program, 'kind': row.kind, 'first': first,
            'answer': json.loads(row.answer), 'flags': json.loads(row.flags),
            'feedback': row.feedback, 'agreement': row.agreement,
            'took_s': round(row.answered - row.claimed, 3), 'answered': format_time(row.answered),
        }))  # fmt: skip
