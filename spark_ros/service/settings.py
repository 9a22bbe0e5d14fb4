# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What can be set on a service; every limit has a default that suits a laptop and a fleet."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from spark_ros.wire.spark import METADATA_LIMIT

MEBIBYTE = 1024 * 1024
DAY_S = 86_400.0


def default_data_directory() -> Path:
    """Return where the service keeps its data when nobody says: `SPARK_SERVICE_DATA` or XDG."""
    if named := os.environ.get('SPARK_SERVICE_DATA'):
        return Path(named)
    home = os.environ.get('XDG_DATA_HOME') or Path.home() / '.local' / 'share'
    return Path(home) / 'spark-service'


@dataclass(frozen=True)
class Settings:
    """How one service runs.

    Attributes:
        data: the directory with the database and the images; made with mode 0700.
        database_url: any SQLAlchemy URL; empty means SQLite in `data`.
        images: `s3://bucket/prefix`; empty means `images` in `data`.
        public_url: what clients reach the service by; empty means the address of each request.
        lease_s: how long an operator keeps a question without a heartbeat.
        image_limit, video_limit, json_limit: largest request bodies in bytes.
        metadata_limit: largest `metadata` of a question or of one of its priors, in bytes of JSON.
        max_pixels: largest JPEG that is decoded, width times height; other images are smaller.
        decode_s: how long the decoding of one image may take.
        url_ttl_s: how long a signed image URL is valid.
        idempotency_s: how long an Idempotency-Key is remembered.
        open_limit: open questions per API key; more are answered 429.
        session_s: how long an operator stays logged in.
        min_free: bytes that uploads leave free on the disk, so that answers can still be stored.
        operator: empty, `scripted` or `scripted:<truth file>`.
        operator_delay_s: how long the scripted operator looks at each question.
        webhook_schedule_s: when a webhook is attempted, in seconds after the change it tells of.
        webhook_timeout_s: how long one attempt may take in all.
        allow_nets: networks (CIDR) that webhooks may reach although they are not public.
        refused_ports: ports that webhooks may not reach.
    """

    data: Path
    database_url: str = ''
    images: str = ''
    public_url: str = ''
    lease_s: float = 30.0
    image_limit: int = 25 * MEBIBYTE
    video_limit: int = 200 * MEBIBYTE
    json_limit: int = 2 * MEBIBYTE
    metadata_limit: int = METADATA_LIMIT
    max_pixels: int = 80_000_000
    decode_s: float = 10.0
    url_ttl_s: float = 7 * DAY_S
    idempotency_s: float = 7 * DAY_S
    open_limit: int = 20_000
    session_s: float = 7 * DAY_S
    min_free: int = 64 * MEBIBYTE
    operator: str = ''
    operator_delay_s: float = 0.0
    webhook_schedule_s: tuple[float, ...] = (0.0, 30.0, 60.0, 90.0, 120.0)
    webhook_timeout_s: float = 10.0
    allow_nets: tuple[str, ...] = ()
    refused_ports: tuple[int, ...] = (22, 23, 25, 110, 143, 465, 587, 993, 995, 6379, 11211)

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in use."""
        return self.database_url or f'sqlite:///{self.data / "service.db"}'
