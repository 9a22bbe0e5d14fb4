# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A small MP4 made without an encoder: H.264 whose macroblocks are given as plain samples.

H.264 (ITU-T H.264, 7.3) has a macroblock type, I_PCM, that carries the 16 x 16 samples as they
are, so a valid picture needs headers only. The boxes around it are ISO/IEC 14496-12 and -15.
"""

from __future__ import annotations

import struct

ACROSS, DOWN = 4, 3  # macroblocks of 16 x 16 pixels
FRAMES = 4
TICKS_PER_S, TICKS = 2, 1  # time scale, and how long each frame stays
BASELINE, LEVEL_1 = 66, 10
I_SLICE, I_PCM = 7, 25
GREY = 128


class _Bits:
    """Writes a raw byte sequence payload bit by bit."""

    def __init__(self) -> None:
        self._bits: list[str] = []

    def fixed(self, value: int, width: int) -> None:
        self._bits.append(format(value, f'0{width}b'))

    def exp_golomb(self, *values: int) -> None:
        """Write ue(v) codes (9.1)."""
        for value in values:
            code = format(value + 1, 'b')
            self._bits.append('0' * (len(code) - 1) + code)

    def align(self) -> None:
        self._bits = [''.join(self._bits)]
        self._bits.append('0' * (-len(self._bits[0]) % 8))

    def finished(self) -> bytes:
        self.fixed(1, 1)
        self.align()
        bits = ''.join(self._bits)
        return int(bits, 2).to_bytes(len(bits) // 8, 'big')


def mp4() -> bytes:
    """Return a video of a few grey frames that grow lighter."""
    samples = [_sample(number) for number in range(FRAMES)]
    head = _box(b'ftyp', b'isom', _u32(0x200), b'isomavc1mp41')
    # The samples' place in the file is known once the length of what precedes them is.
    offset = len(head) + len(_movie(samples, 0)) + 8
    return head + _movie(samples, offset) + _box(b'mdat', *samples)


def _parameters() -> tuple[bytes, bytes]:
    """Return the sequence and the picture parameter set (7.3.2.1, 7.3.2.2)."""
    sequence = _Bits()
    for value in (BASELINE, 0b11000000, LEVEL_1):
        sequence.fixed(value, 8)
    # Id 0, frame numbers of 4 bits, picture order by decoding order, no reference frames.
    sequence.exp_golomb(0, 0, 2, 0)
    sequence.fixed(0, 1)
    sequence.exp_golomb(ACROSS - 1, DOWN - 1)
    # Frames only, direct_8x8_inference, no cropping, no VUI.
    sequence.fixed(0b1100, 4)
    picture = _Bits()
    picture.exp_golomb(0, 0)
    picture.fixed(0, 2)
    picture.exp_golomb(0, 0, 0)
    picture.fixed(0, 3)
    picture.exp_golomb(0, 0, 0)
    # The loop filter is controlled by each slice, which switches it off.
    picture.fixed(0b100, 3)
    return _unit(0x67, sequence), _unit(0x68, picture)


def _sample(number: int) -> bytes:
    """Return one frame as its length and an IDR slice (7.3.3)."""
    bits = _Bits()
    bits.exp_golomb(0, I_SLICE, 0)
    bits.fixed(0, 4)
    # Neighbouring IDR pictures differ in their id. Then: no long term reference, QP delta 0,
    # loop filter off.
    bits.exp_golomb(number % 2)
    bits.fixed(0, 2)
    bits.exp_golomb(0, 1)
    for macroblock in range(ACROSS * DOWN):
        bits.exp_golomb(I_PCM)
        bits.align()
        luma = 40 + 40 * number + 4 * macroblock
        for value, count in ((luma, 256), (GREY, 128)):
            bits.fixed(int.from_bytes(bytes([value]) * count, 'big'), 8 * count)
    unit = _unit(0x65, bits)
    return _u32(len(unit)) + unit


def _unit(header: int, bits: _Bits) -> bytes:
    """Return a NAL unit; 0, 0 and a byte up to 3 would look like a start code (7.4.1)."""
    out, zeros = bytearray([header]), 0
    for byte in bits.finished():
        if zeros >= 2 and byte <= 3:
            out.append(3)
            zeros = 0
        zeros = zeros + 1 if byte == 0 else 0
        out.append(byte)
    return bytes(out)


def _movie(samples: list[bytes], offset: int) -> bytes:
    duration, width, height = FRAMES * TICKS, ACROSS * 16, DOWN * 16
    sequence, picture = _parameters()
    configuration = _box(
        b'avcC',
        bytes([1]), sequence[1:4], b'\xff\xe1', struct.pack('>H', len(sequence)), sequence,
        bytes([1]), struct.pack('>H', len(picture)), picture,
    )  # fmt: skip
    entry = _box(
        b'avc1',
        bytes(6), struct.pack('>H', 1), bytes(16), struct.pack('>HH', width, height),
        _u32(72 << 16, 72 << 16, 0), struct.pack('>H', 1), bytes(32),
        struct.pack('>Hh', 24, -1), configuration,
    )  # fmt: skip
    table = _box(
        b'stbl',
        _full(b'stsd', _u32(1), entry),
        _full(b'stts', _u32(1, len(samples), TICKS)),
        _full(b'stsc', _u32(1, 1, len(samples), 1)),
        _full(b'stsz', _u32(0, len(samples)), _u32(*map(len, samples))),
        _full(b'stco', _u32(1, offset)),
    )
    information = _box(
        b'minf',
        _full(b'vmhd', bytes(8), flags=1),
        _box(b'dinf', _full(b'dref', _u32(1), _full(b'url ', flags=1))),
        table,
    )
    media = _box(
        b'mdia',
        _full(b'mdhd', _u32(0, 0, TICKS_PER_S, duration), struct.pack('>HH', 0x55C4, 0)),
        _full(b'hdlr', _u32(0), b'vide', bytes(12), b'video\0'),
        information,
    )
    matrix = _u32(1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    track = _box(
        b'trak',
        _full(
            b'tkhd', _u32(0, 0, 1, 0, duration), bytes(16), matrix,
            _u32(width << 16, height << 16), flags=3,
        ),
        media,
    )  # fmt: skip
    header = _full(
        b'mvhd', _u32(0, 0, TICKS_PER_S, duration, 1 << 16), struct.pack('>H', 0x100), bytes(10),
        matrix, bytes(24), _u32(2),
    )  # fmt: skip
    return _box(b'moov', header, track)


def _box(name: bytes, *parts: bytes) -> bytes:
    content = b''.join(parts)
    return _u32(len(content) + 8) + name + content


def _full(name: bytes, *parts: bytes, flags: int = 0) -> bytes:
    """Return a box with a version, which is 0, and flags."""
    return _box(name, _u32(flags), *parts)


def _u32(*values: int) -> bytes:
    return struct.pack(f'>{len(values)}I', *values)
