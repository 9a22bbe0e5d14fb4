# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The services that can be asked, behind one protocol."""
