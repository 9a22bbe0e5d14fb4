# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The wire format that clients and service share: JSON to types and back, without I/O."""
