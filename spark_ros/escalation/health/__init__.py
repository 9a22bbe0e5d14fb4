# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How the node is doing, and what to do where something is wrong."""
