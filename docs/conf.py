# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How `make docs` builds the site; the pages are made to be read on their own, too."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

project = 'spark_ros'
author = 'the spark_ros authors'
copyright = '2026, the spark_ros authors'
release = re.search(r'<version>(.*)</version>', (ROOT / 'package.xml').read_text()).group(1)

extensions = ['myst_parser', 'sphinx.ext.autodoc', 'sphinx.ext.napoleon']
myst_enable_extensions = ['attrs_block']
# Links to a heading, as GitHub names them.
myst_heading_anchors = 4
suppress_warnings = ['myst.header']

html_theme = 'furo'
html_title = 'spark_ros'
html_copy_source = False
html_show_sphinx = False

# What docstrings have between single backticks.
default_role = 'code'
autoclass_content = 'both'
autodoc_member_order = 'bysource'
autodoc_typehints = 'signature'
autodoc_class_signature = 'mixed'
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False

nitpick_ignore_regex = [
    # Other packages' types, for which no inventory is fetched: the site builds without a network.
    ('py:.*', r'(httpx|collections|datetime|enum|os|ssl|typing|types|pathlib)\..*'),
    # Cut at its comma.
    ('py:class', r'tuple\[.*'),
    # Ours, of which callers need no more than the name.
    ('py:.*', r'WireError|spark_ros\.wire\.heat\.Prompt'),
]


def setup(app):
    """Keep napoleon from taking what stands before a colon in a property's line for its type."""

    def without_colon(app, what, name, obj, options, lines):
        if what == 'property':
            lines[0] = lines[0].replace(': ', '; ')

    app.connect('autodoc-process-docstring', without_colon, priority=400)
