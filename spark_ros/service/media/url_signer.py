# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The signed URLs by which uploaded images and videos are reached."""

from __future__ import annotations

from spark_ros.wire.signing import url_signature, url_signature_valid


class UrlSigner:
    """Signs the paths of images and checks them.

    Args:
        secret: the service's; whoever has it can reach every image.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def sign(self, path: str, expires: float) -> str:
        """Add to a path what makes it valid until a Unix time in seconds."""
        until = int(expires)
        return f'{path}?expires={until}&signature={url_signature(self._secret, path, until)}'

    def valid(self, path: str, expires: int, signature: str, now: float) -> bool:
        """Whether a signed path is unaltered and has not expired."""
        return url_signature_valid(self._secret, path, expires, signature, now)
