# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The commands about logs of decisions: whether all is well, plain values, and lines of text."""

from __future__ import annotations

import argparse
from collections import Counter
from typing import Any

from spark_ros.calibration.calibrate import Promise, calibrate
from spark_ros.calibration.decision_files import read_log
from spark_ros.calibration.drives import SAME_BOX_IOU, Drive, drives_of
from spark_ros.calibration.parameter_file import parameter_file
from spark_ros.calibration.report import as_html, as_plain, outcome_words, promise_words
from spark_ros.calibration.summary import Summary, summary_of
from spark_ros.calibration.watch import Watch
from spark_ros.cli.output import as_json

THRESHOLDS = 'thresholds.yaml'


def calibrate_logs(arguments: argparse.Namespace) -> tuple[bool, dict[str, Any], list[str]]:
    """Calibrate, and write the files.

    Raises:
        OSError: a log cannot be read, or a file not written.
        ValueError: a log is damaged, or nothing in it counts.
    """
    promise = Promise(arguments.alpha, arguments.delta, arguments.weigh_errors)
    done = calibrate(_drives(arguments), promise, arguments.learn_from, arguments.seed)
    plain, lines = as_plain(done, arguments.seed), outcome_words(done)
    folder = arguments.into
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'report.html').write_text(as_html(done), 'utf-8')
    (folder / 'report.json').write_text(as_json(plain) + '\n', 'utf-8')
    thresholds = folder / THRESHOLDS
    if done.policy is None:
        # That of an earlier run would be taken for the outcome of this one.
        thresholds.unlink(missing_ok=True)
        lines.append(f'There is no {thresholds}; {folder / "report.html"} says more.')
    else:
        policy = done.policy
        comments = [
            'Made by spark calibrate. Promised, for drives like those that were calibrated on:',
            f'{promise_words(done)}.',
            f'With limits.open {policy.open} and limits.per_hour {policy.per_hour}.',
        ]
        # The node watches the mean share of drives, with its own measure of a box.
        unwatched = ''
        if promise.cap is not None:
            unwatched = 'it does not weigh drives by their errors'
        elif (iou := arguments.same_box or SAME_BOX_IOU) != SAME_BOX_IOU:
            unwatched = f'boxes that overlap less than {SAME_BOX_IOU} are errors to it, not {iou}'
        watched = 0.0 if unwatched else promise.alpha
        thresholds.write_text(parameter_file(policy, comments, watched), 'utf-8')
        lines.append(f'Written: {thresholds}, and {folder / "report.html"}.')
        if unwatched:
            lines.append(f'The node does not watch this promise: {unwatched}.')
    return done.policy is not None, plain, lines


def summarise(arguments: argparse.Namespace) -> tuple[bool, dict[str, Any], list[str]]:
    """Summarise logs.

    Raises:
        OSError: a log cannot be read.
        ValueError: a log is damaged.
    """
    found = summary_of(_drives(arguments), arguments.alpha)
    watch = found.watch
    plain = {**vars(found), 'watch': None if watch is None else {
        'alpha': watch.alpha, 'mean': watch.mean, 'drives': watch.drives,
        'left_out': watch.left_out, 'evidence': watch.evidence, 'broken': watch.broken,
    }}  # fmt: skip
    return watch is None or not watch.broken, plain, _lines(found)


def _drives(arguments: argparse.Namespace) -> list[Drive]:
    return drives_of(read_log(arguments.logs), arguments.same_box or SAME_BOX_IOU)


def _lines(found: Summary) -> list[str]:
    lines = [f'{found.drives} drives, {found.frames.total()} frames']
    for camera, frames in found.frames.items():
        lines.append(f'{camera}: {found.asked[camera]} of {frames} frames asked about')
    lines.append(f'{found.answered} of {found.audits} audits answered{_listed(found.errors)}')
    if found.refused:
        lines.append(f'not asked{_listed(found.refused)}')
    if found.shares:
        mean = sum(found.shares.values()) / len(found.shares)
        lines.append(
            f'{mean:.4f} of the errors of a drive went unasked, on average over '
            f'{len(found.shares)} drives'
        )
    if found.changed:
        lines.append(f'{found.changed} drives are left out: their policy changed during them')
    if found.watch is not None:
        if others := len(found.shares) - found.watch.drives:
            lines.append(f'{others} drives had another policy than the last drive')
        lines.append(_verdict(found.watch))
    return lines


def _verdict(watch: Watch) -> str:
    if watch.broken:
        return (
            f'the promise of {watch.alpha:.4g} is broken: something changed since it was '
            'calibrated. Calibrate again with the newest drives; until then, raise ask_below'
        )
    words = 'there is no drive to compare with' if not watch.drives else 'no contradiction to'
    return f'{words} the promise of {watch.alpha:.4g} (evidence {watch.evidence:.3g} of 20)'


def _listed(counts: Counter[str]) -> str:
    named = ', '.join(f'{count} {name}' for name, count in counts.most_common())
    return f': {named}' if named else ''
