# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Image URLs that whoever has one can open, until they expire or their key ends."""

from __future__ import annotations

import hashlib
import hmac
import re

from spark_ros.wire.signing import url_signature, url_signature_valid

EXPIRES = re.compile('[1-9][0-9]{0,14}')


class UrlSigner:
    """Signs the paths of images in the name of an API key, and checks them.

    A key that is replaced has another hash, and what was signed with the old one is worth
    nothing.

    Args:
        secret: the service's; with it and a key's hash one can reach all images of the key.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def sign(self, path: str, key_hash: str, expires: float) -> str:
        """Add to a path what makes it valid until a Unix time in seconds."""
        until = int(expires)
        signature = url_signature(self._secret_of(key_hash), path, until)
        return f'{path}?expires={until}&signature={signature}'

    def valid(self, path: str, key_hash: str, expires: str, signature: str, now: float) -> bool:
        """Whether a signed path is unaltered and has not expired.

        Args:
            expires: as it stands in the URL: the very digits that were signed and no others.
        """
        return bool(EXPIRES.fullmatch(expires)) and url_signature_valid(
            self._secret_of(key_hash), path, int(expires), signature, now
        )

    def _secret_of(self, key_hash: str) -> bytes:
        return hmac.new(self._secret, f'url\n{key_hash}'.encode(), hashlib.sha256).digest()
