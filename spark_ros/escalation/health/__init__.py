# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The health of the node, and what to do if something is wrong."""
