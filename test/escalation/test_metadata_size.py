# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the node itself says of a frame never is more than a service takes."""

from __future__ import annotations

from typing import Any

import pytest

from spark_ros.escalation.question.asking import MAX_TEXT, Asking, metadata_of
from spark_ros.wire.spark import METADATA_LIMIT, metadata_size


class Seen:
    """A frame whose names are as long and as costly to write as somebody likes."""

    stamp_ns = 1

    def __init__(self, text: str) -> None:
        self.camera = self.frame_id = self._text = text

    def metadata(self) -> dict[str, str]:
        return dict.fromkeys(('pose', 'pose_frame_id', 'pose_stamp'), self._text)


@pytest.mark.parametrize('letter', ['a', 'ü', '\U0001f600', '\x01', '"'])
def test_long_names_are_cut(letter: str) -> None:
    seen: Any = Seen(letter * 100_000)
    metadata = metadata_of(seen, Asking(metadata={'robot_id': letter * 200}))
    assert metadata['frame_id'] == letter * MAX_TEXT
    # Three eighths of it are kept free for the node beside what a goal may say.
    assert metadata_size(metadata) <= METADATA_LIMIT * 3 // 8
