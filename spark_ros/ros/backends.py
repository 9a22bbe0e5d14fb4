# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Make the backend that the parameters name, and open the journal."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

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


def connect(config: NodeConfig) -> Connection:
    """Make what asking people takes: the backend and the journal.

    Raises:
        ParameterError: there is no token, a port is taken, or a file of a secret cannot be used.
        JournalError: the journal cannot be used.
    """
    webhooks = _webhooks(config)
    journal = open_journal(
        config.journal_path, config.settings.journal_max_bytes, config.journal_max_count
    )
    try:
        backend = _backend(config)
    except BaseException:
        journal.close()
        raise
    elsewhere = config.server_kind == 'heat' and config.image_url != config.server_url
    return Connection(backend, journal, webhooks, elsewhere)


def _webhooks(config: NodeConfig) -> WebhookSettings | None:
    if not config.webhook_port:
        return None
    file = config.webhook_secret_file
    try:
        secret = read_secret_file(file) if file else ''
    except CredentialError as error:
        raise ParameterError('webhook.secret_file', str(error)) from None
    return WebhookSettings(config.webhook_host, config.webhook_port, secret)


def _backend(config: NodeConfig) -> Backend:
    token = _token('server.token_file', config.server_token_file, TOKEN_VARIABLE)
    # The robot's name goes into headers and the feed only where it may leave.
    robot_id = config.robot_id if 'robot_id' in config.metadata_send else ''
    options: dict[str, Any] = {
        'deadline_s': CALL_S,
        'retry': RetryPolicy.none(),
        'verify': config.server_ca_file or True,
        'robot_id': robot_id,
    }
    webhook_url = config.webhook_public_url if config.webhook_port else ''
    if config.server_kind == 'spark':
        client = SparkClient(config.server_url, token, **options)
        return SparkBackend(client, robot_id, webhook_url)
    heat = HeatClient(config.server_url, token, **options)
    images: ImageHost
    if config.image_host_kind == 'node':
        images = _frame_server(config)
    else:
        file = config.image_host_token_file
        if file or os.environ.get(IMAGE_TOKEN_VARIABLE):
            image_token = _token('image_host.token_file', file, IMAGE_TOKEN_VARIABLE)
        else:
            image_token = token
        images = ServiceImageHost(SparkClient(config.image_url, image_token, **options))
    return HeatBackend(heat, images, config.detection_as, robot_id, webhook_url)


def _frame_server(config: NodeConfig) -> FrameServer:
    folder = (
        config.journal_path.with_suffix('.frames')
        if config.journal_path
        else Path(mkdtemp(prefix='spark_frames_'))
    )
    host, port = config.image_host_host, config.image_host_port
    try:
        return FrameServer(folder, config.image_url, host, port)
    except OSError as error:
        raise ParameterError('image_host.port', f'{host}:{port}: {error}') from None


def _token(parameter: str, file: str, variable: str) -> str:
    try:
        token = find_token(file, variable)
    except CredentialError as error:
        raise ParameterError(parameter, str(error)) from None
    if not is_header_text(token):
        raise ParameterError(parameter, 'the token holds a character that no header can carry')
    return token
