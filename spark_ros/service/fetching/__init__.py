# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Copies of what questions name on other hosts, so that no console loads it from there."""
