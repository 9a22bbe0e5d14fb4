# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Write the answers of a key as a dataset, and fetch their pictures; done again, it goes on."""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from spark_ros.cli.output import as_json
from spark_ros.cli.spark_dataset import (
    DatasetImage,
    category_names,
    coco,
    is_exported,
    label_file,
    label_of,
    yolo_data,
    yolo_lines,
)
from spark_ros.cli.spark_export_pictures import ImageCache, replace
from spark_ros.cli.spark_records import ANSWERED, Record
from spark_ros.cli.spark_save import at_service, picture_client
from spark_ros.cli.spark_services import Access, SparkService
from spark_ros.clients.errors import ClientError

LABELS, ANNOTATIONS, DATA = 'labels', 'annotations.json', 'data.yaml'


@dataclass
class Outcome:
    """What was exported.

    Attributes:
        fetched: pictures that were not there before.
        lost: answers that are left out and may be there next time.
        left_out: why how many answers are not in the dataset.
    """

    images: int = 0
    annotations: int = 0
    fetched: int = 0
    lost: int = 0
    categories: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        found = ', '.join(f'{count} {label}' for label, count in self.categories.most_common(10))
        lines = [
            f'{self.images} pictures ({self.fetched} of them new), '
            f'{self.annotations} annotations' + (f': {found}' if found else '')
        ]
        lines += [f'left out: {count} {why}' for why, count in self.left_out.items()]
        return '\n'.join(lines)


async def export(
    service: SparkService,
    access: Access,
    wish: argparse.Namespace,
    step: Callable[[int, int | None], None],
    warn: Callable[[str], None],
) -> Outcome:
    """Write the dataset.

    Args:
        service: where the answers are.
        access: to it, for its pictures.
        wish: the arguments of `spark export`.
        step: told how many answers were looked at, of how many.
        warn: told what goes wrong.

    Raises:
        ClientError: the service cannot be reached, or refuses; what was fetched stays.
        OSError: the folder cannot be written to.
    """
    pictures = ImageCache(wish.folder, access)
    total = await service.counted('closed')
    outcome, looked_at = Outcome(), 0
    kept: list[DatasetImage] = []
    seen: set[tuple[str, ...]] = set()
    async with picture_client(access) as web:
        async for record in service.listed('closed'):
            looked_at += 1
            step(looked_at, total)
            # While pages are read, more answers may come before what is left.
            key = (record.token, *record.images)
            if key in seen or (wish.program and record.program != wish.program):
                continue
            seen.add(key)
            if why := _unfit(record, empty=wish.empty):
                outcome.left_out[why] += 1
                continue
            try:
                kept.append(await pictures.get(web, record))
            except ClientError as error:
                # Where the service itself is away, so will be the rest.
                if error.outage and at_service(record.images[0], access):
                    raise
                warn(f'{record.token}: {error}')
                outcome.left_out['whose picture cannot be had'] += 1
                outcome.lost += 1
    outcome.fetched = pictures.fetched
    await asyncio.to_thread(_write, wish, kept, outcome)
    return outcome


def _unfit(record: Record, *, empty: bool) -> str:
    """Return why an answer does not belong into a dataset, or an empty string."""
    if record.state not in ANSWERED:
        return 'that could not be answered'
    if not record.images:
        return 'without a picture'
    if record.plain.get('confirmed') is None:
        return 'of a service that does not say which boxes are right'
    if record.problems:
        return 'that cannot be read in full'
    if not record.shapes and not empty:
        return 'that say nothing of any box (--empty: nothing is there)'
    return ''


def _write(wish: argparse.Namespace, pictures: Sequence[DatasetImage], outcome: Outcome) -> None:
    names = category_names([picture.record for picture in pictures], wish.labels)
    dataset: Mapping[str, Any] = coco(pictures, names)
    if wish.yolo:
        (wish.folder / LABELS).mkdir(exist_ok=True)
        for picture in pictures:
            text = yolo_lines(picture.record, names)
            replace(wish.folder / LABELS / label_file(picture.file), text.encode())
        replace(wish.folder / DATA, yolo_data(names).encode())
    replace(wish.folder / ANNOTATIONS, as_json(dataset, indent=None).encode())
    outcome.images, outcome.annotations = len(pictures), len(dataset['annotations'])
    outcome.categories.update(
        label_of(shape) for each in pictures for shape in each.record.shapes if is_exported(shape)
    )
