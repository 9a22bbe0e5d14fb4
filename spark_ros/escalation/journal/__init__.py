# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What was accepted is on the disk until its answer has been published."""
