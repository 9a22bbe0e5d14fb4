// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// A handle of the selected shape: a small knob to see, a larger grip to take.

import { svg } from './dom.js';

const HANDLE_PX = 9;
const TAKEN_PX = 15;

/** How large what is taken hold of is: for fingers, as large as WCAG 2.5.5 asks for. */
export const GRIP_PX = matchMedia('(pointer: coarse)').matches ? 44 : 18;

export function handleAt(name, { x, y }, taken) {
  const square = (size) => ({ x: x - size / 2, y: y - size / 2, width: size, height: size });
  const kind = taken ? 'knob taken' : name.startsWith('m') ? 'knob between' : 'knob';
  return [
    svg('rect', { ...square(taken ? TAKEN_PX : HANDLE_PX), class: kind }),
    svg('rect', {
      ...square(GRIP_PX), class: `grip ${name}`,
      'data-handle': name, 'data-testid': `handle-${name}`,
    }),
  ];
}
