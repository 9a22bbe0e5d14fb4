# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What can be set on a service; every limit has a default that suits a laptop and a fleet."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from spark_ros.service.notify.settings import Notifications
from spark_ros.wire.spark import METADATA_LIMIT

MEBIBYTE = 1024 * 1024
DAY_S = 86_400.0
# Mail, names, files and shells; databases, caches and queues; what runs containers.
REFUSED_PORTS = (
    *(20, 21, 22, 23, 25, 53, 69, 110, 111, 135, 137, 138, 139, 143, 389, 445, 465, 512, 513, 514),
    *(587, 631, 636, 873, 990, 993, 995, 2049, 3389, 5900, 5985, 5986),
    *(1433, 1521, 2181, 3306, 4369, 5432, 5672, 6379, 6432, 9042, 9092, 9200, 9300),
    *(11211, 26379, 27017, 27018, 27019, 28017),
    *(2375, 2376, 2379, 2380, 4243, 6443, 10250, 10255, 10256),
)


def default_data_directory() -> Path:
    """Return the default data directory: `SPARK_SERVICE_DATA`, else by the XDG specification."""
    if named := os.environ.get('SPARK_SERVICE_DATA'):
        return Path(named)
    home = os.environ.get('XDG_DATA_HOME') or Path.home() / '.local' / 'share'
    return Path(home) / 'spark-service'


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, as an address or as `localhost`."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == 'localhost'


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
        keep_s: how long after its end a question is kept, with its images; None: for good.
        open_limit: open questions per API key; more are answered 429.
        session_s: how long an operator stays logged in.
        min_free: bytes that uploads leave free on the disk, so that answers can still be stored.
        operator: empty, `scripted` or `scripted:<truth file>`.
        operator_delay_s: how long the scripted operator waits before each answer.
        webhook_schedule_s: when a webhook is attempted, in seconds after the change.
        webhook_timeout_s: how long one attempt may take in all.
        allow_nets: networks (CIDR) that webhooks may reach although they are not public.
        fetch_nets: networks that pictures are fetched from although they are not public.
        fetch_pauses_s: how long to wait before each further attempt to fetch a picture.
        fetch_timeout_s: how long one attempt may take in all.
        fetch_fresh_s: for how long a picture that was fetched does for further questions.
        fetch_quota: bytes that are fetched for one key in a day.
        refused_ports: ports that neither webhooks nor fetches may reach.
        notifications: who is notified when questions wait and nobody is there.
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
    keep_s: float | None = None
    open_limit: int = 20_000
    session_s: float = 7 * DAY_S
    min_free: int = 64 * MEBIBYTE
    operator: str = ''
    operator_delay_s: float = 0.0
    webhook_schedule_s: tuple[float, ...] = (0.0, 30.0, 60.0, 90.0, 120.0)
    webhook_timeout_s: float = 10.0
    allow_nets: tuple[str, ...] = ()
    fetch_nets: tuple[str, ...] = ()
    fetch_pauses_s: tuple[float, ...] = (5.0, 30.0, 120.0)
    fetch_timeout_s: float = 60.0
    fetch_fresh_s: float = 60.0
    fetch_quota: int = 2048 * MEBIBYTE
    refused_ports: tuple[int, ...] = REFUSED_PORTS
    notifications: Notifications = field(default_factory=Notifications)

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in use."""
        return self.database_url or f'sqlite:///{self.data / "service.db"}'
