# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Whether the promise of `spark calibrate` holds on rendered pictures, and what it costs.

    python benchmarks/worlds.py

Drives through random halls, lets the demo's detector look at each picture, and has every frame
judged by the truth. Some worlds are set aside to learn how labels differ. The others are dealt
many times into worlds that a threshold is calibrated on, and as many that it is counted on. Given
the worlds, each deal is independent, and the promise holds for their average. Exit code 0 if it
was kept, else 1.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spark_ros.calibration.calibrate import Promise, mean_share, questions_per_100
from spark_ros.calibration.decision_files import read_log
from spark_ros.calibration.decisions import Policy, to_line
from spark_ros.calibration.drives import Drive, drives_of
from spark_ros.calibration.path import learned_path, shared_path
from spark_ros.calibration.plot import Series, as_file, plot
from spark_ros.calibration.replay import Array, Replays, replay_all
from spark_ros.demo.warehouse.audits import asking
from spark_ros.demo.warehouse.comparison import RIGHT_FROM_IOU
from spark_ros.demo.warehouse.fleet import drive_worlds
from spark_ros.policy import Thresholds

ROOT = Path(__file__).resolve().parents[1]
HALL = ROOT / 'worlds' / 'warehouse.sdf'
PICTURE = ROOT / 'docs' / 'images' / 'worlds.svg'
LEARN_FROM, DEALS, STANDARD_ERRORS = 0.3, 1000, 4.0
DEFAULT_ASK_BELOW = Thresholds().ask_below
DEFAULT = f'ask_below {DEFAULT_ASK_BELOW:g}'
LICENCE = '<!-- Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0 -->'


@dataclass(frozen=True)
class Counted:
    """What came of a promise on worlds that it was not calibrated on, deal by deal.

    Attributes:
        asked: questions per 100 frames, (deals,).
        missed: the mean share of a drive's errors that were not asked about, (deals,).
        impossible: deals in which nothing could be promised, so that all was asked.
    """

    asked: Array
    missed: Array
    impossible: int

    @property
    def mean(self) -> float:
        """The share that was missed, over all deals."""
        return float(self.missed.mean())

    @property
    def error(self) -> float:
        """The standard error of that."""
        return float(self.missed.std(ddof=1)) / math.sqrt(len(self.missed))

    def held(self, alpha: float) -> bool:
        """Whether the share is not above alpha, but for the luck of the deals."""
        return self.mean <= alpha + STANDARD_ERRORS * self.error


def deal(
    random: np.random.Generator, promise: Promise, replays: Replays, deals: int = DEALS
) -> Counted:
    """Calibrate on one half of the drives and count on the other, many times.

    Args:
        random: deals.
        promise: what shall hold.
        replays: of all drives under the policies of a path.
        deals: how many.
    """
    number = len(replays.errors)
    asked, missed, impossible = np.zeros(deals), np.zeros(deals), 0
    for row in range(deals):
        order = random.permutation(number)
        index = promise.index(some_of(replays, order[:number // 2]))
        impossible += index is None
        others = some_of(replays, order[number // 2:])
        column = -1 if index is None else index
        asked[row] = questions_per_100(others)[column]
        missed[row] = mean_share(others)[column]
    return Counted(asked, missed, impossible)


def some_of(replays: Replays, rows: Sequence[int] | Array) -> Replays:
    """Return the replays of some drives."""
    return Replays(
        replays.questions[rows], replays.unasked[rows], replays.errors[rows], replays.frames[rows]
    )


def oracle(drives: Sequence[Drive]) -> float:
    """Return how many of 100 frames have an error, estimated by the audits."""
    wrong = sum(
        bool(errors) / drive.frames[index].audit_rate
        for drive in drives for index, errors in drive.errors.items()
    )  # fmt: skip
    return 100.0 * wrong / sum(len(drive.frames) for drive in drives)


def curve(replays: Replays) -> list[tuple[float, float]]:
    """Return questions per 100 frames and the share of errors missed, policy by policy."""
    return [
        (float(asked), float(missed))
        for asked, missed in zip(questions_per_100(replays), mean_share(replays), strict=True)
    ]


def drives_through(arguments: argparse.Namespace, policy: Policy) -> list[Drive]:
    """Return the drives, out of the log if there is one, else through the worlds."""
    if arguments.log and arguments.log.exists():
        return drives_of(read_log([arguments.log]), RIGHT_FROM_IOU)
    started = time.monotonic()

    def tell(done: int) -> None:
        if done % 10 == 0 or done == arguments.worlds:
            spent = time.monotonic() - started
            print(f'{done} of {arguments.worlds} worlds, {spent:.0f} s', file=sys.stderr)

    first = arguments.seed * 10_000
    records = list(drive_worlds(
        HALL, range(first, first + arguments.worlds), policy, frames=arguments.frames,
        audit_rate=arguments.audit_rate, progress=tell,
    ))  # fmt: skip
    if arguments.log:
        arguments.log.parent.mkdir(parents=True, exist_ok=True)
        arguments.log.write_text(''.join(f'{to_line(each)}\n' for each in records), 'utf-8')
    return drives_of(records, RIGHT_FROM_IOU)


def main() -> int:
    """Print the table and write the picture; return 0 if the promise was kept."""
    arguments = _parser().parse_args()
    present = asking(DEFAULT_ASK_BELOW)
    # As the command does: of a drive without an audit nothing is known.
    drives = [drive for drive in drives_through(arguments, present) if drive.errors]
    taught = round(LEARN_FROM * len(drives))
    learnt_from, others = drives[:taught], drives[taught:]
    shared = replay_all(others, shared_path(present))
    learned = replay_all(others, learned_path(present, learnt_from))
    fixed = replay_all(others, [present])
    random = np.random.default_rng(arguments.seed)
    counted = {
        (alpha, name): deal(random, Promise(alpha), replays)
        for alpha in arguments.alpha
        for name, replays in (('one threshold', shared), ('one for each label', learned))
    }
    half = len(others) // 2
    print(f'{len(drives)} worlds, seed {arguments.seed}; {taught} to learn from; of the other '
          f'{len(others)}, {half} to calibrate on\nand {len(others) - half} to count on, dealt '
          f'{DEALS} times; asked: questions per 100 frames')
    print(f'{"alpha":>5}  {"thresholds":20} {"asked":>6}   {"missed":>15}   {"spread":>6}   held')
    for (alpha, name), each in counted.items():
        missed = f'{each.mean:.4f} ± {each.error:.4f}'
        spread = f'{each.missed.std(ddof=1):.3f}'
        held = 'yes' if each.held(alpha) else 'NO'
        asked = f'{each.asked.mean():6.1f}'
        print(f'{alpha:5.2f}  {name:20} {asked}   {missed:>15}   {spread:>6}   {held}')
        if each.impossible:
            print(f'{"":27} impossible, so that all was asked: in {each.impossible} deals')
    (now,) = curve(fixed)
    print(f'{"":5}  {DEFAULT:20} {now[0]:6.1f}   {now[1]:<6.4f}')
    print(f'{"":5}  {"oracle":20} {oracle(others):6.1f}   {0.0:<6.4f}')
    points = {
        f'{100 * alpha:g} %, calibrated': (float(each.asked.mean()), each.mean)
        for (alpha, name), each in counted.items() if name == 'one threshold'
    }  # fmt: skip
    drawn = plot(
        Series(curve(shared), name='one threshold'), 'questions per 100 frames',
        'share of errors missed', promise=min(arguments.alpha),
        second=Series(curve(learned), name='one for each label, learned'),
        named={DEFAULT: now, **points, 'oracle': (oracle(others), 0.0)},
    )  # fmt: skip
    arguments.picture.parent.mkdir(parents=True, exist_ok=True)
    arguments.picture.write_text(f'{LICENCE}\n{as_file(drawn)}', 'utf-8')
    return 0 if all(each.held(alpha) for (alpha, _), each in counted.items()) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or '').splitlines()[0])
    show = '(default: %(default)s)'
    parser.add_argument('--worlds', type=int, default=200, help=show)
    parser.add_argument('--frames', type=int, default=30, help=f'in a drive {show}')
    parser.add_argument('--seed', type=int, default=2026, help=f'of worlds and deals {show}')
    parser.add_argument(
        '--alpha', type=float, nargs='+', default=[0.05, 0.1, 0.2], help='the promises'
    )
    parser.add_argument(
        '--audit-rate', type=float, default=1.0, help=f'the share of frames that is judged {show}'
    )
    parser.add_argument(
        '--log', type=Path, metavar='FILE',
        help='write the log of decisions there; if it is there, read it and render nothing',
    )  # fmt: skip
    parser.add_argument('--picture', type=Path, default=PICTURE, metavar='FILE', help=show)
    return parser


if __name__ == '__main__':
    sys.exit(main())
