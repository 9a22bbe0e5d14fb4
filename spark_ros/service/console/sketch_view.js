// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// What a shape that is being drawn looks like: its points, the line to the cross, and the cross.

import { svg } from './dom.js';

const CROSS_PX = 14;

export function drawSketch(group, sketch, toStage) {
  group.replaceChildren();
  if (!sketch) return;
  const points = sketch.outline.map(toStage).map(({ x, y }) => `${x},${y}`).join(' ');
  const line = sketch.type === 'bounding_box' ? 'polygon' : 'polyline';
  group.append(svg(line, { points, class: 'halo' }), svg(line, { points, class: 'line' }));
  for (const { x, y } of sketch.points.map(toStage)) {
    group.append(svg('circle', { cx: x, cy: y, r: 5 }));
  }
  if (!sketch.cross) return;
  const { x, y } = toStage(sketch.aim);
  const d = `M${x - CROSS_PX},${y}H${x + CROSS_PX}M${x},${y - CROSS_PX}V${y + CROSS_PX}`;
  group.append(svg('path', { d, class: 'halo' }), svg('path', { d, class: 'cross' }));
}
