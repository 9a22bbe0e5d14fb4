# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Webhooks: every change is told to whoever asked for it, within limits."""
