# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Images and videos in a bucket of a store that speaks Amazon's S3 protocol.

boto3 does the protocol. Where the store is and who asks come from where every program of Amazon's
looks for them: `AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and
so on. No credential is ever an argument, part of a URL, or in the log.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, cast
from urllib.parse import urlsplit

from spark_ros.service.errors import IMAGES_AWAY, ApiError
from spark_ros.service.media.image_files import MEBIBYTE, ImagesUnusable, relative_path
from spark_ros.service.media.images import StoredImage, new_name
from spark_ros.service.media.sniff import Format
from spark_ros.service.settings import is_loopback

log = logging.getLogger('spark_ros.service')

URL = re.compile(r's3://([A-Za-z0-9][A-Za-z0-9._-]{1,254})((?:/[A-Za-z0-9._=-]+)*)/?')
CHECK = 'spark-service.check'
CHECK_BODY = b'written by spark-service to find out whether it can\n'
CONNECT_S, READ_S, ATTEMPTS = 5, 10, 2
CONNECTIONS = 16
PART = 16 * MEBIBYTE
WARN_EVERY_S = 60.0


@dataclass(frozen=True)
class Bucket:
    """A bucket, and what the keys of our objects in it start with: '' or 'a/b/'."""

    name: str
    prefix: str

    def __str__(self) -> str:
        return f's3://{self.name}/{self.prefix}'.rstrip('/')

    def key(self, tenant: str, name: str) -> str:
        """Return the key of a file."""
        return f'{self.prefix}{relative_path(tenant, name)}'


def parse_bucket(url: str) -> Bucket:
    """Read `s3://bucket` or `s3://bucket/prefix`.

    Raises:
        ValueError: it is neither. It is not repeated, for it may hold what should not be there.
    """
    found = URL.fullmatch(url)
    if found is None or {'.', '..'} & set(found[2].split('/')):
        raise ValueError(
            'images are kept in s3://BUCKET or s3://BUCKET/PREFIX; the store and the credentials '
            'are set by AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'
        )
    prefix = found[2].strip('/')
    return Bucket(found[1], f'{prefix}/' if prefix else '')


class BucketImages:
    """Objects in a bucket, one prefix per tenant."""

    chunk = 4 * MEBIBYTE

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._made: Any = None
        self._making = threading.Lock()
        self._warned: float | None = None

    def prepare(self) -> None:
        """Write an object and read it again.

        Raises:
            ImagesUnusable: that failed, or boto3 is not installed.
        """
        client, place = self._client(), {'Bucket': self._bucket.name}
        from botocore.exceptions import BotoCoreError, ClientError

        key = self._check_key
        _warn_of_plain_http(client.meta.endpoint_url)
        try:
            client.put_object(**place, Key=key, Body=CHECK_BODY)
            found = client.get_object(**place, Key=key)['Body'].read()
        except (BotoCoreError, ClientError) as error:
            raise ImagesUnusable(f'{self._bucket}: {self._reason(error)}') from None
        if found != CHECK_BODY:
            raise ImagesUnusable(f'{self._bucket}: {CHECK} does not read as it was written')

    def check(self) -> None:
        """Write the object that `prepare` writes.

        Raises:
            ApiError: 503 when the store refuses or cannot be reached.
        """
        with self._talking() as client:
            client.put_object(Bucket=self._bucket.name, Key=self._check_key, Body=CHECK_BODY)

    def save(self, file: IO[bytes], tenant: str, kind: Format) -> StoredImage:
        """Upload a file; it is in the bucket as a whole or not at all.

        Raises:
            ApiError: 503 when the store refuses or cannot be reached.
        """
        size, sha256 = _digest(file)
        identity, name = new_name(kind)
        file.seek(0)
        with self._talking() as client:
            from boto3.s3.transfer import TransferConfig

            # In this thread: many uploads at once must not each hold several parts in memory.
            parts = TransferConfig(
                multipart_threshold=PART, multipart_chunksize=PART, use_threads=False
            )
            client.upload_fileobj(
                file,
                self._bucket.name,
                self._bucket.key(tenant, name),
                ExtraArgs={'ContentType': kind.content_type},
                Config=parts,
            )
        return StoredImage(
            identity, tenant, name, kind.content_type, size, sha256, kind.width, kind.height,
            kind.thumbnail,
        )  # fmt: skip

    def discard(self, image: StoredImage) -> None:
        """Remove an object; one that cannot be removed now stays, and nobody can reach it."""
        key = self._bucket.key(image.tenant, image.name)
        try:
            with self._talking() as client:
                client.delete_object(Bucket=self._bucket.name, Key=key)
        except ApiError:
            log.warning('%s: cannot remove the unused object %s', self._bucket, key)

    def open(self, tenant: str, name: str, size: int) -> IO[bytes]:
        """Open an object of `size` bytes; nothing is asked before the first read."""
        return cast(IO[bytes], _Object(self, self._bucket.key(tenant, name), size))

    def read(self, key: str, start: int, stop: int) -> bytes:
        """Return the bytes of an object from `start` up to before `stop`.

        Raises:
            ApiError: 503 when the store refuses or cannot be reached.
            FileNotFoundError: there is no such object.
        """
        with self._talking() as client:
            answer = client.get_object(
                Bucket=self._bucket.name, Key=key, Range=f'bytes={start}-{stop - 1}'
            )
            content: bytes = answer['Body'].read()
        return content

    @property
    def _check_key(self) -> str:
        return f'{self._bucket.prefix}{CHECK}'

    def _client(self) -> Any:
        with self._making:
            if self._made is None:
                self._made = _client(self._bucket)
            return self._made

    @contextmanager
    def _talking(self) -> Iterator[Any]:
        """Give boto3's client; turn its errors into ours, and log once what is wrong."""
        client = self._client()
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield client
        except (BotoCoreError, ClientError) as error:
            if _code(error) in ('NoSuchKey', '404'):
                raise FileNotFoundError(f'{self._bucket}: there is no such object') from None
            self._warn(self._reason(error))
            raise ApiError(503, IMAGES_AWAY) from None
        if self._warned is not None:
            self._warned = None
            log.warning('%s: images can be stored and read again', self._bucket)

    def _warn(self, reason: str) -> None:
        now = time.monotonic()
        if self._warned is None or now - self._warned > WARN_EVERY_S:
            self._warned = now
            log.warning(
                '%s: %s; uploads and images are answered 503', self._bucket, reason
            )

    def _reason(self, error: Exception) -> str:
        from botocore.exceptions import NoCredentialsError, PartialCredentialsError

        code = _code(error)
        if isinstance(error, NoCredentialsError | PartialCredentialsError):
            return (
                'there are no credentials for it; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'
            )
        where = _host(self._client().meta.endpoint_url)
        if code == 'NoSuchBucket':
            return f'{where} has no such bucket'
        if code in ('AccessDenied', 'InvalidAccessKeyId', 'SignatureDoesNotMatch', '403'):
            return f'{where} does not accept these credentials ({code})'
        if code:
            return f'{where} answers {code}'
        # The kind only: the texts of these errors repeat what was asked for.
        return f'{where} cannot be reached ({type(error).__name__})'


class _Object(io.RawIOBase):
    """An object as a file that is read in ranges."""

    def __init__(self, images: BucketImages, key: str, size: int) -> None:
        super().__init__()
        self._images, self._key, self._size, self._at = images, key, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        stop = min(self._at + len(buffer), self._size)
        if stop <= self._at:
            return 0
        content = self._images.read(self._key, self._at, stop)[: stop - self._at]
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)


def _client(bucket: Bucket) -> Any:
    try:
        from boto3.session import Session
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError:
        raise ImagesUnusable(f'{bucket}: this needs boto3; pip install boto3') from None
    elsewhere = os.environ.get('AWS_ENDPOINT_URL_S3') or os.environ.get('AWS_ENDPOINT_URL')
    config = Config(
        connect_timeout=CONNECT_S,
        read_timeout=READ_S,
        retries={'total_max_attempts': ATTEMPTS, 'mode': 'standard'},
        max_pool_connections=CONNECTIONS,
        # Stores other than Amazon's often know neither these checksums nor a host per bucket.
        request_checksum_calculation='when_required',
        response_checksum_validation='when_required',
        s3={'addressing_style': 'path' if elsewhere else 'auto'},
    )
    try:
        return Session().client('s3', config=config)
    except (BotoCoreError, ValueError) as error:
        raise ImagesUnusable(f'{bucket}: the AWS settings are not usable: {error}') from None


def _digest(file: IO[bytes]) -> tuple[int, str]:
    size, sha256 = 0, hashlib.sha256()
    file.seek(0)
    while chunk := file.read(MEBIBYTE):
        sha256.update(chunk)
        size += len(chunk)
    return size, sha256.hexdigest()


def _code(error: Exception) -> str:
    """Return the error code of the store; '' if there is none."""
    answer: dict[str, Any] = getattr(error, 'response', None) or {}
    return str(answer.get('Error', {}).get('Code', ''))


def _host(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    return f'{parts.hostname}:{parts.port}' if parts.port else str(parts.hostname)


def _warn_of_plain_http(endpoint: str) -> None:
    parts = urlsplit(endpoint)
    if parts.scheme == 'http' and not is_loopback(parts.hostname or ''):
        log.warning('images are sent to %s unencrypted; use https', _host(endpoint))
