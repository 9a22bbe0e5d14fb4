# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""SparkAI's API."""
