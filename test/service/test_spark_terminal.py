# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""`spark` on a terminal of 80 columns: what a person sees there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from service_harness import Served, served
from spark_command import OnTerminal, Operator, environment, new_key, spark

pytestmark = pytest.mark.slow('commands in terminals')

LONG = 'Is the path in front of the robot free of obstacles, and of people?'
ASK = ('ask', 'http://192.0.2.1/i.jpg', '--instructions', LONG)
LIVE = re.compile(r'\d+:\d\d  (open|assigned|closed)')
# A second, or more where the machine was busy with something else.
OPEN_FOR_A_WHILE = re.compile(r'(?!0:00)\d+:\d\d  open')


@dataclass(frozen=True)
class Place:
    """A service, the person at its console, and a key that is new in each test."""

    service: Served
    operator: Operator
    key: str

    def around(self, **more: str) -> dict[str, str]:
        return environment(self.service.url, self.key, **more)


@pytest.fixture(scope='module')
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One service for all tests here: each starts its own commands."""
    with served(tmp_path_factory.mktemp('terminal') / 'data') as service:
        yield Place(service, Operator(service), '')


@pytest.fixture
def place(shared: Place) -> Place:
    """Nobody answers here but the test."""
    return replace(shared, key=new_key(shared.service.data))


def test_waiting_is_one_live_line(place: Place) -> None:
    """It tells the state and the time, and is gone when the answer is there."""
    operator = place.operator
    seen = OnTerminal(place.around(), *ASK, '--wait')
    seen.until(lambda: seen.screen[-1].endswith('  open'))
    seen.until(lambda: OPEN_FOR_A_WHILE.fullmatch(seen.screen[-1]))
    number = operator.claim()
    seen.until(lambda: seen.screen[-1].endswith('  assigned'))
    assert len(seen.screen) == 2
    operator.do(number, 'answer', shapes=[], response='yes')
    assert seen.ended() == 0
    screen = seen.screen
    token = screen[0].removeprefix('asked: ')
    assert screen[1:3] == [f'token     {token}', 'state     closed']
    assert not any(LIVE.fullmatch(line) for line in screen)
    assert '\x1b[33mopen\x1b[0m' in seen.raw and '\x1b[32mclosed\x1b[0m' in seen.raw


def test_ctrl_c_while_waiting(place: Place) -> None:
    """Exit 130; the token is still to be read, and the question stays."""
    seen = OnTerminal(place.around(), *ASK, '--wait')
    seen.until(lambda: seen.screen[-1].endswith('  open'))
    seen.press(b'\x03')
    assert seen.ended() == 130
    token = seen.screen[0].removeprefix('asked: ')
    assert seen.screen[-2:] == ['spark: interrupted', '']
    assert 'open' in spark(place.around(), 'show', token).stdout


def test_a_list_fits(place: Place) -> None:
    """No line is longer than the terminal; wide letters count twice."""
    for words in (LONG, '这条路上有没有障碍物和行人,机器人可以安全通过吗'):
        spark(place.around(), *ASK[:3], words)
    seen = OnTerminal(place.around(), 'list')
    assert seen.ended() == 0
    lines = seen.screen[:-1]
    assert len(lines) == 3 and lines[1].endswith('…') and lines[2].endswith('…')
    assert len(lines[1]) == 80 and len(lines[2]) < 75
    assert seen.raw.count('\x1b[33mopen') == 2
    whole = spark(place.around(), 'list').stdout
    assert LONG in whole and '\x1b' not in whole


@pytest.mark.parametrize('setting', [{'NO_COLOR': '1'}, {'TERM': 'dumb'}])
def test_no_colour(place: Place, setting: dict[str, str]) -> None:
    """NO_COLOR takes the colours away; a dumb terminal gets no sequence at all."""
    operator = place.operator
    seen = OnTerminal(place.around(**setting), *ASK, '--wait')
    # A dumb terminal has its cursor in the next line.
    seen.until(lambda: any(LIVE.fullmatch(line) for line in seen.screen[-2:]))
    operator.answer('yes')
    assert seen.ended() == 0
    assert not re.search(r'\x1b\[[0-9;]*m', seen.raw)
    assert ('\x1b' in seen.raw) == ('TERM' not in setting)
    assert 'answer    yes' in seen.screen


def test_watching_says_how_it_ends(place: Place) -> None:
    """A person who sees nothing yet should know that it runs."""
    seen = OnTerminal(place.around(), 'watch')
    seen.until(lambda: seen.screen[0] == 'spark: watching; Ctrl-C ends')
    seen.press(b'\x03')
    assert seen.ended() == 130
