# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Watch a promise, drive by drive: a test that may be looked at at any time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from spark_ros.calibration.decisions import Policy
from spark_ros.calibration.drives import Drive
from spark_ros.calibration.replay import replay_all

STAKES = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Parts of the largest stake that cannot be overdrawn, played beside each other."""


class Watch:
    """Bets against 'the mean loss of a drive is at most alpha'.

    Under the promise, the chance that `broken` is ever true is at most `level`, however often one
    looks (Ville's inequality). New bets begin with each drive, the j-th with 1/(j(j+1)) of the
    capital, so that good years do not hide a bad month. Each drive costs the same few steps.

    Attributes:
        alpha: the promise.
        level: the chance of a false alarm.
        drives: how many were compared.
        total: the sum of their losses.
        left_out: how many were not, because their policy changed in the course of them.
        log_most: the natural logarithm of the evidence.
    """

    def __init__(self, alpha: float, level: float = 0.05) -> None:
        """Begin.

        Args:
            alpha: the promise, in (0, 1).
            level: the chance of a false alarm, in (0, 1).

        Raises:
            ValueError: one is not in (0, 1).
        """
        for name, value in (('alpha', alpha), ('level', level)):
            if not 0.0 < value < 1.0:
                raise ValueError(f'{name} is {value}, not between 0 and 1')
        self.alpha, self.level = alpha, level
        self.drives, self.total = 0, 0.0
        self.left_out = 0
        self.log_most = 0.0
        self._logs = [-math.inf] * len(STAKES)

    @property
    def mean(self) -> float:
        """The mean loss so far; 0 before the first drive."""
        return self.total / self.drives if self.drives else 0.0

    @property
    def evidence(self) -> float:
        """The most that was won so far, as a multiple of the capital: 20 and more is broken."""
        return math.exp(min(self.log_most, 700.0))

    @property
    def broken(self) -> bool:
        """Whether the promise is broken; stays so."""
        return self.log_most >= -math.log(self.level)

    def add(self, loss: float) -> None:
        """Take a drive that is over.

        Args:
            loss: the share of its errors that were not asked about, or its `losses.linear`.

        Raises:
            ValueError: it is not in [0, 1].
        """
        if not 0.0 <= loss <= 1.0:
            raise ValueError(f'a loss is {loss}, not between 0 and 1')
        self.drives, self.total = self.drives + 1, self.total + loss
        j = self.drives
        begun = -math.log(j) - math.log(j + 1)
        for k, stake in enumerate(STAKES):
            won = math.log1p(stake * (loss - self.alpha) / self.alpha)
            self._logs[k] = _log_add(self._logs[k], begun) + won
        # What has not begun yet: 1/(j+1) of the capital.
        capital = [_log_add(log, -math.log(j + 1)) for log in self._logs]
        highest = max(capital)
        mixed = math.fsum(math.exp(log - highest) for log in capital) / len(STAKES)
        self.log_most = max(self.log_most, highest + math.log(mixed))

    def to_plain(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        # JSON has no infinity; no bet has begun before the first drive.
        logs = self._logs if self.drives else []
        return {
            'alpha': self.alpha, 'level': self.level, 'drives': self.drives,
            'total': self.total, 'left_out': self.left_out, 'log_most': self.log_most,
            'logs': list(logs),
        }  # fmt: skip

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Watch:
        """Go on from what `to_plain` returned.

        Raises:
            ValueError: it is something else.
        """
        try:
            watch = cls(float(plain['alpha']), float(plain['level']))
            watch.drives, watch.total = int(plain['drives']), float(plain['total'])
            watch.left_out, watch.log_most = int(plain['left_out']), float(plain['log_most'])
            logs: Sequence[Any] = plain['logs']
            if logs or watch.drives:
                watch._logs = [float(log) for log in logs]
        except (KeyError, TypeError) as error:
            raise ValueError(f'this is no state of a watch: {error}') from None
        numbers = (watch.total, watch.log_most, *(watch._logs if watch.drives else ()))
        sound = len(watch._logs) == len(STAKES) and all(map(math.isfinite, numbers))
        if not sound or min(watch.drives, watch.left_out, watch.log_most, watch.total) < 0:
            raise ValueError('this is no state of a watch: its numbers contradict each other')
        return watch


def watch_drives(watch: Watch, drives: Iterable[Drive], policy: Policy) -> None:
    """Compare drives with a promise by what was asked on them, whatever a replay would ask.

    Args:
        watch: of the promise.
        drives: that are over. Those count that are whole, have an answered audit, and end with
            the policy; but not those that began with another one.
        policy: of which it was promised.
    """
    for drive in drives:
        if drive.whole and drive.errors and drive.policy == policy:
            if drive.changed:
                watch.left_out += 1
            else:
                watch.add(share_unasked(drive))


def share_unasked(drive: Drive) -> float:
    """Return the share of a drive's errors that were not asked about, by the log."""
    return float(replay_all([drive], [None]).shares[0, 0])


def _log_add(a: float, b: float) -> float:
    high, low = max(a, b), min(a, b)
    return high + math.log1p(math.exp(low - high))
