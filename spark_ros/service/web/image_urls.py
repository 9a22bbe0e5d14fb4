# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""URLs of own images for callers of the APIs."""

from __future__ import annotations

import math

from spark_ros.service.context import Context

HOUR_S = 3600


def fresh_url(service: Context, path: str, key_hash: str, now: float) -> str:
    """Sign the path of an own image; the same URL for an hour, so that it can be cached.

    Args:
        key_hash: of the key that the URL is for, and ends with.
    """
    until = math.ceil((now + service.settings.url_ttl_s) / HOUR_S) * HOUR_S
    return service.urls.sign(path, key_hash, until)
