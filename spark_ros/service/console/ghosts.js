// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Removed priors on the stage: faint and dashed, until the answer is sent.

import { svg } from './dom.js';
import { colourOf } from './colours.js';

/** Draw them into `group`; `onScreen` gives the place of a vertex. */
export function drawGhosts(group, { ghosts, selectedGhost }, onScreen) {
  group.replaceChildren(...ghosts.map((ghost) => {
    const points = ghost.vertices.map(onScreen);
    const outline = (name) => (ghost.type === 'dot'
      ? svg('circle', { class: name, r: 6, cx: points[0].x, cy: points[0].y })
      : svg('polygon', {
        class: name, points: points.map(({ x, y }) => `${x},${y}`).join(' '),
      }));
    const selected = ghost.key === selectedGhost?.key ? ' selected' : '';
    // The dark line under the coloured one keeps it legible on a bright image.
    const node = svg('g', { class: `ghost${selected}`, 'data-testid': 'ghost' },
      outline('halo'), outline('line'));
    node.style.setProperty('--label', colourOf(ghost.label));
    return node;
  }));
}
