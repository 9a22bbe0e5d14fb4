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
from spark_ros.demo.scoring import Labelled, combined, score
from spark_ros.demo.story import KINDS, Shot, Story
from spark_ros.msg import Correction
from spark_ros.ros.terms import read_priors
from spark_ros.service.scripted.recognise import Truth


def write_pictures(shots: Sequence[Shot], folder: Path, answerer: Answerer) -> list[Path]:
    """Write one before/after picture for each answered frame; return their paths.

    Beside each goes the node's own picture, as it came over the topic.

    Args:
        shots: the answered frames.
        folder: is made where it does not exist; pictures of an earlier run are removed from it.
        answerer: who answered.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in (*folder.glob('*.png'), *folder.glob('*_annotated.jpg')):
        old.unlink()
    written = []
    for number, shot in enumerate(shots, 1):
        if shot.image is None or shot.resolution is None:
            continue
        corrections = [_correction(said) for said in shot.resolution.corrections]
        picture = before_after(
            shot.image,
            [each.original for each in corrections if each.original is not None],
            corrections,
            answerer,
            title=shot.name,
            note=f'answered in {shot.resolution.response_time:.2f} s: '
            f'{shot.resolution.response or "no words"}',
        )
        name = re.sub(r'[^A-Za-z0-9_-]', '_', Path(shot.name).stem)
        path = folder / f'{number:02d}_{name}.png'
        if cv2.imwrite(str(path), picture):
            written.append(path)
        if shot.annotated:
            (folder / f'{path.stem}_annotated.jpg').write_bytes(shot.annotated)
    return written


def summary(
    story: Story, answerer: Answerer, truth: Truth | None, pictures: Sequence[Path]
) -> str:
    """Say in a few lines how it went.

    Args:
        story: what was seen, asked and answered.
        answerer: who answered.
        truth: the true boxes, where they are known: what was answered is measured against them.
        pictures: the paths of those that were written.
    """
    shots = story.answered
    kinds = Counter(
        KINDS[correction.kind]
        for shot in shots
        if shot.resolution is not None
        for correction in shot.resolution.corrections
    )
    times = [shot.resolution.response_time for shot in shots if shot.resolution is not None]
    lines = [
        '',
        f'frames       {len(story.shots)} seen, {len(story.asked)} asked about, '
        f'{len(shots)} resolved',
        f'answered by  {answerer.summary}',
        f'corrections  {", ".join(f"{n} {kind}" for kind, n in kinds.most_common()) or "none"}',
    ]
    if times:
        lines.append(
            f'answers in   {statistics.median(times):.2f} s (median), {max(times):.2f} s (longest)'
        )
    if truth is not None and shots:
        lines += _scores(shots, truth)
    if pictures:
        lines.append(f'pictures     {len(pictures)} in {pictures[0].parent}/')
    return '\n'.join(lines)


def _scores(shots: Sequence[Shot], truth: Truth) -> list[str]:
    scores = []
    for boxes in ('before', 'after'):
        scored = []
        for shot in shots:
            true = truth.find(shot.image) if shot.image is not None else None
            claimed: list[Labelled] | None = getattr(shot, boxes)
            if true is not None and claimed is not None:
                scored.append(score(claimed, true))
        scores.append(combined(scored))
    before, after = scores
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
