# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Make the backend that the parameters name."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from tempfile import mkdtemp

from spark_ros.clients.credentials import CredentialError, find_token, read_secret_file
from spark_ros.clients.heat import HeatClient
from spark_ros.clients.retry import RetryPolicy
from spark_ros.clients.spark import SparkClient
from spark_ros.clients.transport import is_header_text
from spark_ros.escalation.answers.webhook_receiver import WebhookSettings
from spark_ros.escalation.backends.backend import Backend
from spark_ros.escalation.backends.frame_server import FrameServer
from spark_ros.escalation.backends.heat_backend import HeatBackend
from spark_ros.escalation.backends.image_hosts import ImageHost, ServiceImageHost
from spark_ros.escalation.backends.spark_backend import SparkBackend
from spark_ros.escalation.journal.async_journal import open_journal
from spark_ros.escalation.runtime import Connection
from spark_ros.ros.config import NodeConfig
from spark_ros.ros.declaring import ParameterError

CALL_S = 60.0
TOKEN_VARIABLE = 'SPARK_TOKEN'
IMAGE_TOKEN_VARIABLE = 'SPARK_IMAGE_TOKEN'
logger = logging.getLogger(__name__)


def make_backend(config: NodeConfig) -> Backend:
    """Read the secrets and make the backend.

    Raises:
        ParameterError: there is no token, or a port is taken.
    """
    token = _token('server.token_file', config.server_token_file, TOKEN_VARIABLE)
    webhook_url = config.webhook.public_url if config.webhook.port else ''
    if config.server_kind == 'spark':
        client = _spark_client(config, config.server_url, token)
        return SparkBackend(client, _robot_id(config), webhook_url)
    heat = HeatClient(
        config.server_url,
        token,
        deadline_s=CALL_S,
        retry=RetryPolicy.none(),
        verify=config.server_ca_file or True,
        robot_id=_robot_id(config),
    )
    return HeatBackend(
        heat,
        _image_host(config, token),
        config.detection_as,
        _robot_id(config),
        webhook_url,
    )


def connect(config: NodeConfig) -> Connection:
    """Make what asking people takes: the backend and the journal.

    Raises:
        ParameterError: there is no token, or a port is taken.
        JournalError: the journal cannot be used.
    """
    webhooks = webhook_settings(config)
    journal = open_journal(
        config.journal_path, config.settings.journal_max_bytes, config.journal_max_count
    )
    try:
        backend = make_backend(config)
    except BaseException:
        journal.close()
        raise
    elsewhere = config.server_kind == 'heat' and config.image_host.url != config.server_url
    return Connection(backend, journal, webhooks, elsewhere)


def webhook_settings(config: NodeConfig) -> WebhookSettings | None:
    """Read the webhook secret.

    Raises:
        ParameterError: its file cannot be used.
    """
    webhook = config.webhook
    if not webhook.port:
        return None
    try:
        secret = read_secret_file(webhook.secret_file) if webhook.secret_file else ''
    except CredentialError as error:
        raise ParameterError('webhook.secret_file', str(error)) from None
    return WebhookSettings(webhook.host, webhook.port, secret)


def _image_host(config: NodeConfig, token: str) -> ImageHost:
    host = config.image_host
    if host.kind == 'node':
        folder = (
            config.journal_path.with_suffix('.frames')
            if config.journal_path
            else Path(mkdtemp(prefix='spark_frames_'))
        )
        try:
            return FrameServer(folder, host.url, host.host, host.port)
        except OSError as error:
            raise ParameterError('image_host.port', f'{host.host}:{host.port}: {error}') from None
    if host.token_file or os.environ.get(IMAGE_TOKEN_VARIABLE):
        token = _token('image_host.token_file', host.token_file, IMAGE_TOKEN_VARIABLE)
    return ServiceImageHost(_spark_client(config, host.url, token))


def _spark_client(config: NodeConfig, url: str, token: str) -> SparkClient:
    return SparkClient(
        url,
        token,
        deadline_s=CALL_S,
        retry=RetryPolicy.none(),
        verify=config.server_ca_file or True,
        robot_id=_robot_id(config),
    )


def _robot_id(config: NodeConfig) -> str:
    """Return the robot's name for headers and the feed, where it may leave; else nothing."""
    return config.robot_id if 'robot_id' in config.metadata_send else ''


def _token(parameter: str, file: str, variable: str) -> str:
    try:
        token = find_token(file, variable)
    except CredentialError as error:
        raise ParameterError(parameter, str(error)) from None
    if not is_header_text(token):
        raise ParameterError(parameter, 'the token holds a character that no header can carry')
    return token
