# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Answers as a dataset to train on: COCO's JSON, and YOLO's text files. Pure.

What a person confirmed, changed or added is there; what was removed is not, and stands with its
picture as `removed`, where a reader of COCO does not look.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from spark_ros.cli.spark_records import Record, Shape
from spark_ros.geometry import ImageSize

REMOVED = 'removed'
NAMELESS = 'object'
"""What a box without a label is called."""


@dataclass(frozen=True)
class DatasetImage:
    """An answer and its picture.

    Attributes:
        file: its file's name within `images/`.
        size: upright, as it stands in the file.
    """

    record: Record
    file: str
    size: ImageSize


def label_of(shape: Shape) -> str:
    """Return the label of a shape in the dataset."""
    return shape.label or NAMELESS


def is_exported(shape: Shape) -> bool:
    """Whether a shape belongs into the dataset: it was not removed, and is more than a dot."""
    return shape.change != REMOVED and len(shape.points) > 2


def category_names(records: Iterable[Record], first: Sequence[str] = ()) -> list[str]:
    """Return all labels: those given first, in their order, then the others by name."""
    used = {label_of(shape) for each in records for shape in each.shapes if is_exported(shape)}
    return [*dict.fromkeys(first), *sorted(used - set(first))]


def coco(pictures: Sequence[DatasetImage], names: Sequence[str]) -> dict[str, Any]:
    """Return the dataset as COCO's object detection format has it (cocodataset.org/#format-data).

    Beyond the format: `token`, `metadata` and `removed` of an image, and `correction` of an
    annotation: what was done to it (`confirmed`, `modified`, `added`).

    Args:
        pictures: of SparkAI, whose shapes are fractions.
        names: all labels; their categories are numbered from 1.
    """
    number_of = {name: number for number, name in enumerate(names, 1)}
    annotations: list[dict[str, Any]] = []
    images = []
    for image_id, picture in enumerate(pictures, 1):
        images.append(_image(image_id, picture))
        for shape in filter(is_exported, picture.record.shapes):
            annotations.append(
                {
                    'id': len(annotations) + 1,
                    'image_id': image_id,
                    'category_id': number_of[label_of(shape)],
                    **_outline(shape, picture.size),
                    'iscrowd': 0,
                    'correction': shape.change,
                }
            )
    return {
        'info': {'description': 'answers of people, exported by spark'},
        'images': images,
        'annotations': annotations,
        'categories': [
            {'id': number, 'name': name, 'supercategory': ''}
            for name, number in number_of.items()
        ],
    }


def yolo_lines(record: Record, names: Sequence[str]) -> str:
    """Return a picture's label file: class from 0, then center and size as fractions."""
    lines = []
    for shape in filter(is_exported, record.shapes):
        box = shape.box
        numbers = (
            (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2, box.x1 - box.x0, box.y1 - box.y0,
        )  # fmt: skip
        place = ' '.join(f'{number:.6f}' for number in numbers)
        lines.append(f'{names.index(label_of(shape))} {place}\n')
    return ''.join(lines)


def yolo_data(names: Sequence[str]) -> str:
    """Return data.yaml; JSON's strings are YAML's, whatever stands in a label."""
    listed = ''.join(f'  {number}: {json.dumps(name)}\n' for number, name in enumerate(names))
    return f'train: images\nval: images\nnames:\n{listed}'


def label_file(file: str) -> str:
    """Return the name of the label file of a picture."""
    return str(PurePath(file).with_suffix('.txt'))


def _image(image_id: int, picture: DatasetImage) -> dict[str, Any]:
    plain: Mapping[str, Any] = picture.record.plain
    extra = plain.get('extra')
    return {
        'id': image_id,
        'file_name': picture.file,
        'width': picture.size.width,
        'height': picture.size.height,
        'token': picture.record.token,
        'metadata': extra.get('metadata', {}) if isinstance(extra, Mapping) else {},
        'removed': [
            {'label': label_of(shape), **_outline(shape, picture.size)}
            for shape in picture.record.shapes
            if shape.change == REMOVED and len(shape.points) > 2
        ],
    }


def _outline(shape: Shape, size: ImageSize) -> dict[str, Any]:
    x0, y0 = shape.box.x0 * size.width, shape.box.y0 * size.height
    x1, y1 = shape.box.x1 * size.width, shape.box.y1 * size.height
    points = [(x * size.width, y * size.height) for x, y in shape.points]
    return {
        'bbox': [_px(x0), _px(y0), _px(x1 - x0), _px(y1 - y0)],
        'area': _px(_area(points)),
        'segmentation': [[_px(number) for point in points for number in point]],
    }


def _area(points: Sequence[tuple[float, float]]) -> float:
    """Return what a closed outline encloses (the shoelace formula)."""
    following = [*points[1:], *points[:1]]
    twice = sum(x * v - u * y for (x, y), (u, v) in zip(points, following, strict=True))
    return abs(twice) / 2


def _px(number: float) -> float:
    return round(number, 3)
