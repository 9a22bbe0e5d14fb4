# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What both ends agree on: JSON to vocabulary and back, with no I/O."""
