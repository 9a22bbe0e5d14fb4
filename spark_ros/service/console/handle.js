// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// A handle of the selected shape: a small knob to see, a larger grip to take.

import { svg } from './dom.js';

const HANDLE_PX = 9;
const GRIP_PX = 18;

export function handleAt(name, { x, y }) {
  const square = (size) => ({ x: x - size / 2, y: y - size / 2, width: size, height: size });
  return [
    svg('rect', { ...square(HANDLE_PX), class: 'knob' }),
    svg('rect', {
      ...square(GRIP_PX), class: `grip ${name}`,
      'data-handle': name, 'data-testid': `handle-${name}`,
    }),
  ];
}
