# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The results as a table for people."""

from __future__ import annotations

from statistics import median

from comparison import Comparison, Verdict
from cost import Round, compare_cost, median_ms
from subjects import KEEPING, KEEPING_AGAIN, NODE, OTHER, PLAIN, RAW, Subject

BARE = (KEEPING, KEEPING_AGAIN)
COMPARED = ((NODE, (PLAIN,)), (NODE, BARE), (RAW, BARE), (KEEPING_AGAIN, (KEEPING,)))
HEADS = '  median    least     most'
ABOUT = {'home_s': '', 'floor_s': ': the bare HTTP submit'}
LIMIT_PLAIN, LIMIT_BARE = 1.0, 1.10


def loss_table(loss: dict[str, int]) -> str:
    """Lay out how many frames each subject lost; all ran at the same time."""
    sent = loss['sent']
    lines = [f'Frames lost of {sent} (1920x1080 bgr8, 30 Hz, best effort; all at the same time)']
    lines += [f'  {name:28}{sent - got:6}' for name, got in loss.items() if name != 'sent']
    return '\n'.join(lines)


def cost_table(rounds: list[Round]) -> str:
    """Lay out milliseconds per frame, and the ratios with their intervals."""
    title = f'Processor time per frame in ms, {len(rounds)} rounds'
    lines = [f'{title:50}{HEADS}']
    for name in _measured(rounds):
        lines.append(f'  {name:48}{_spread([r[name].ms_per_frame for r in rounds])}')
    lines.append(f'{"Ratio within a round, with its 95 % interval":50}  median     from       to')
    for subject, bases in compared(rounds):
        lines.append(f'  {_pair(subject, bases):48}{compare_cost(rounds, subject, *bases)}')
    return '\n'.join(lines)


def answers_table(answers: dict[str, list[dict[str, float]]]) -> str:
    """Lay out how long answers took home by each way, beside the bare submit of the same run."""
    number = len(next(iter(answers.values())))
    title = f'Milliseconds from submit to topic, {number} answers each'
    lines = [f'{title:50}  median      p95     most']
    for way, each in answers.items():
        for name, about in ABOUT.items():
            values = [1000 * answer[name] for answer in each]
            p95 = sorted(values)[int(0.95 * (len(values) - 1))]
            lines.append(f'  {way + about:48}{median(values):8.1f}{p95:9.1f}{max(values):9.1f}')
    return '\n'.join(lines)


def comparison_table(ways: dict[str, Comparison]) -> str:
    """Lay out by each way how long answers take, in units of the other checkout."""
    head = 'Answers, in units of the other checkout'
    lines = [f'{head:50}  median     from       to']
    lines += [f'  {way:48}{comparison}' for way, comparison in ways.items()]
    return '\n'.join(lines)


def verdicts(loss: dict[str, int] | None, rounds: list[Round]) -> dict[str, Verdict]:
    """Say which promises held."""
    held = {}
    if loss is not None:
        bare = max(loss[PLAIN.name], loss[KEEPING.name])
        held['the node loses no more frames than a bare subscriber'] = Verdict.of(
            loss[NODE.name] >= bare
        )
    if rounds:
        plain, bare = (compare_cost(rounds, NODE, *bases) for bases in ((PLAIN,), BARE))
        held['the node costs less than a plain bare subscriber'] = plain.at_most(LIMIT_PLAIN)
        held[f'and at most {LIMIT_BARE} of one with its allocator options'] = bare.at_most(
            LIMIT_BARE
        )
    return held


def as_json(loss: dict[str, int] | None, rounds: list[Round]) -> dict[str, object]:
    """Return everything measured."""
    return {
        'loss': loss,
        'rounds': [
            {name: {'frames': c.frames, 'cpu_s': c.cpu_s} for name, c in r.items()}
            for r in rounds
        ],
        'median_ms_per_frame': {name: median_ms(rounds, name) for name in _measured(rounds)},
        'ratios': {
            _pair(subject, bases): vars(compare_cost(rounds, subject, *bases))
            for subject, bases in compared(rounds)
        },
        'held': {what: verdict.value for what, verdict in verdicts(loss, rounds).items()},
    }


def compared(rounds: list[Round]) -> list[tuple[Subject, tuple[Subject, ...]]]:
    """Return what is compared with what, as far as it was measured."""
    measured = _measured(rounds)
    pairs = [*COMPARED, (NODE, (OTHER,)), (OTHER, BARE)]
    return [
        (subject, bases)
        for subject, bases in pairs
        if all(each.name in measured for each in (subject, *bases))
    ]


def _measured(rounds: list[Round]) -> list[str]:
    return list(rounds[0]) if rounds else []


def _pair(subject: Subject, bases: tuple[Subject, ...]) -> str:
    return f'{subject.name} / {bases[0].name}{" (both)" if len(bases) > 1 else ""}'


def _spread(values: list[float]) -> str:
    return f'{median(values):9.2f}{min(values):9.2f}{max(values):9.2f}'
