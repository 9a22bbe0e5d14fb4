# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""When to ask, and what: from a frame with its detections to a question in our own words."""
