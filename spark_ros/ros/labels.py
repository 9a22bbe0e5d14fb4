# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The labels for the classes of a detector that only numbers them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import vision_msgs.msg

# The message type came with vision_msgs 4.1.0; before, it is None.
LabelInfo: Any = getattr(vision_msgs.msg, 'LabelInfo', None)
MAX_CLASSES = 10_000
MAX_LABEL = 200


@dataclass(frozen=True)
class Labels:
    """Labels and class ids, both ways.

    Attributes:
        names: by class id, its label; none is empty.
    """

    names: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def ids(self) -> Mapping[str, str]:
        """By label, its class id; the first where several classes have one label."""
        return {label: class_id for class_id, label in reversed(list(self.names.items()))}

    def of(self, class_id: str) -> str:
        """Return the label of a class, or the class id if it has none."""
        return self.names.get(class_id, class_id)

    def knows(self, class_id: str) -> bool:
        """Whether this is a class id or a label, or no class has a label at all."""
        return not self.names or class_id in self.names or class_id in self.ids


NO_LABELS = Labels()


def labels_of(names: Mapping[str, str]) -> Labels:
    """Return labels by class id, without the empty ones.

    Raises:
        ValueError: they are too many or too long to go along with each question.
    """
    if len(names) > MAX_CLASSES:
        raise ValueError(f'{len(names)} classes; at most {MAX_CLASSES} are taken')
    longest = max(map(len, names.values()), default=0)
    if longest > MAX_LABEL:
        raise ValueError(f'a label has {longest} characters; at most {MAX_LABEL} are taken')
    return Labels({class_id: label for class_id, label in names.items() if label})


def numbered(labels: Sequence[str]) -> Labels:
    """Return labels whose class ids are their places in a list, from 0; raises ValueError."""
    return labels_of({str(number): label for number, label in enumerate(labels)})
