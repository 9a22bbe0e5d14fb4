# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Calibrate the demo's node on random worlds, and say what that changed in the hall."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from spark_ros.calibration.calibrate import Calibration, Promise, calibrate
from spark_ros.calibration.decisions import Policy
from spark_ros.calibration.drives import drives_of
from spark_ros.calibration.parameter_file import parameter_file
from spark_ros.calibration.replay import replay
from spark_ros.calibration.report import as_html, outcome_words, promise_words
from spark_ros.demo.errors import DemoError
from spark_ros.demo.messages import CAMERA
from spark_ros.demo.warehouse.audits import asking, audits
from spark_ros.demo.warehouse.comparison import RIGHT_FROM_IOU, Frame
from spark_ros.demo.warehouse.fleet import drive_worlds
from spark_ros.geometry import ImageSize

WORLDS, ALPHA = 40, 0.1
THRESHOLDS, REPORT = 'thresholds.yaml', 'calibration.html'
TOLD_EACH = 10


def calibrate_on_worlds(
    hall: Path, ask_below: float, output: Path, worlds: int = WORLDS
) -> Policy:
    """Drive through random worlds, and write the thresholds and the report of the calibration.

    Args:
        hall: the file of the world that gives the walls.
        ask_below: the threshold that is to be replaced.
        output: the folder, which is made where it does not exist.
        worlds: how many.

    Returns:
        The policy that keeps the promise.

    Raises:
        DemoError: there is none, or a process that renders has died.
    """
    print(f'calibrating on {worlds} random worlds, which takes a minute or two', flush=True)

    def tell(done: int) -> None:
        if done % TOLD_EACH == 0 or done == worlds:
            print(f'{done} of {worlds} worlds', flush=True)

    try:
        records = list(drive_worlds(hall, range(worlds), asking(ask_below), progress=tell))
    except BrokenProcessPool:
        raise DemoError('a process that renders the worlds has died: is memory short?') from None
    done = calibrate(drives_of(records, RIGHT_FROM_IOU), Promise(ALPHA))
    words = outcome_words(done)
    if done.policy is None:
        raise DemoError('\n'.join(words))
    _write(done, done.policy, output)
    words.append(f'Written: {output / THRESHOLDS} and {output / REPORT}.')
    print('\n'.join(words), flush=True)
    return done.policy


def _write(done: Calibration, policy: Policy, output: Path) -> None:
    output.mkdir(parents=True, exist_ok=True)
    comments = ['Calibrated on random worlds. Promised of worlds like these:', promise_words(done)]
    (output / THRESHOLDS).write_text(parameter_file(policy, comments), 'utf-8')
    (output / REPORT).write_text(as_html(done), 'utf-8')


def compared(
    frames: Mapping[int, Frame], size: ImageSize, policies: Mapping[str, Policy]
) -> str:
    """Return a table of what policies would have asked on a drive, and missed.

    Args:
        frames: by stamp in nanoseconds, in the order of time.
        size: of the images.
        policies: by name; of the last one `ignore_below` says which detections can be errors.
    """
    *_, last = policies.values()
    (drive,) = drives_of(audits('hall', frames.items(), size, last), RIGHT_FROM_IOU)
    lines = ['', f'{"":<24}{"asked":>10}{"errors missed":>16}']
    for name, policy in policies.items():
        played = replay(drive, policy)
        missed = f'{played.unasked:.0f} of {drive.weight:.0f}'
        lines.append(f'{name:<24}{len(played.asked):>10}{missed:>16}')
    wrong = sum(map(bool, drive.errors.values()))
    lines += [
        f'{"oracle":<24}{wrong:>10}{f"0 of {drive.weight:.0f}":>16}',
        '',
        'asked        of the frames; everything wrong on a frame that is asked about is found',
        'oracle       asks about just the frames on which something is wrong',
        'promised     of worlds like those that were calibrated on, which this hall is not',
    ]
    return '\n'.join(lines)


def threshold(policy: Policy) -> float:
    """Return the `ask_below` of the demo's camera."""
    return policy.cameras[CAMERA].thresholds.ask_below
