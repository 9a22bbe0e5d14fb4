// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// The name that a shape carries on the stage.

import { clipped, el } from './dom.js';
import { bounds } from './shapes.js';

const LONGEST_TAG = 60;
const TAG_PX = 22;
const TAG_GAP_PX = 9;

export function drawTag(tag, [name, mark], dot, selected, points) {
  const { left, top, bottom } = bounds(points);
  tag.replaceChildren(el('bdi', {}, clipped(name, LONGEST_TAG)), el('span', {}, mark));
  // Clear of the dot itself, or of the corner handle.
  const gap = dot || selected ? TAG_GAP_PX : 0;
  const x = Math.max(left - 1 + (dot ? gap : 0), 0);
  tag.style.transform = top >= TAG_PX + gap
    ? `translate(${x}px, calc(${top - gap}px - 100%))`
    : `translate(${x + gap}px, ${Math.min(Math.max(top, 0), bottom) + gap}px)`;
}
