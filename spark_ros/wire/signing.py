# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Signatures both ends agree on: HMAC-SHA256 over webhooks and over image URLs."""

from __future__ import annotations

import base64
import hashlib
import hmac


def webhook_signature(secret: str, body: bytes, time_ms: int) -> str:
    """Return the value of the `Spark-Signature` header for a pushed body.

    The form is the vendor client's `validate_webhook_secret`: `t=<ms>,v1=<hex>` over
    `<ms>.<body>`.
    """
    digest = hmac.new(secret.encode(), b'%d.' % time_ms + body, hashlib.sha256).hexdigest()
    return f't={time_ms},v1={digest}'


def standard_webhook_signature(secret: str, id: str, body: bytes, time_s: int) -> str:
    """Return the `webhook-signature` of a pushed body, as Standard Webhooks 1.0 has it.

    The form is `v1,<base64>` over `<id>.<s>.<body>`. The libraries there take the secret as
    `whsec_` and its base64.
    """
    message = f'{id}.{time_s}.'.encode() + body
    digest = hmac.new(secret.encode(), message, hashlib.sha256).digest()
    return f'v1,{base64.b64encode(digest).decode()}'


def url_signature(secret: bytes, path: str, expires: int) -> str:
    """Return the hex signature of an image path that is valid until a Unix time in seconds."""
    return hmac.new(secret, f'{path}\n{expires}'.encode(), hashlib.sha256).hexdigest()


def url_signature_valid(
    secret: bytes, path: str, expires: int, signature: str, now: float
) -> bool:
    """Whether a signed path is unaltered and not yet expired, compared in constant time."""
    expected = url_signature(secret, path, expires)
    return hmac.compare_digest(expected.encode(), signature.encode()) and now < expires
