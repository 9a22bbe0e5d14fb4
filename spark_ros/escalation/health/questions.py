# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Judge whether questions go out and are kept. Pure."""

from __future__ import annotations

from pathlib import Path

from spark_ros.escalation.health.snapshot import Snapshot
from spark_ros.escalation.health.verdict import Level, Problem, Verdict, ago, stopped

UNSENT_S = 10.0
STUCK_S = 30.0
NEARLY_FULL = 0.8
WHAT_TO_DO = {
    'limits.open': 'answer faster, raise limits.open, or ask less (ask_below, cooldown_s)',
    'limits.per_hour': 'raise limits.per_hour, or ask less (ask_below, cooldown_s)',
    'gave way': 'raise limits.open, or ask less (ask_below, cooldown_s)',
    'the encoder is busy': 'ask less (ask_below, cooldown_s), or send smaller images',
    'bad image': "the camera's images cannot be encoded; the log says why",
    'journal': 'raise journal.max_mb or journal.max_count; is the service reached?',
    'journal.max_mb': 'raise journal.max_mb; is the service reached?',
    'journal.max_count': 'raise journal.max_count; are questions answered?',
    'journal.max_age_h': 'raise journal.max_age_h; are questions answered?',
}


def judge_questions(
    snapshot: Snapshot, wanted_path: Path | None, idle: str, now: float
) -> Verdict:
    """Judge whether questions go out and are kept.

    Args:
        snapshot: how they stand.
        wanted_path: where the journal should be; None: in memory on purpose.
        idle: why nobody is asked, on purpose, or empty.
        now: on the steady clock.
    """
    standing, use = snapshot.standing, snapshot.use
    problems = [*stopped(snapshot, now), *_journal(snapshot, wanted_path, now)]
    for cause, count in sorted(snapshot.dropped_lately.items()):
        problems.append(
            Problem(
                Level.WARN, f'dropped: {cause}',
                f'{count} question(s) not asked in the last minute: {cause}; '
                + WHAT_TO_DO.get(cause, 'the log says more'),
            )
        )  # fmt: skip
    if standing.unsent_s >= UNSENT_S and not idle:
        problems.append(
            Problem(
                Level.WARN, 'unsent',
                f'{standing.queued} question(s) wait to be sent, for {standing.unsent_s:.0f} s; '
                'the status of the service says why',
            )
        )  # fmt: skip
    return Verdict(
        'questions',
        ', '.join(filter(None, [idle, f'{standing.open} open, {standing.queued} to be sent'])),
        tuple(problems),
        {
            'open': str(standing.open),
            'queued': str(standing.queued),
            'oldest (s)': f'{standing.oldest_s:.0f}',
            'sent again': str(snapshot.retries),
            'not asked': str(sum(snapshot.dropped.values())),
            **{f'not asked: {cause}': str(n) for cause, n in sorted(snapshot.dropped.items())},
            **{f'ended: {state}': str(n) for state, n in sorted(snapshot.ended.items())},
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


def _journal(snapshot: Snapshot, wanted_path: Path | None, now: float) -> list[Problem]:
    use, problems = snapshot.use, []
    if snapshot.connected and wanted_path is not None and snapshot.journal_path is None:
        problems.append(
            Problem(
                Level.ERROR, 'no journal',
                f'the journal {wanted_path} cannot be used, everything is in memory and would not '
                'survive a restart; the log of the start says why; mend it and restart the node',
            )
        )  # fmt: skip
    if snapshot.refused or snapshot.spared:
        problems.append(
            Problem(
                Level.ERROR, 'refused',
                f'the disk refuses the journal ({snapshot.refused or "some time ago"}); '
                f'{snapshot.spared} question(s) are in memory only; make room on the disk, or '
                'move journal.path',
            )
        )  # fmt: skip
    if snapshot.unreadable:
        problems.append(
            Problem(
                Level.WARN, 'unreadable',
                f'{snapshot.unreadable} question(s) in the journal cannot be read and are set '
                'aside in its table `unreadable`; the log says why',
            )
        )  # fmt: skip
    if now - snapshot.measured_at >= STUCK_S:
        problems.append(
            Problem(
                Level.ERROR, 'stuck',
                f'the disk has not answered for {now - snapshot.measured_at:.0f} s; nothing can '
                'be asked until it does; look at the disk',
            )
        )  # fmt: skip
    if use.max_bytes and use.unsent_bytes >= NEARLY_FULL * use.max_bytes:
        problems.append(
            Problem(
                Level.WARN, 'nearly full',
                f'unsent images fill {use.unsent_bytes / use.max_bytes:.0%} of journal.max_mb; '
                'the oldest will be given up; is the service reached?',
            )
        )  # fmt: skip
    if use.max_questions and use.questions >= NEARLY_FULL * use.max_questions:
        problems.append(
            Problem(
                Level.WARN, 'nearly full of questions',
                f'{use.questions} of journal.max_count={use.max_questions} questions are kept; '
                'some will be given up; are questions answered?',
            )
        )  # fmt: skip
    return problems


def _seconds(value: float | None) -> str:
    return f'{value:.2f}' if value is not None else 'none yet'


def _of(value: float, most: float, unit: float, digits: int) -> str:
    limit = f'{most / unit:.{digits}f}' if most else 'no limit'
    return f'{value / unit:.{digits}f} of {limit}'
