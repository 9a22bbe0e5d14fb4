# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A robot in a simulated hall: its camera, its detector, and what asking about it is worth."""
