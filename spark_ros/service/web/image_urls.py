# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""URLs of images as a browser can load them."""

from __future__ import annotations

import math

from spark_ros.service.context import Context
from spark_ros.service.media import images

HOUR_S = 3600


def usable_url(service: Context, location: str, tenant: str, now: float) -> str:
    """Return a URL that a browser can load: our own images freshly signed, others as they are."""
    own = images.own_path(location, tenant)
    return location if own is None else fresh_url(service, own, now)


def fresh_url(service: Context, path: str, now: float) -> str:
    """Sign the path of an own image; the same URL for an hour, so that browsers can cache it."""
    until = math.ceil((now + service.settings.url_ttl_s) / HOUR_S) * HOUR_S
    return service.urls.sign(path, until)
