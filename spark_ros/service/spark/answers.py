# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""SparkAI's answer, derived from an operator's final list of shapes and the priors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spark_ros.model import Annotation, same_shape
from spark_ros.wire.annotations import annotation_json, parse_annotation
from spark_ros.wire.values import WireError, expect_list, expect_object

MAX_SHAPES = 10_000


@dataclass(frozen=True)
class Prior:
    """A prior of one question.

    Attributes:
        index: its place in the request's list.
        raw: exactly as it was sent.
    """

    index: int
    raw: Mapping[str, Any]

    @property
    def annotation(self) -> Annotation:
        """The prior as a value, its vertices canonical."""
        return parse_annotation(self.raw, f'prior {self.index}')


def priors_of(raw: Sequence[Mapping[str, Any]], position: int) -> list[Prior]:
    """Return the priors on one image of a request.

    One without `image_idx` is a prior of every image.

    Args:
        raw: all priors of the request, as they were sent.
        position: index of the image in the request.
    """
    return [
        Prior(index, annotation)
        for index, annotation in enumerate(raw)
        if annotation.get('image_idx') in (None, position)
    ]


def derive(shapes: Any, priors: Sequence[Prior], image_index: int | None) -> dict[str, Any]:
    """Turn the shapes that are on the image in the end into SparkAI's answer.

    A shape equal to its prior confirms it, another one corrects it, one without a prior is new,
    and a prior that no shape refers to is removed.

    Args:
        shapes: the submitted JSON: `[{"prior": index or null, "label", "type", "vertices"}]`.
        image_index: put on new shapes; None where the request has one image.

    Returns:
        `annotations`, `confirmed_annotations` and `removed_annotations`, ready to be sent.

    Raises:
        WireError: a shape is not valid, or names a prior that is not there or was named before.
    """
    given = expect_list(shapes, 'shapes')
    if len(given) > MAX_SHAPES:
        raise WireError(f'shapes has more than {MAX_SHAPES} entries')
    left = {prior.index: prior for prior in priors}
    changed: list[dict[str, Any]] = []
    confirmed: list[Mapping[str, Any]] = []
    for at, item in enumerate(given):
        shape = expect_object(item, f'shapes[{at}]')
        drawn = parse_annotation(
            {name: shape[name] for name in ('label', 'type', 'vertices') if name in shape},
            f'shapes[{at}]',
        )
        prior = _pop_prior(left, shape.get('prior'), f'shapes[{at}].prior')
        if prior is None:
            added = annotation_json(drawn, as_strings=False)
            changed.append(added if image_index is None else {**added, 'image_idx': image_index})
        elif same_shape(prior.annotation, drawn):
            confirmed.append(prior.raw)
        else:
            kept = {
                name: prior.raw[name]
                for name in ('metadata', 'image_idx')
                if prior.raw.get(name) is not None
            }
            changed.append({
                'original_annotation': prior.raw,
                **annotation_json(drawn, as_strings=False),
                **kept,
            })
    return {
        'annotations': changed,
        'confirmed_annotations': confirmed,
        'removed_annotations': [prior.raw for prior in left.values()],
    }


def _pop_prior(left: dict[int, Prior], index: Any, name: str) -> Prior | None:
    if index is None:
        return None
    if isinstance(index, bool) or not isinstance(index, int):
        raise WireError(f'{name} must be a whole number or null')
    if index not in left:
        raise WireError(f'{name} is {index}: not a prior of this image, or used twice')
    return left.pop(index)
