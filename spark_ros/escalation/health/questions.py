# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Check whether questions go out and are kept. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from spark_ros.escalation.health.check import (
    CheckResult,
    Problem,
    ago,
    check_running,
    error,
    warning,
)
from spark_ros.escalation.health.snapshot import Snapshot

UNSENT_S = 10.0
STUCK_S = 30.0
NEARLY_FULL = 0.8
WHAT_TO_DO = {
    'limits.open': 'answer faster, raise limits.open, or ask less (ask_below, cooldown_s)',
    'limits.per_hour': 'raise limits.per_hour, or ask less (ask_below, cooldown_s)',
    'limits.audits_per_hour': 'lower audit_rate, so that audits are spread evenly over each drive',
    'gave way': 'raise limits.open, or ask less (ask_below, cooldown_s)',
    'the encoder is busy': 'ask less (ask_below, cooldown_s), or send smaller images',
    'bad image': "the camera's images cannot be encoded; the log says why",
    'the journal is full': 'raise journal.max_mb or journal.max_count; is the service reached?',
    'journal.max_mb': 'raise journal.max_mb; is the service reached?',
    'journal.max_count': 'raise journal.max_count; are questions answered?',
    'journal.max_age_h': 'raise journal.max_age_h; are questions answered?',
}


def check_questions(
    snapshot: Snapshot, wanted_path: Path | None, idle: str, now: float
) -> CheckResult:
    """Check whether questions go out and are kept.

    Args:
        snapshot: how they stand.
        wanted_path: where the journal should be; None: in memory on purpose.
        idle: why nobody is asked, on purpose, or empty.
        now: on the steady clock.
    """
    standing, use = snapshot.standing, snapshot.use
    return CheckResult(
        'questions',
        ', '.join(filter(None, [idle, f'{standing.open} open, {standing.queued} to be sent'])),
        (
            *check_running(snapshot, now),
            *_journal(snapshot, wanted_path, now),
            *_unasked(snapshot, idle),
        ),
        {
            'open': str(standing.open),
            'queued': str(standing.queued),
            'oldest (s)': f'{standing.oldest_s:.0f}',
            'sent again': str(snapshot.retries),
            'not asked': str(sum(snapshot.dropped.values())),
            **{f'not asked: {cause}': str(n) for cause, n in sorted(snapshot.dropped.items())},
            **{f'ended: {state}': str(n) for state, n in sorted(snapshot.ended.items())},
            'answers used again': str(snapshot.reused),
            'answers come by': ', '.join(snapshot.paths),
            'response time p50 (s)': _seconds(snapshot.response_time_s(0.5)),
            'response time p95 (s)': _seconds(snapshot.response_time_s(0.95)),
            'last error': snapshot.service.error or 'none',
            'seconds since the last error': ago(snapshot.service.error_at, now),
            'journal': str(snapshot.journal_path or 'in memory'),
            'journal: questions': _of(use.questions, use.max_questions, 1, 0),
            'journal: images (MB)': _of(use.image_bytes, use.max_bytes, 1e6, 1),
            'journal: unsent images (MB)': f'{use.unsent_bytes / 1e6:.1f}',
            'in memory only': str(snapshot.spared),
        },
    )


def _unasked(snapshot: Snapshot, idle: str) -> Iterator[Problem]:
    for cause, count in sorted(snapshot.dropped_lately.items()):
        yield warning(
            f'dropped: {cause}',
            f'{count} question(s) not asked in the last minute: {cause}; '
            + WHAT_TO_DO.get(cause, 'the log says more'),
        )
    standing = snapshot.standing
    if standing.unsent_s >= UNSENT_S and not idle:
        yield warning(
            'unsent',
            f'{standing.queued} question(s) wait to be sent, for {standing.unsent_s:.0f} s; '
            'the status of the service says why',
        )


def _journal(snapshot: Snapshot, wanted_path: Path | None, now: float) -> Iterator[Problem]:
    use = snapshot.use
    if snapshot.connected and wanted_path is not None and snapshot.journal_path is None:
        yield error(
            'no journal',
            f'the journal {wanted_path} cannot be used, everything is in memory and would not '
            'survive a restart; the log of the start says why; mend it and restart the node',
        )
    if snapshot.refused or snapshot.spared:
        yield error(
            'refused',
            f'the disk refuses the journal ({snapshot.refused or "some time ago"}); '
            f'{snapshot.spared} question(s) are in memory only; make room on the disk, or '
            'move journal.path',
        )
    if snapshot.unreadable:
        yield warning(
            'unreadable',
            f'{snapshot.unreadable} question(s) in the journal cannot be read and are set '
            'aside in its table `unreadable`; the log says why',
        )
    if now - snapshot.measured_at >= STUCK_S:
        yield error(
            'stuck',
            f'the disk has not answered for {now - snapshot.measured_at:.0f} s; nothing can '
            'be asked until it does; look at the disk',
        )
    if use.max_bytes and use.unsent_bytes >= NEARLY_FULL * use.max_bytes:
        yield warning(
            'nearly full',
            f'unsent images fill {use.unsent_bytes / use.max_bytes:.0%} of journal.max_mb; '
            'the oldest will be given up; is the service reached?',
        )
    if use.max_questions and use.questions >= NEARLY_FULL * use.max_questions:
        yield warning(
            'nearly full of questions',
            f'{use.questions} of journal.max_count={use.max_questions} questions are kept; '
            'some will be given up; are questions answered?',
        )


def _seconds(value: float | None) -> str:
    return f'{value:.2f}' if value is not None else 'none yet'


def _of(value: float, most: float, unit: float, digits: int) -> str:
    limit = f'{most / unit:.{digits}f}' if most else 'no limit'
    return f'{value / unit:.{digits}f} of {limit}'
