# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Who answered the demo's questions, in the words of its pictures and its summary."""

from __future__ import annotations

from enum import Enum


class Answerer(Enum):
    """Who answers: a person, or a script that knows the truth or only confirms."""

    PERSON = 'person'
    SCRIPT_WITH_TRUTH = 'script with truth'
    CONFIRMING_SCRIPT = 'confirming script'

    @property
    def heading(self) -> str:
        """The title of a picture of the answer."""
        return {
            Answerer.PERSON: 'What the person said',
            Answerer.SCRIPT_WITH_TRUTH: 'What the scripted operator said',
            Answerer.CONFIRMING_SCRIPT: 'Scripted operator: confirmed',
        }[self]

    @property
    def summary(self) -> str:
        """Who answered, and what the answer is worth."""
        return {
            Answerer.PERSON: 'a person, in the console',
            Answerer.SCRIPT_WITH_TRUTH: 'the scripted operator, which knows the true boxes',
            Answerer.CONFIRMING_SCRIPT: 'the scripted operator, which confirms all: '
            'it does not know these pictures',
        }[self]
