# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Whether the promises of `spark calibrate` hold, on fleets whose truth is known.

    python benchmarks/calibration_simulation.py

Each fleet calibrates on its own drives. Drives are correlated within: how often the detector is
wrong, and how sure it is of that, differs from drive to drive. The truth is a population of
drives that no fleet sees. Exit code 0 if every promise held, else 1.
"""

from __future__ import annotations

import argparse
import math
import sys
import time

import numpy as np

from spark_ros.calibration.bounds import binomial_cdf
from spark_ros.calibration.control import Rule, choose, on_average, probably, probably_by_bets
from spark_ros.calibration.losses import linear, monotone
from spark_ros.calibration.replay import Array
from spark_ros.calibration.watch import Watch

FLEETS, POPULATION, GRID = 2000, 20_000, 51
ALPHA, DELTA, CAP, LEVEL = 0.1, 0.1, 10.0, 0.05
MEAN_DRIVES, PROBABLE_DRIVES, WEIGHED_DRIVES, WATCHED = 40, 80, 300, 60
STANDARD_ERRORS, SIGNIFICANT = 4.0, 1e-6
FRAMES = 300


class Drives:
    """Drives made up: errors, those unasked and questions under each threshold of the grid."""

    def __init__(
        self, random: np.random.Generator, number: int, drift: float = 0.0, lone: bool = False
    ) -> None:
        """Make drives.

        Args:
            random: the source.
            number: how many.
            drift: how much surer the detector is of its errors than before.
            lone: each has one error at most, and loses all or nothing: the hardest case for the
                bounds, which leave the least room there.
        """
        # What a drive is like is drawn once, and all its frames share it.
        often = random.gamma(0.8, 5.0, number)
        sure = np.clip(random.beta(2.0, 5.0, number) + drift, 0.0, 0.95)
        self.errors = random.poisson(often).astype(float)
        if lone:
            self.errors = np.minimum(self.errors, 1.0)
        right = random.poisson(FRAMES, number).astype(float)
        grid = np.linspace(0.0, 1.0, GRID)
        # Errors' scores are uniform up to a height of the drive, right ones' rise to 1.
        below = np.minimum(grid[None, :] / (0.3 + 0.7 * sure[:, None]), 1.0)
        seen = np.diff(below, axis=1, prepend=0.0)
        scores = _multinomial(random, self.errors.astype(int), seen)
        caught = np.cumsum(scores, axis=1)
        self.unasked = self.errors[:, None] - caught
        self.questions = caught + right[:, None] * grid[None, :] ** 4

    @property
    def shares(self) -> Array:
        """(drives, thresholds): of a drive's errors, those not asked about."""
        return np.asarray(self.unasked / np.maximum(self.errors, 1.0)[:, None])


class Truth:
    """What holds for a whole population, by threshold.

    Attributes:
        shares: the mean share of a drive's errors not asked about.
        capped: the mean of the linear loss.
        noise, noise_capped: how far these may be off, since the population is a sample as well.
        asked: questions in a drive.
    """

    def __init__(self, drives: Drives) -> None:
        """Measure them."""
        linear_losses = linear(drives.unasked, drives.errors, ALPHA, CAP)
        self.shares, self.capped = drives.shares.mean(axis=0), linear_losses.mean(axis=0)
        scale = STANDARD_ERRORS / math.sqrt(POPULATION)
        self.noise = scale * drives.shares.std(axis=0)
        self.noise_capped = scale * linear_losses.std(axis=0)
        self.asked = [float(each) for each in drives.questions.mean(axis=0)]

    def price(self, found: list[tuple[int | None, float]]) -> float:
        """Return the mean of questions; where nothing can be promised, all is asked."""
        return float(np.mean([self.asked[-1 if k is None else k] for k, _ in found]))

    def broken(self, found: list[tuple[int | None, float]], risks: Array, noise: Array) -> int:
        """Count the fleets whose true risk is above alpha."""
        return sum(k is not None and bool(risks[k] > ALPHA + noise[k]) for k, _ in found)


def _multinomial(random: np.random.Generator, counts: Array, chances: Array) -> Array:
    return random.multinomial(counts, chances / chances.sum(axis=1, keepdims=True)).astype(float)


def first_kept(risks: Array, alpha: float) -> int:
    """Return the threshold that the oracle takes: the first whose true risk is at most alpha."""
    return int(np.argmax(risks <= alpha))


def simulate(
    random: np.random.Generator, rule: Rule, drives: int, *, weighed: bool = False,
    lone: bool = False, drift: float = 0.0,
) -> list[tuple[int | None, float]]:  # fmt: skip
    """Calibrate each fleet; return its threshold, and the loss of its next drive.

    Args:
        random: the source.
        rule: of the promise.
        drives: how many a fleet calibrates on.
        weighed: by errors.
        lone: each drive has one error at most.
        drift: of the drive after the calibration.
    """
    made = []
    for _ in range(FLEETS):
        fleet = Drives(random, drives, lone=lone)
        losses = fleet.shares
        if weighed:
            losses = linear(fleet.unasked, fleet.errors, ALPHA, CAP)
        index = choose(monotone(losses), rule)
        following = Drives(random, 1, drift, lone)
        # Without a threshold people are asked about everything.
        column = GRID - 1 if index is None else index
        made.append((index, float(following.shares[0, column])))
    return made


def average_row(name: str, losses: list[float], price: float, oracle: float) -> tuple[str, bool]:
    """Test and describe a promise of an average."""
    mean = float(np.mean(losses))
    error = float(np.std(losses, ddof=1)) / math.sqrt(len(losses))
    held = mean <= ALPHA + STANDARD_ERRORS * error
    return _row(name, f'mean loss {mean:.4f} ± {error:.4f}', price, oracle, held), held


def probable_row(name: str, broken: int, price: float, oracle: float) -> tuple[str, bool]:
    """Test and describe a promise with probability 1 - delta."""
    p = 1.0 - binomial_cdf(broken - 1, FLEETS, DELTA)
    held = p >= SIGNIFICANT
    words = f'{broken} of {FLEETS} above alpha, p {p:.2g}'
    return _row(name, words, price, oracle, held), held


def _row(name: str, words: str, price: float, oracle: float, held: bool) -> str:
    asked = f'{price:6.1f} {oracle:7.1f}'
    return f'{name:34} {words:38} {asked}   {"yes" if held else "NO"}'


def watch_row(
    random: np.random.Generator, index: int, drift: float, fleets: int
) -> tuple[str, bool]:
    """Watch the oracle's threshold: false alarms without drift, alarms with it."""
    alarms, after = 0, []
    for _ in range(fleets):
        watch = Watch(ALPHA, LEVEL)
        for loss in Drives(random, WATCHED, drift).shares[:, index]:
            watch.add(float(loss))
            if watch.broken:
                alarms += 1
                after.append(watch.drives)
                break
    if drift:
        held = alarms > 0.9 * fleets
        words = f'{alarms} of {fleets} warned, median after {np.median(after or [0]):.0f} drives'
        return f'{f"watch, drift {drift:g}":34} {words:54}   {"yes" if held else "NO"}', held
    p = 1.0 - binomial_cdf(alarms - 1, fleets, LEVEL)
    words = f'{alarms} of {fleets} warned for nothing, p {p:.2g}'
    held = p >= SIGNIFICANT
    return f'{"watch, no drift":34} {words:54}   {"yes" if held else "NO"}', held


def main() -> int:
    """Print the table; return 0 if every promise held."""
    parser = argparse.ArgumentParser(description=(__doc__ or '').splitlines()[0])
    parser.add_argument('--seed', type=int, default=2026, help='(default: 2026)')
    seed, started = parser.parse_args().seed, time.monotonic()
    random = np.random.default_rng(seed)
    print(f'{FLEETS} fleets, seed {seed}, alpha {ALPHA:g}, delta {DELTA:g}; '
          f'the truth from {POPULATION} drives')
    print(f'{"promise":34} {"outcome":38} {"asked":>6} {"oracle":>7}   held')
    verdicts = []

    def report(row: tuple[str, bool]) -> None:
        print(row[0], flush=True)
        verdicts.append(row[1])

    for name, lone in (('', False), (', lone errors', True)):
        truth = Truth(Drives(random, POPULATION, lone=lone))
        oracle = truth.asked[first_kept(truth.shares, ALPHA)]
        found = simulate(random, on_average(ALPHA), MEAN_DRIVES, lone=lone)
        losses = [loss for _, loss in found]
        report(average_row(f'average, {MEAN_DRIVES} drives{name}', losses,
                           truth.price(found), oracle))
        found = simulate(random, probably(ALPHA, DELTA), PROBABLE_DRIVES, lone=lone)
        broken = truth.broken(found, truth.shares, truth.noise)
        report(probable_row(f'probably, {PROBABLE_DRIVES} drives{name}', broken,
                            truth.price(found), oracle))
    truth = Truth(Drives(random, POPULATION))
    found = simulate(random, probably_by_bets(ALPHA, DELTA), WEIGHED_DRIVES, weighed=True)
    broken = truth.broken(found, truth.capped, truth.noise_capped)
    report(probable_row(f'probably, by errors, {WEIGHED_DRIVES} drives', broken,
                        truth.price(found), truth.asked[first_kept(truth.capped, ALPHA)]))
    index = first_kept(truth.shares + truth.noise, ALPHA)
    report(watch_row(random, index, 0.0, 500))
    report(watch_row(random, index, 0.4, 500))
    drifted = simulate(random, on_average(ALPHA), MEAN_DRIVES, drift=0.4)
    mean = float(np.mean([loss for _, loss in drifted]))
    print(f'{"average, drift 0.4":34} mean loss {mean:.4f}: nothing is promised of changed drives')
    print(f'{time.monotonic() - started:.0f} s')
    return 0 if all(verdicts) else 1


if __name__ == '__main__':
    sys.exit(main())
