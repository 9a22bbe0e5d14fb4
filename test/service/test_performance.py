# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Whose answers stand out, and whose do not."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import permutations

from spark_ros.service.operators.performance import LEVEL, Performance, performances
from spark_ros.service.operators.proportions import Share
from spark_ros.service.storage.statistics import Answered, Checked


def second(first: str, operator: str, agreed: bool) -> Checked:
    return Checked('second', None, first, operator, float(agreed))


def known(operator: str, right: int, wrong: int) -> list[Checked]:
    return [
        Checked('known', None, 'teacher', operator, agreement)
        for agreement in [1.0] * right + [0.5] * wrong
    ]


def of(checked: Sequence[Checked], answered: Sequence[Answered] = ()) -> dict[str, Performance]:
    return {each.operator: each for each in performances(answered, checked, [])}


def standing_out(checked: Sequence[Checked]) -> dict[str, str]:
    return {name: each.stands_out for name, each in of(checked).items() if each.stands_out}


def test_what_one_did() -> None:
    answered = [
        Answered('crates', 'ann', flagged, 10.0 * at, 3.0, working_s)
        for at, (working_s, flagged) in enumerate([(5, False), (7, False), (90, False), (1, True)])
    ]
    skipped = [('ann', 'crates', 2), ('bob', None, 1), ('ann', None, 1)]
    ann, bob = performances(answered, [], skipped)
    assert (ann.operator, ann.answered, ann.flagged, ann.skipped) == ('ann', 3, 1, 3)
    assert (ann.working.value, ann.working.count) == (7, 3)
    assert (bob.operator, bob.answered, bob.skipped, bob.working.value) == ('bob', 0, 1, None)
    assert ann.accuracy == ann.agreement == Share()


def test_one_who_errs_stands_out() -> None:
    checked = [*known('ann', 19, 1), *known('bob', 18, 2), *known('cleo', 9, 11)]
    assert standing_out(checked) == {'cleo': 'accuracy'}
    found = performances([], checked, [])
    assert [each.operator for each in found] == ['cleo', 'bob', 'ann']
    assert found[0].accuracy == Share(9, 20)
    # That the first answer is known to be right says nothing of agreement.
    assert found[0].agreement == Share()


def test_a_slip_does_not_stand_out() -> None:
    assert standing_out([*known('ann', 200, 0), *known('bob', 9, 1)]) == {}
    assert standing_out([*known('ann', 200, 0), *known('bob', 8, 2)]) == {'bob': 'accuracy'}
    assert standing_out([*known('ann', 200, 0), *known('bob', 0, 9)]) == {}
    assert standing_out(known('ann', 0, 20)) == {}


def test_who_agrees_with_nobody_stands_out_and_those_who_had_to_do_with_them_do_not() -> None:
    pairs = [*permutations(('ann', 'bob', 'cleo', 'dan'), 2)] * 5
    checked = [second(*pair, agreed='cleo' not in pair) for pair in pairs]
    assert standing_out(checked) == {'cleo': 'agreement'}
    # Bob was asked nearly only after cleo.
    checked += [second('cleo', 'bob', False)] * 12
    assert standing_out(checked) == {'cleo': 'agreement'}
    found = of(checked)
    assert found['bob'].agreement.share == found['bob'].agreement.count / 42 == 20 / 42
    # Whom known answers show to err is not taken for one who disagrees besides.
    checked += [*known('cleo', 2, 18), *known('ann', 20, 0), *known('bob', 19, 1)]
    assert standing_out(checked) == {'cleo': 'accuracy'}


def test_of_two_who_disagree_neither_stands_out() -> None:
    assert standing_out([second('ann', 'bob', False)] * 40) == {}


def test_where_all_are_equal_hardly_anybody_stands_out() -> None:
    chance = random.Random(2026)
    wrongly = 0
    for _ in range(400):
        wrong = [(name, sum(chance.random() < 0.1 for _ in range(30))) for name in 'abcdef']
        checked = [each for name, count in wrong for each in known(name, 30 - count, count)]
        checked += [
            second(*chance.sample('abcdef', 2), agreed=chance.random() < 0.8) for _ in range(60)
        ]
        wrongly += bool(standing_out(checked))
    assert wrongly / 400 <= LEVEL
