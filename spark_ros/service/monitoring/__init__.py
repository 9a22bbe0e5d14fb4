# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How the service is watched: health, metrics, and a line in the log for each step."""
