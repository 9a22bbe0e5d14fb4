# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Clients of the services: async, typed, with no ROS in them."""

from spark_ros.clients.answers import UploadedImage
from spark_ros.clients.change_feed import Changes
from spark_ros.clients.errors import (
    AuthenticationError,
    ClientError,
    ConnectionFailed,
    CursorGone,
    NotFoundError,
    ProtocolError,
    RateLimitedError,
    RedirectError,
    RefusedError,
    ResponseError,
    ServerError,
    UnsupportedError,
)
from spark_ros.clients.heat import HeatClient
from spark_ros.clients.retry import RetryPolicy
from spark_ros.clients.spark import SparkClient

__all__ = [
    'AuthenticationError',
    'Changes',
    'ClientError',
    'ConnectionFailed',
    'CursorGone',
    'HeatClient',
    'NotFoundError',
    'ProtocolError',
    'RateLimitedError',
    'RedirectError',
    'RefusedError',
    'ResponseError',
    'RetryPolicy',
    'ServerError',
    'SparkClient',
    'UnsupportedError',
    'UploadedImage',
]
