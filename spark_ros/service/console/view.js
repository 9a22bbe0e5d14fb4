// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Where the image lies on the stage: its scale and the place of its top-left corner, in pixels of
// the screen. Pure: every function returns a new view.

export const MARGIN_PX = 20;
export const MAX_SCALE = 40;
const LIMITS = [0.01, MAX_SCALE];
const ZOOM_PER_WHEEL_PX = 0.0015;
const LINE_PX = 16;

/** From fractions of an image of `size` to the stage. */
export function toStage({ scale, x, y }, { width, height }, point) {
  return { x: x + point.x * width * scale, y: y + point.y * height * scale };
}

/** From the stage to fractions of an image of `size`; may lie outside. */
export function toImage({ scale, x, y }, { width, height }, point) {
  return { x: (point.x - x) / scale / width, y: (point.y - y) / scale / height };
}

/** All of the image, in the middle of a stage of which `below` pixels are for the tools. */
export function fitted(stage, { width, height }, below) {
  const high = stage.height - MARGIN_PX - below;
  const wanted = Math.min((stage.width - 2 * MARGIN_PX) / width, high / height);
  const scale = limited(wanted, LIMITS);
  return {
    scale,
    x: (stage.width - width * scale) / 2,
    y: MARGIN_PX + Math.max((high - height * scale) / 2, 0),
  };
}

/** Zoom so that what lies at the point of the stage keeps its place; `limits` are of the scale. */
export function zoomedAt({ scale, x, y }, factor, point, limits = LIMITS) {
  const next = limited(scale * factor, limits);
  const ratio = next / scale;
  return { scale: next, x: point.x - (point.x - x) * ratio, y: point.y - (point.y - y) * ratio };
}

/** What one or two fingers do that went from some points to others. */
export function pinched(view, before, after, limits = LIMITS) {
  const [from, to] = [middle(before), middle(after)];
  const moved = { ...view, x: view.x + to.x - from.x, y: view.y + to.y - from.y };
  const apart = distance(before);
  return apart ? zoomedAt(moved, distance(after) / apart, to, limits) : moved;
}

/** By how much a wheel zooms. */
export function wheelFactor({ deltaY, deltaMode }) {
  return Math.exp(-deltaY * (deltaMode === 1 ? LINE_PX : 1) * ZOOM_PER_WHEEL_PX);
}

/** Move by as much as brings the point into the stage, of which `below` pixels are for the tools. */
export function following(view, point, stage, below) {
  const over = (value, end) => Math.min(value - MARGIN_PX, 0) + Math.max(value - end + MARGIN_PX, 0);
  return {
    ...view,
    x: view.x - over(point.x, stage.width), y: view.y - over(point.y, stage.height - below),
  };
}

const limited = (scale, [least, most]) => Math.min(Math.max(scale, least), most);
const middle = ([a, b = a]) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
const distance = ([a, b = a]) => Math.hypot(a.x - b.x, a.y - b.y);
