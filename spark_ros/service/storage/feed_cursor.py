# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Cursors of the change feed: a position in the log of one store.

A cursor is the epoch of the store for one key, a MAC, and the hidden position of a change: it
cannot be forged, does not reveal how much others ask, and one of another store or key is
recognised.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
from dataclasses import dataclass, field

from spark_ros.service.errors import ApiError
from spark_ros.service.storage.change_order import Position

EPOCH, MAC = 8, 16
PLAIN = struct.Struct('>QQ')
# In letters, of six bits each.
LENGTH = ((EPOCH + MAC + PLAIN.size) * 8 + 5) // 6
SHORTEST = (EPOCH * 8 + 5) // 6
LETTERS = frozenset(b'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_')


@dataclass(frozen=True)
class Cursors:
    """Writes and reads the cursors of one store.

    Attributes:
        epoch: random; another one when the store was made anew.
    """

    epoch: str
    secret: bytes = field(repr=False)

    def write(self, key_id: int, position: Position) -> str:
        """Return a key's cursor for what follows the change at a position."""
        epoch, plain = self._epoch(key_id), PLAIN.pack(*position)
        mac = self._digest(b'mac', epoch + plain)[:MAC]
        return base64.urlsafe_b64encode(epoch + mac + self._hide(mac, plain)).decode().rstrip('=')

    def read(self, key_id: int, cursor: str) -> Position:
        """Return the position in a key's cursor.

        Raises:
            ApiError: 400 it is not a cursor, 410 it is one of another version, store or key.
        """
        letters = cursor.encode('utf-8', 'replace')
        if len(letters) < SHORTEST or not LETTERS.issuperset(letters):
            raise ApiError(400, 'this cursor is not from this service')
        if len(letters) != LENGTH:
            raise gone('it is of another version of the service')
        raw = base64.urlsafe_b64decode(letters + b'==')
        epoch, mac, hidden = raw[:EPOCH], raw[EPOCH : EPOCH + MAC], raw[EPOCH + MAC :]
        if epoch != self._epoch(key_id):
            raise gone('it is of another store or another key')
        plain = self._hide(mac, hidden)
        if not hmac.compare_digest(mac, self._digest(b'mac', epoch + plain)[:MAC]):
            raise ApiError(400, 'this cursor is not from this service')
        return Position(*PLAIN.unpack(plain))

    def _epoch(self, key_id: int) -> bytes:
        return hashlib.sha256(f'{self.epoch}\n{key_id}'.encode()).digest()[:EPOCH]

    def _hide(self, mac: bytes, position: bytes) -> bytes:
        stream = self._digest(b'hide', mac)
        return bytes(a ^ b for a, b in zip(position, stream, strict=False))

    def _digest(self, use: bytes, message: bytes) -> bytes:
        return hmac.new(self.secret, b'cursor %b\n' % use + message, hashlib.sha256).digest()


def gone(why: str) -> ApiError:
    """Return the 410 for a cursor from which the changes are no longer known."""
    return ApiError(
        410,
        f'this cursor is no longer valid: {why}. Ask without one, then poll every open question '
        'once',
    )
