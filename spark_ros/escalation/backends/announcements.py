# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a backend knows of its service from the answers that its client got."""

from __future__ import annotations

from collections.abc import Container

from spark_ros.clients.base import ApiClient


class Announcements:
    """The part of a backend that is the same for both APIs: what the service announces."""

    _client: ApiClient

    @property
    def extensions(self) -> Container[str] | None:
        """What the service adds to its API's page; None before its first answer."""
        return self._client.extensions

    @property
    def operators(self) -> int | None:
        """How many people are there to answer; None where the service does not say."""
        return self._client.operators
