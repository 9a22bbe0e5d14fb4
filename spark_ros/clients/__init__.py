# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Async clients to a human-in-the-loop service."""
