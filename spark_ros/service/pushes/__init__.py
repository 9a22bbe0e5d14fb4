# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Webhooks: state changes are sent to the URLs that callers gave, within limits."""
