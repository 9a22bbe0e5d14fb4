# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Boxes and text on pictures: one look for the node, the command lines and the demo."""
