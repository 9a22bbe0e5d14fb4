# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Check whether decisions are logged, and whether their promise holds. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from spark_ros.calibration.watch import Watch
from spark_ros.escalation.health.check import CheckResult, Problem, warning


@dataclass(frozen=True)
class DecisionsState:
    """How the log of decisions stands.

    Attributes:
        refused: why it cannot be written, or empty.
        lost: how many records could not be written.
        watch: of the promise; None without one.
        problem: why the promise cannot be watched, or empty.
    """

    path: Path
    refused: str = ''
    lost: int = 0
    watch: Watch | None = None
    problem: str = ''


def check_decisions(state: DecisionsState) -> CheckResult:
    """Check the log of decisions, and compare audits with the promise."""
    watch = state.watch
    fine = 'decisions are logged'
    if watch is not None:
        fine = 'no drive with answered audits yet'
        if watch.drives:
            fine = f'{_share(watch)} of the errors of {watch.drives} drive(s) went unasked'
    return CheckResult(
        'decisions',
        fine,
        tuple(_problems(state)),
        {
            'log': str(state.path),
            'records lost': str(state.lost),
            **({} if watch is None else _values(watch)),
        },
    )


def _values(watch: Watch) -> Mapping[str, str]:
    return {
        'promised: unasked errors at most': f'{watch.alpha:g}',
        'unasked errors, mean of drives': f'{watch.mean:.4f}' if watch.drives else 'none yet',
        'drives seen': str(watch.drives),
        'drives left out, policy changed': str(watch.left_out),
        'evidence against the promise': f'{watch.evidence:.3g}',
    }


def _problems(state: DecisionsState) -> Iterator[Problem]:
    watch = state.watch
    if state.refused:
        yield warning(
            'unwritten',
            f'the log of decisions cannot be written ({state.refused}), and {state.lost} '
            'record(s) are lost; make room on the disk, or move decisions.path',
        )
    if state.problem:
        yield warning('unwatched', f'audits cannot be compared with the promise: {state.problem}')
    if watch is not None and watch.broken:
        yield warning(
            'promise broken',
            f'{_share(watch)} of the errors of {watch.drives} drive(s) went unasked, and at most '
            f'{watch.alpha:.1%} was promised: something has changed. Calibrate again on new '
            'drives (spark calibrate); until then raise ask_below or lower ignore_below',
        )


def _share(watch: Watch) -> str:
    return f'{watch.mean:.1%}'
