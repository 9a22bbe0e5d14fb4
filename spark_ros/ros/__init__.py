# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The ROS 2 node: parameters, conversions, subscriptions, outputs."""
