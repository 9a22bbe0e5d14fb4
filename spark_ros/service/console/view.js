// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Where the image lies on the stage: its scale and the place of its top-left corner, in pixels of the
// screen. Pure: every function returns a new view.

export const MARGIN_PX = 20;
export const MAX_SCALE = 40;
const MIN_SCALE = 0.01;

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
  const scale = limited(wanted);
  return {
    scale,
    x: (stage.width - width * scale) / 2,
    y: MARGIN_PX + Math.max((high - height * scale) / 2, 0),
  };
}

/** Zoom so that what lies at the point of the stage keeps its place. */
export function zoomedAt({ scale, x, y }, factor, point) {
  const next = limited(scale * factor);
  const ratio = next / scale;
  return { scale: next, x: point.x - (point.x - x) * ratio, y: point.y - (point.y - y) * ratio };
}

/** What two fingers do that went from one pair of points to another. */
export function pinched(view, before, after) {
  const [from, to] = [middle(before), middle(after)];
  const moved = { ...view, x: view.x + to.x - from.x, y: view.y + to.y - from.y };
  const apart = distance(before);
  return apart ? zoomedAt(moved, distance(after) / apart, to) : moved;
}

/** Move by as much as brings the point of the stage into it. */
export function following(view, point, stage) {
  const over = (value, length) => Math.min(value - MARGIN_PX, 0) + Math.max(value - length + MARGIN_PX, 0);
  return { ...view, x: view.x - over(point.x, stage.width), y: view.y - over(point.y, stage.height) };
}

const limited = (scale) => Math.min(Math.max(scale, MIN_SCALE), MAX_SCALE);
const middle = ([a, b]) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
const distance = ([a, b]) => Math.hypot(a.x - b.x, a.y - b.y);
