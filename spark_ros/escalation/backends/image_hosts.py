# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Where frames are put for services that take only URLs."""

from __future__ import annotations

from typing import Protocol

from spark_ros.clients.spark import SparkClient
from spark_ros.escalation.question.escalation import EncodedImage, Escalation


def camera_tag(escalation: Escalation) -> str:
    """Return the camera's name for an image's tag, where it may leave; else nothing."""
    return escalation.metadata.get('camera', '')


class ImageHost(Protocol):
    """Gives an image a URL that people's browsers can reach for as long as it is asked about."""

    async def put(self, id: str, image: EncodedImage, camera: str) -> str:
        """Host an image and return its URL. Raises `spark_ros.clients` errors."""

    async def aclose(self) -> None:
        """Stop hosting, or close connections."""


class ServiceImageHost:
    """The image endpoint of a SparkAI service (`POST /v1/image`), ours for instance."""

    def __init__(self, client: SparkClient) -> None:
        """Use a client whose retries are off: the send queue retries."""
        self._client = client

    async def put(self, id: str, image: EncodedImage, camera: str) -> str:
        """Upload; the signed URL is what people can see."""
        uploaded = await self._client.upload_image(
            image.data,
            filename=f'{id}.{"jpg" if image.format == "jpeg" else image.format}',
            tag=camera or None,
            idempotency_key=f'{id}-image',
        )
        return uploaded.signed_url or uploaded.url

    async def aclose(self) -> None:
        """Close the client."""
        await self._client.aclose()
