# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Text in the letters that OpenCV's fonts have: ASCII."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 600
SHORT_TEXT = 4
LOOKALIKES = {
    0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"', 0xAB: '"', 0xBB: '"', 0x2013: '-',
    0x2014: '-', 0x2212: '-', 0x2022: '-', 0xB7: '-', 0x2192: '->', 0xD7: 'x', 0xB0: ' deg',
    0x20AC: 'EUR', 0xDF: 'ss', 0xC6: 'AE', 0xE6: 'ae', 0xD8: 'O', 0xF8: 'o', 0x152: 'OE',
    0x153: 'oe', 0x141: 'L', 0x142: 'l', 0x110: 'D', 0x111: 'd',
}  # fmt: skip
OTHER_LETTERS = re.compile(r'[^\x20-\x7e]+([ ,.;:!?-]+[^\x20-\x7e]+)*')


def plain(text: str) -> str:
    """Return one line of printable ASCII.

    Accents are dropped and look-alikes put in. Other letters cannot be drawn: up to four are
    named by their code points, so that two such labels differ, more are counted.
    """
    if text.isascii() and text.isprintable():
        return text[:LONGEST]
    return OTHER_LETTERS.sub(_named, _nearest(text))


def is_plain(text: str) -> bool:
    """Whether `plain` leaves no letter of a text out."""
    return OTHER_LETTERS.search(_nearest(text)) is None


def _nearest(text: str) -> str:
    known = text[:LONGEST].translate(LOOKALIKES)
    known = ''.join(' ' if char.isspace() else char for char in known)
    apart = unicodedata.normalize('NFKD', known)
    letters = (c for c in apart if unicodedata.category(c) not in ('Mn', 'Cc', 'Cf', 'Cs', 'Co'))
    return unicodedata.normalize('NFC', ''.join(letters))


def _named(run: re.Match[str]) -> str:
    letters = [letter for letter in run[0] if letter > '~']
    if len(letters) <= SHORT_TEXT:
        return '[' + ' '.join(f'U+{ord(letter):04X}' for letter in letters) + ']'
    return f'[{len(letters)} letters]'
