# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Who answered the demo's questions, in the words of its pictures and its summary."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

TRUTH = Path(__file__).with_name('truth.json')


class Answerer(Enum):
    """Who answers: a person, or a script that knows the truth or only confirms.

    Attributes:
        heading: the title of a picture of the answer.
        summary: who answered, and what the answer is worth.
        operator: the same as `spark-service serve --operator` has it; empty: a person.
    """

    PERSON = 'What the person said', 'a person, in the console', ''
    SCRIPT_WITH_TRUTH = (
        'What the scripted operator said',
        'the scripted operator, which knows the true boxes',
        f'scripted:{TRUTH}',
    )
    CONFIRMING_SCRIPT = (
        'Scripted operator: confirmed',
        'the scripted operator, which confirms all: it does not know these pictures',
        'scripted',
    )

    def __init__(self, heading: str, summary: str, operator: str) -> None:
        self.heading, self.summary, self.operator = heading, summary, operator
