# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Tells who runs the service that questions wait and nobody is there, and when that is over."""
