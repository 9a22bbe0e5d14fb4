# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How many checks it takes until a careless operator stands out, and how often another one does.

    python benchmarks/operator_simulation.py

Every operator but a careless one is right with the same probability, and answers agree if both are
right. Exit code 0 if somebody stood out no more often than is said where nobody is careless,
else 1.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable

from spark_ros.service.operators.performance import LEVEL, performances
from spark_ros.service.storage.checks import KNOWN, SECOND
from spark_ros.service.storage.statistics import Checked

TEAMS, SEED = 1000, 2026
CAREFUL = 0.95
CARELESS = 'operator 0'

Draw = Callable[[random.Random, int, int, float], list[Checked]]


def known_answers(
    chance: random.Random, operators: int, each: int, careless: float
) -> list[Checked]:
    """Let each operator answer so many questions whose answer is known."""
    return [
        Checked(KNOWN, None, 'teacher', name, float(chance.random() < share))
        for name, share in team(operators, careless)
        for _ in range(each)
    ]


def second_opinions(
    chance: random.Random, operators: int, each: int, careless: float
) -> list[Checked]:
    """Let each operator give so many second opinions, on answers of any of the others."""
    people = team(operators, careless)
    found = []
    for name, share in people:
        for _ in range(each):
            first, right = chance.choice([other for other in people if other[0] != name])
            agreed = chance.random() < right * share
            found.append(Checked(SECOND, None, first, name, float(agreed)))
    return found


def team(operators: int, careless: float) -> list[tuple[str, float]]:
    """Return the operators, and with which probability each is right."""
    return [(f'operator {at}', CAREFUL if at else careless) for at in range(operators)]


def simulate(draw: Draw, operators: int, each: int, careless: float) -> tuple[float, float]:
    """Return in which share of the teams the careless one stands out, and in which another does.

    Args:
        draw: what is checked.
        operators: how many there are.
        each: how many checks each of them answers.
        careless: with which probability the first one is right; as CAREFUL, nobody is careless.
    """
    chance = random.Random(f'{SEED} {draw.__name__} {operators} {each} {careless}')
    wanted = {CARELESS} if careless < CAREFUL else set()
    found = another = 0
    for _ in range(TEAMS):
        checked = draw(chance, operators, each, careless)
        marked = {one.operator for one in performances([], checked, []) if one.stands_out}
        found += bool(marked & wanted)
        another += bool(marked - wanted)
    return found / TEAMS, another / TEAMS


def main() -> int:
    """Print the table."""
    print(f'{TEAMS} teams a line, seed {SEED}; the others are right in {CAREFUL:.0%}')
    print('checks           operators  each  careless right   found   another stands out')
    held = True
    for draw in (known_answers, second_opinions):
        for operators in (3, 10):
            for each, careless in ((10, 0.5), (20, 0.5), (20, 0.7), (50, 0.8), (50, CAREFUL)):
                found, another = simulate(draw, operators, each, careless)
                held &= careless < CAREFUL or another <= LEVEL
                print(
                    f'{draw.__name__.replace("_", " "):16} {operators:9}  {each:4}  '
                    f'{careless:14.0%}  {f"{found:.1%}" if careless < CAREFUL else "":>6}  '
                    f'{another:19.1%}', flush=True,
                )  # fmt: skip
    return 0 if held else 1


if __name__ == '__main__':
    sys.exit(main())
