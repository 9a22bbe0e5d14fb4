# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The spark and spark-service command lines."""
