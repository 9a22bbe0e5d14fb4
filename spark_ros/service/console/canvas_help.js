// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// The keys of the canvas, and what fingers do there, for the help.

import { FINGERS } from './dom.js';
import { word } from './words.js';

/** What fingers do, where there are such. */
export const TOUCH_HELP = FINGERS ? [
  [[word('touch.tap')], word('touch.select')],
  [[word('touch.two')], word('touch.zoom')],
] : [];

/** Wherever something can be drawn. */
export const LOOK_HELP = [
  [['N', '←', '↑', '→', '↓'], word('canvas.help.by-keys')],
  [['V'], word('canvas.help.handle')],
  [['C'], word('canvas.help.cycle')],
  [['H'], word('canvas.help.bare')],
  [['O'], word('canvas.help.actual')],
];

/** Where polygons and dots can be drawn, too. */
export const CANVAS_HELP = [
  [['G'], word('canvas.help.polygon')],
  [['D'], word('canvas.help.dot')],
  [['E'], word('canvas.help.vertex')],
  ...LOOK_HELP,
];
