# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Say in a table and a plot what the answers made of a detector's run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from spark_ros.demo.scoring import Counts
from spark_ros.demo.warehouse.comparison import Comparison, Frame, compare, count
from spark_ros.demo.warehouse.plot import Example, plot

EXAMPLES = 2
PLOT = 'f1.png'


def report(
    frames: Mapping[int, Frame],
    image: Callable[[int], NDArray[np.uint8] | None],
    output: Path,
    title: str,
) -> str:
    """Write the plot into a folder and return the table.

    Args:
        frames: by stamp, in the order of time.
        image: gives the image of a stamp, BGR (H, W, 3), or None.
        output: is made where it does not exist.
    """
    if not frames:
        return 'no frame was seen whose truth and detections are known: nothing to score'
    compared = compare(frames.values())
    examples = []
    for stamp in _telling(frames, compared.threshold):
        pixels = image(stamp)
        if pixels is not None:
            examples.append(Example(pixels, frames[stamp]))
    output.mkdir(parents=True, exist_ok=True)
    path = output / PLOT
    cv2.imwrite(str(path), plot(list(frames.values()), compared, examples[:EXAMPLES], title))
    return f'{table(compared)}\nplot         {path}'


def table(compared: Comparison) -> str:
    """Return the comparison in lines."""
    rows = (
        ('detector alone', compared.alone),
        ('detector + resolutions', compared.together),
    )
    return '\n'.join([
        '',
        f'{"":<24}{"precision":>10}{"recall":>8}{"F1":>7}{"right":>8}{"wrong":>7}{"missed":>8}',
        *(_row(name, counts) for name, counts in rows),
        '',
        f'frames       {compared.frames}, of which {compared.asked} were asked about and answered',
        'right        the label, and IoU >= 0.5 with the true box; a claim counts from the score '
        f'{compared.threshold:.2f} on,',
        '             with which the detector alone is at its best on this run',
    ])  # fmt: skip


def _row(name: str, counts: Counts) -> str:
    return (
        f'{name:<24}{counts.precision:>10.3f}{counts.recall:>8.3f}{counts.f1:>7.3f}'
        f'{counts.right:>8}{counts.spurious:>7}{counts.missed:>8}'
    )


def _telling(frames: Mapping[int, Frame], threshold: float) -> list[int]:
    """Give the stamps of the frames that the answer changed most, none near another."""
    def gain(frame: Frame) -> int:
        before, after = (
            count(boxes, frame.truth)
            for boxes in (frame.alone(threshold), frame.together(threshold))
        )
        return (before.spurious + before.missed) - (after.spurious + after.missed)

    places = {stamp: place for place, stamp in enumerate(frames)}
    chosen: list[int] = []
    for stamp in sorted(frames, key=lambda each: -gain(frames[each])):
        apart = len(frames) // 6
        if all(abs(places[stamp] - places[other]) > apart for other in chosen):
            chosen.append(stamp)
    return chosen
