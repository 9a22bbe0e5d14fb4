# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A plugin for pytest, `-p humble_rclpy`: the rclpy that is here, without what Humble's lacks.

What is left is real, and talks over DDS. It is cut when this is imported, which is before any
test or conftest imports the node.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest
import rclpy
from rclpy import event_handler
from rclpy.node import Node
from rclpy.subscription import Subscription

NEWER = {'matched', 'incompatible_type'}


def _of_humble(newer: type) -> type:
    class Callbacks(newer):
        def __init__(self, **given: Any) -> None:
            if unknown := NEWER & set(given):
                raise TypeError(f'unexpected keyword arguments: {unknown}')
            super().__init__(**given)

    return Callbacks


def _cut() -> None:
    older = ModuleType('rclpy.qos_event')
    for name in ('SubscriptionEventCallbacks', 'PublisherEventCallbacks'):
        setattr(older, name, _of_humble(getattr(event_handler, name)))
    sys.modules['rclpy.qos_event'] = rclpy.qos_event = older
    sys.modules['rclpy.event_handler'] = None  # type: ignore[assignment]
    del rclpy.event_handler
    for when in ('pre', 'post'):
        for what in ('add', 'remove'):
            delattr(Node, f'{what}_{when}_set_parameters_callback')
    del Subscription.get_publisher_count


_cut()


def pytest_collection_finish() -> None:
    """See to it that the node took the rclpy for Humble's."""
    if not sys.modules['spark_ros.ros.workarounds.humble'].HUMBLE:
        raise pytest.UsageError('the node was imported before rclpy was cut')
