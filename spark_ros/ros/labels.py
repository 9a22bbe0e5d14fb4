# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What people call the classes of a detector that only numbers them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from spark_ros.ros.declaring import ParameterError

MAX_CLASSES = 10_000
MAX_LABEL = 200


@dataclass(frozen=True)
class Labels:
    """Labels and class ids, both ways.

    Attributes:
        names: by class id, its label.
        ids: by label, its class id; the first where several classes have one label.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)

    def of(self, class_id: str) -> str:
        """Return what people call a class; one that is not known stands for itself."""
        return self.names.get(class_id, class_id)

    def knows(self, class_id: str) -> bool:
        """Whether this is a class id or a label, or no class has a label at all."""
        return not self.names or class_id in self.names or class_id in self.ids


NO_LABELS = Labels()


def labels_of(names: Mapping[str, str]) -> Labels:
    """Return labels by class id, both ways; empty labels name nothing."""
    named = {class_id: label for class_id, label in names.items() if label}
    ids: dict[str, str] = {}
    for class_id, label in named.items():
        ids.setdefault(label, class_id)
    return Labels(named, ids)


def numbered(labels: Sequence[str]) -> Labels:
    """Return labels whose class ids are their places in a list, from 0."""
    return labels_of({str(number): label for number, label in enumerate(labels)})


def label_info_type(parameter: str) -> type:
    """Return the message type vision_msgs/LabelInfo, which not every installation has.

    Args:
        parameter: that asks for it.

    Raises:
        ParameterError: this one has not.
    """
    try:
        from vision_msgs.msg import LabelInfo
    except ImportError:
        raise ParameterError(
            parameter,
            'the vision_msgs that is installed has no LabelInfo (4.1.0 and later have it); '
            'give class_labels instead',
        ) from None
    kind: type = LabelInfo
    return kind


def announced(message: Any) -> Labels:
    """Return the labels of a vision_msgs/LabelInfo.

    Raises:
        ValueError: they are too many or too long to go along with each question.
    """
    classes = message.class_map
    if len(classes) > MAX_CLASSES:
        raise ValueError(f'{len(classes)} classes; at most {MAX_CLASSES} are taken')
    longest = max((len(one.class_name) for one in classes), default=0)
    if longest > MAX_LABEL:
        raise ValueError(f'a label has {longest} characters; at most {MAX_LABEL} are taken')
    return labels_of({str(one.class_id): one.class_name for one in classes})
