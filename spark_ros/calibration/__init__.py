# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Thresholds with a guarantee, from what people said of audited frames: no ROS, no network."""
