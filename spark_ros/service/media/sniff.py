# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What uploaded bytes really are; a declared content type or file name is not believed.

What an image is, only decoding it tells: see `decode`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO

from spark_ros.service.errors import ApiError


@dataclass(frozen=True)
class Format:
    """A format that is accepted: its content type and the extension of its files.

    Attributes:
        width, height: of an image that was looked at, upright, in pixels.
        thumbnail: of such an image, as a small JPEG, where one can be made.
    """

    content_type: str
    extension: str
    width: int | None = None
    height: int | None = None
    thumbnail: bytes | None = None


FORMATS = {
    'JPEG': Format('image/jpeg', 'jpg'),
    'PNG': Format('image/png', 'png'),
    'GIF': Format('image/gif', 'gif'),
    'BMP': Format('image/bmp', 'bmp'),
    'TIFF': Format('image/tiff', 'tif'),
    'WEBP': Format('image/webp', 'webp'),
}
MP4 = Format('video/mp4', 'mp4')
WAV = Format('audio/wav', 'wav')
MP3 = Format('audio/mpeg', 'mp3')
OGG = Format('audio/ogg', 'ogg')
MP4_BRANDS = (b'isom', b'iso2', b'iso4', b'iso5', b'iso6', b'mp41', b'mp42', b'avc1', b'dash')


def sniff_video(file: IO[bytes], part: str) -> Format:
    """Say whether a file is an MP4, by its `ftyp` box.

    Raises:
        ApiError: 415 when it is not.
    """
    file.seek(0)
    head = file.read(64)
    size = int.from_bytes(head[:4], 'big')
    brands = (head[8:12], *(head[at : at + 4] for at in range(16, min(size, 64), 4)))
    if head[4:8] != b'ftyp' or not any(brand in MP4_BRANDS for brand in brands):
        raise ApiError(415, f'{part} is not an MP4 video')
    return MP4


def sniff_audio(file: IO[bytes], part: str) -> Format:
    """Say whether a file is WAV, MP3 or Ogg audio, by its first bytes.

    Raises:
        ApiError: 415 when it is none of them.
    """
    file.seek(0)
    head = file.read(12)
    if head[:4] == b'RIFF' and head[8:12] == b'WAVE':
        return WAV
    if head[:4] == b'OggS':
        return OGG
    # MP3 begins with a tag, or with a frame: eleven bits set, then layer III.
    if head[:3] == b'ID3' or (
        len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 0x06 == 0x02
    ):
        return MP3
    raise ApiError(415, f'{part} is not WAV, MP3 or Ogg audio')
