# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The resolution service: the vendor APIs, the store, and the console on which people answer."""
