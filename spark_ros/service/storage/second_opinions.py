# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Which answered questions another operator answers, too, and what comes of it.

The robot gets the first answer in any case. Where its program lets it wait for the second one and
the two disagree, the answer has the flag `interesting`; else that flag is only in the check.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, exists, select

from spark_ros.service.storage import checks, sessions
from spark_ros.service.storage.schema import checks as table
from spark_ros.service.storage.store import Transaction

# The flag of answers to which operators gave others.
INTERESTING = 'interesting'
# For how long an answer waits for the second opinion.
LONGEST_WAIT_S = 60.0


def is_wanted(rule: Any, answers: Iterable[str]) -> bool:
    """Whether a second operator is to answer a question, too.

    Args:
        rule: with the columns of `programs` and the job's token.
        answers: to its images, as JSON.
    """
    digest = hashlib.sha256(rule.token.encode()).digest()
    if int.from_bytes(digest[:8], 'big') < rule.second_opinion_share * 2**64:
        return True
    most = rule.second_opinion_change
    return most is not None and share_changed([json.loads(each) for each in answers]) > most


def share_changed(answers: Sequence[Mapping[str, Any]]) -> float:
    """Return how much of its shapes answers of the SparkAI API changed, from 0 to 1.

    These are the shapes that were changed, added or removed, of all that were there before or
    are there now. It is 0 where there are none, as in answers of the Heat API.
    """
    changed = kept = 0
    for answer in answers:
        changed += len(answer.get('annotations') or ()) + len(
            answer.get('removed_annotations') or ()
        )
        kept += len(answer.get('confirmed_annotations') or ())
    return changed / (changed + kept) if changed else 0.0


def somebody_else(present: Collection[str], owner: str) -> bool:
    """Whether a person is there who could give a second opinion on an operator's answer."""
    return not {*present} <= {owner, sessions.SCRIPTED}


def add(transaction: Transaction, question_ids: Iterable[int], now: float) -> None:
    """Let another operator answer the images of a question, too."""
    checks.add(transaction, checks.SECOND, question_ids, now)


def is_asked(connection: Connection, question_id: int) -> bool:
    """Whether another operator was asked about a question, too."""
    of_question = exists().where(
        table.c.question_id == question_id, table.c.kind == checks.SECOND
    )
    return bool(connection.execute(select(of_question)).scalar())
