# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Which answers a program has checked by a second operator."""

from __future__ import annotations

import json

import pytest

from spark_ros.service.spark import programs
from spark_ros.service.storage import second_opinions


def test_the_share_is_chosen_by_the_token_and_the_change_by_the_answer() -> None:
    rule = programs.Program('x', second_opinion_share=0.25)

    def wanted(token: str, *answers: str) -> bool:
        return second_opinions.is_wanted(Rule(rule, token), answers)

    chosen = [wanted(f'token {n}', '{}') for n in range(2000)]
    assert 0.21 < sum(chosen) / len(chosen) < 0.29
    assert chosen == [wanted(f'token {n}', '{"annotations": [1]}') for n in range(2000)]
    for changed, kept, share in ((0, 0, 0.0), (1, 3, 0.25), (2, 0, 1.0)):
        said = {'annotations': [1] * changed, 'confirmed_annotations': [1] * kept}
        assert second_opinions.share_changed([said]) == share
    rule = programs.Program('x', second_opinion_change=0.5)
    told = [
        json.dumps({'removed_annotations': [1] * removed, 'confirmed_annotations': [1]})
        for removed in (1, 2)
    ]
    assert [wanted('t', each) for each in told] == [False, True]


class Rule:
    """What is read of a program for one question."""

    def __init__(self, program: programs.Program, token: str) -> None:
        self.token = token
        self.second_opinion_share = program.second_opinion_share
        self.second_opinion_change = program.second_opinion_change


@pytest.mark.parametrize('line', [
    'second_opinion_share: 1.1', 'second_opinion_share: yes', 'second_opinion_change: -1',
    'second_opinion_wait: 3', 'known_answers_share: many',
])  # fmt: skip
def test_a_setting_that_is_none_is_refused(line: str) -> None:
    with pytest.raises(programs.ProgramError, match=line.partition(':')[0]):
        programs.parse(f'instructions: x\n{line}')
