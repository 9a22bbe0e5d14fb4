# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Pictures: cut, black out and encode what is sent; the picture of what was answered."""
