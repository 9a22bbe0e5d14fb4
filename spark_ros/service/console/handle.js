// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// A handle of the selected shape: a small knob to see, a larger grip to take.

import { FINGERS, svg } from './dom.js';

const HANDLE_PX = 9;
const TAKEN_PX = 15;

/** How large what is taken hold of is: for fingers, as large as WCAG 2.5.5 asks for. */
export const GRIP_PX = FINGERS ? 44 : 18;

/** `out`: by how many pixels the grip lies further out, so that what is small can still be moved. */
export function handleAt(name, { x, y }, taken, out = { x: 0, y: 0 }) {
  const square = (size) => ({ x: x - size / 2, y: y - size / 2, width: size, height: size });
  const grip = square(GRIP_PX);
  const kind = taken ? 'knob taken' : name.startsWith('m') ? 'knob between' : 'knob';
  return [
    svg('rect', { ...square(taken ? TAKEN_PX : HANDLE_PX), class: kind }),
    svg('rect', {
      ...grip, x: grip.x + out.x, y: grip.y + out.y, class: `grip ${name}`,
      'data-handle': name, 'data-testid': `handle-${name}`,
    }),
  ];
}
