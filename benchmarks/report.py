# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The results as a table for people."""

from __future__ import annotations

from statistics import median

from cost import SUBJECTS, Round, median_ms, ratios
from subjects import KEEPING, KEEPING_AGAIN, NODE, PLAIN, Subject

COMPARED = ((NODE, PLAIN), (NODE, KEEPING), (KEEPING_AGAIN, KEEPING), (PLAIN, KEEPING))
HEADS = ' median    least     most'
ABOUT = {'home_s': '', 'floor_s': ': the bare HTTP submit'}
LIMIT_PLAIN, LIMIT_KEEPING = 1.0, 1.15


def loss_table(loss: dict[str, int]) -> str:
    """Lay out how many frames each subject lost; all ran at the same time."""
    sent = loss['sent']
    lines = [f'Frames lost of {sent} (1920x1080 bgr8, 30 Hz, best effort; all at the same time)']
    lines += [f'  {name:28}{sent - got:6}' for name, got in loss.items() if name != 'sent']
    return '\n'.join(lines)


def cost_table(rounds: list[Round]) -> str:
    """Lay out milliseconds per frame and the ratios, each as median, least and most."""
    title = f'Processor time per frame in ms, {len(rounds)} rounds'
    lines = [f'{title:50}{HEADS}']
    for subject in SUBJECTS:
        values = [r[subject.name].ms_per_frame for r in rounds]
        lines.append(f'  {subject.name:48}{_spread(values)}')
    lines.append('Ratio within a round')
    for subject, base in COMPARED:
        lines.append(f'  {_pair(subject, base):48}{_spread(ratios(rounds, subject, base))}')
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


def verdicts(loss: dict[str, int] | None, rounds: list[Round]) -> dict[str, bool]:
    """Say which promises held."""
    held = {}
    if loss is not None:
        bare = max(loss[PLAIN.name], loss[KEEPING.name])
        held['the node loses no more frames than a bare subscriber'] = loss[NODE.name] >= bare
    if rounds:
        plain, keeping = (median(ratios(rounds, NODE, base)) for base in (PLAIN, KEEPING))
        held['the node costs less than a plain bare subscriber'] = plain < LIMIT_PLAIN
        held[f'and at most {LIMIT_KEEPING} of one with its allocator options'] = (
            keeping <= LIMIT_KEEPING
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
        'median_ms_per_frame': {s.name: median_ms(rounds, s) for s in SUBJECTS if rounds},
        'median_ratio': {
            _pair(s, base): median(ratios(rounds, s, base)) for s, base in COMPARED if rounds
        },
        'held': verdicts(loss, rounds),
    }


def _pair(subject: Subject, base: Subject) -> str:
    return f'{subject.name} / {base.name}'


def _spread(values: list[float]) -> str:
    return f'{median(values):9.2f}{min(values):9.2f}{max(values):9.2f}'
