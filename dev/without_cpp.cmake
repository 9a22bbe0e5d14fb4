# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
# Included by project() when the bootstrap builds: in .venv only Python uses the messages, and
# those for C++ take most of a build's time.
find_package(rosidl_default_generators REQUIRED)
list(FILTER AMENT_EXTENSIONS_rosidl_generate_idl_interfaces EXCLUDE REGEX "_cpp:")
