# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the demo leaves behind: pictures, and a summary in numbers."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import cv2

from spark_ros import model
from spark_ros.demo.answerer import Answerer
from spark_ros.demo.pictures import before_after
from spark_ros.demo.progress import KINDS, Frame, ProgressMonitor
from spark_ros.demo.scoring import Counts, Detection, score
from spark_ros.msg import Correction
from spark_ros.ros.goals import read_priors
from spark_ros.service.scripted.recognise import Truth


def write_pictures(frames: Sequence[Frame], folder: Path, answerer: Answerer) -> list[Path]:
    """Write one before/after picture for each answered frame; return their paths.

    Beside each goes the node's own picture, as it came over the topic.

    Args:
        frames: the answered frames.
        folder: is made where it does not exist; pictures of an earlier run are removed from it.
        answerer: who answered.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in (*folder.glob('*.png'), *folder.glob('*_annotated.jpg')):
        old.unlink()
    written = []
    for number, frame in enumerate(frames, 1):
        if frame.image is None or frame.resolution is None:
            continue
        corrections = [_correction(said) for said in frame.resolution.corrections]
        picture = before_after(
            frame.image,
            [each.original for each in corrections if each.original is not None],
            corrections,
            answerer,
            title=frame.name,
            note=f'answered in {frame.resolution.response_time:.2f} s: '
            f'{frame.resolution.response or "no words"}',
        )
        name = re.sub(r'[^A-Za-z0-9_-]', '_', Path(frame.name).stem)
        path = folder / f'{number:02d}_{name}.png'
        if cv2.imwrite(str(path), picture):
            written.append(path)
        if frame.annotated:
            (folder / f'{path.stem}_annotated.jpg').write_bytes(frame.annotated)
    return written


def summary(
    monitor: ProgressMonitor, answerer: Answerer, truth: Truth | None, pictures: Sequence[Path]
) -> str:
    """Say in a few lines how it went.

    Args:
        monitor: knows what was seen, asked and answered.
        answerer: who answered.
        truth: the true boxes, where they are known: what was answered is measured against them.
        pictures: the paths of those that were written.
    """
    answered = monitor.answered
    resolutions = [frame.resolution for frame in answered if frame.resolution is not None]
    kinds = Counter(KINDS[one.kind] for answer in resolutions for one in answer.corrections)
    times = [resolution.response_time for resolution in resolutions]
    lines = [
        '',
        f'frames       {len(monitor.frames)} seen, {len(monitor.asked)} asked about, '
        f'{len(answered)} resolved',
        f'answered by  {answerer.summary}',
        f'corrections  {", ".join(f"{n} {kind}" for kind, n in kinds.most_common()) or "none"}',
    ]
    if times:
        lines.append(
            f'answers in   {statistics.median(times):.2f} s (median), {max(times):.2f} s (longest)'
        )
    if truth is not None and answered:
        lines += _scores(answered, truth)
    if pictures:
        lines.append(f'pictures     {len(pictures)} in {pictures[0].parent}/')
    return '\n'.join(lines)


def _scores(frames: Sequence[Frame], truth: Truth) -> list[str]:
    before = after = Counts()
    for frame in frames:
        found = truth.find(frame.image) if frame.image is not None else None
        if found is not None:
            true = [Detection(label, box) for label, box in found]
            before += score(frame.before, true)
            if frame.after is not None:
                after += score(frame.after, true)
    return [
        f'mean IoU     {before.mean_iou:.3f} before, {after.mean_iou:.3f} after '
        f'({after.objects} objects on the frames asked about)',
        f'labels       {before.label_accuracy:.0%} right before, {after.label_accuracy:.0%} after',
    ]


def _correction(said: Correction) -> model.Correction:
    kind = model.CorrectionKind(KINDS[said.kind])
    original = () if kind is model.CorrectionKind.ADDED else read_priors([said.original])
    corrected = () if kind is model.CorrectionKind.REMOVED else read_priors([said.corrected])
    return model.Correction(kind, next(iter(original), None), next(iter(corrected), None))
