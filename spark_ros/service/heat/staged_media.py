# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The files of staged answers: a real PNG, a real WAV, and a real MP4 of two seconds."""

from __future__ import annotations

import io
import math
import struct
import wave
from functools import lru_cache

from PIL import Image

from spark_ros.service.heat.staged_video import mp4
from spark_ros.service.heat.staging import STAGED_FILES

TYPES = {'image': 'image/png', 'video': 'video/mp4', 'audio': 'audio/wav'}
SIZE = (64, 48)
RATE_HZ = 8000
TONE_HZ = 440
SECONDS = 0.5


def staged_file(name: str) -> tuple[bytes, str] | None:
    """Return a staged file by its name in URLs, and its content type; None if there is none."""
    kind = next((kind for kind, named in STAGED_FILES.items() if named == name), None)
    return None if kind is None else (media(kind), TYPES[kind])


@lru_cache
def media(kind: str) -> bytes:
    """Return a small file of a kind: `image`, `video` or `audio`; the same bytes every time."""
    return {'image': _png, 'video': mp4, 'audio': _wav}[kind]()


def _png() -> bytes:
    image = Image.new('RGB', SIZE)
    width, height = SIZE
    image.putdata([
        (255 * x // width, 255 * y // height, 128) for y in range(height) for x in range(width)
    ])
    data = io.BytesIO()
    image.save(data, 'PNG')
    return data.getvalue()


def _wav() -> bytes:
    data = io.BytesIO()
    with wave.open(data, 'wb') as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        for at in range(int(RATE_HZ * SECONDS)):
            level = 8000 * math.sin(2 * math.pi * TONE_HZ * at / RATE_HZ)
            file.writeframesraw(struct.pack('<h', round(level)))
    return data.getvalue()
