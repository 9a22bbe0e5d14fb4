# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A service as the `spark` command needs it, over either API."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Container, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from spark_ros.cli.spark_question import (
    AskArguments,
    ImageArgument,
    heat_request,
    with_boxes_drawn,
)
from spark_ros.cli.spark_records import Record, record_of_engagement, record_of_request
from spark_ros.clients import (
    AuthenticationError,
    HeatClient,
    NotFoundError,
    SparkClient,
    UnsupportedError,
)
from spark_ros.clients.change_feed import ChangeFeedListener, Changes

POLL_S = 2.0
Client = TypeVar('Client', SparkClient, HeatClient)


@dataclass(frozen=True)
class Access:
    """URL and credentials of a service, and the longest time for one call in seconds."""

    url: str
    token: str
    ca_file: str | None = None
    deadline_s: float = 60.0


class Service(ABC, Generic[Client]):
    """One service. Every call raises the errors of `spark_ros.clients.errors`."""

    def __init__(self, client: Client, access: Access) -> None:
        self._client: Client = client
        self._access = access

    @abstractmethod
    async def ask(self, asked: AskArguments) -> str:
        """Host the images, ask, and return the token."""

    @property
    def extensions(self) -> Container[str] | None:
        """What the service adds to its API's page, as its newest answer says."""
        return self._client.extensions

    @abstractmethod
    async def withdraw(self, token: str) -> None:
        """Withdraw a question that was open when it was fetched.

        Raises:
            UnsupportedError: the service has no call for that.
        """

    @abstractmethod
    async def fetch(self, token: str) -> list[Record]:
        """Return a question as it is now, a record for each of its images (Heat: one)."""

    @abstractmethod
    def listed(self, state: str | None = None, start: int = 0) -> AsyncIterator[Record]:
        """Go through all questions of the key, oldest first, `start` of them left out."""

    def change_feed(self, robot_id: str | None = None) -> ChangeFeedListener[Changes]:
        """Return a listener to the change feed; of one robot only, if it is named."""
        return ChangeFeedListener(
            lambda cursor: self._client.changes(cursor=cursor, robot_id=robot_id), POLL_S
        )


@asynccontextmanager
async def open_service(api: str, access: Access) -> AsyncIterator[Service[Any]]:
    """Give the service, and close its connections with the block.

    Raises:
        ValueError: the URL, the token or the CA file cannot be used; nothing was sent.
    """
    if api == 'heat':
        async with _client(HeatClient, access) as heat:
            yield HeatService(heat, access)
    else:
        async with _client(SparkClient, access) as spark:
            yield SparkService(spark, access)


def _client(kind: type[Client], access: Access) -> Client:
    return kind(
        access.url, access.token, verify=access.ca_file or True, deadline_s=access.deadline_s
    )


class SparkService(Service[SparkClient]):
    """Over the SparkAI API."""

    async def ask(self, asked: AskArguments) -> str:
        """Ask with the boxes as priors."""
        return await self._client.create_engagement(
            await _host(self._client, asked.pictures),
            program_name=asked.program or None,
            instructions=asked.instructions or None,
            label_options=asked.labels,
            annotations=asked.priors,
            deadline_s=asked.deadline_s,
            priority=asked.priority,
        )

    async def withdraw(self, token: str) -> None:
        """Withdraw what is not answered yet, where the service announces that it can be."""
        if 'withdraw' not in (self.extensions or ()):
            raise UnsupportedError(404, 'this service has no call to withdraw a question')
        await self._client.withdraw(token)

    async def fetch(self, token: str) -> list[Record]:
        """Ask by token, else by job where the service has only that."""
        try:
            found = await self._client.get_engagement(token)
        except UnsupportedError:
            found = list((await self._client.get_job(token)).engagements)
        return [record_of_engagement(each, self.extensions) for each in found]

    async def counted(self, state: str) -> int | None:
        """Return how many questions are in a state; None where the service does not count."""
        try:
            return await self._client.count_engagements(state=state)
        except (NotFoundError, UnsupportedError):
            return None

    async def listed(self, state: str | None = None, start: int = 0) -> AsyncIterator[Record]:
        """Read the list, page by page."""
        async for found in self._client.iter_engagements(state=state, cursor=start):
            yield record_of_engagement(found, self.extensions)


class HeatService(Service[HeatClient]):
    """Over the Heat API; images go to the same service's image endpoint, with the same key."""

    async def ask(self, asked: AskArguments) -> str:
        """Ask with the boxes drawn on the images: Heat has no priors."""
        locations: list[str] = []
        if asked.pictures:
            async with _client(SparkClient, self._access) as images:
                locations = await _host(images, with_boxes_drawn(asked).pictures)
        request = heat_request(asked, locations)
        made = await self._client.request(
            request, deadline_s=asked.deadline_s, priority=asked.priority
        )
        return made.id

    async def withdraw(self, token: str) -> None:
        """Abort the request."""
        await self._client.abort(token)

    async def fetch(self, token: str) -> list[Record]:
        """Ask by id."""
        found = await self._client.get_request(token)
        return [record_of_request(found, self.extensions)]

    async def listed(self, state: str | None = None, start: int = 0) -> AsyncIterator[Record]:
        """Read the list, which our service has and Heat's page has not."""
        try:
            async for found in self._client.iter_requests(cursor=start):
                if state in (None, found.status):
                    yield record_of_request(found, self.extensions)
        except (NotFoundError, UnsupportedError) as error:
            raise UnsupportedError(
                error.status,
                'this service has no list of requests (the Heat API has none); name a TOKEN',
            ) from None


async def _host(client: SparkClient, pictures: Sequence[ImageArgument]) -> list[str]:
    """Upload what are files; return all URLs."""
    locations = []
    for picture in pictures:
        if picture.content is None:
            locations.append(picture.name)
            continue
        try:
            uploaded = await client.upload_image(
                picture.content, filename=Path(picture.name).name
            )
        except (NotFoundError, UnsupportedError) as error:
            raise UnsupportedError(
                error.status,
                'this service takes no images; give the URL of the image instead of a file',
            ) from None
        locations.append(uploaded.location)
    return locations


def with_hint(error: AuthenticationError, api: str) -> str:
    """Return the error with a hint: the key may belong to the other API."""
    other = 'heat' if api == 'spark' else 'spark'
    return f'{error} (asked over the {api} API; a key of the other one needs --api {other})'
