// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Geometry of shapes in fractions of the image, [0, 1). Pure: every function returns new vertices.

/** The largest double below 1: a coordinate is never 1 itself. */
export const LARGEST = 1 - 2 ** -53;

export const HANDLES = ['nw', 'n', 'ne', 'e', 'se', 's', 'sw', 'w'];

const LOW_SCORE = 0.5;

export const clamp = (value) => Math.min(Math.max(value, 0), LARGEST);

export const clampPoint = ({ x, y }) => ({ x: clamp(x), y: clamp(y) });

export function bounds(vertices) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { x, y } of vertices) {
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  return { left, top, right, bottom };
}

/** The four vertices of a box, clockwise from the top-left. */
export function boxVertices({ left, top, right, bottom }) {
  return [
    { x: left, y: top },
    { x: right, y: top },
    { x: right, y: bottom },
    { x: left, y: bottom },
  ];
}

/** The box between two points, inside the image and at least `min` wide and high. */
export function boxBetween(a, b, min) {
  const [left, right] = span(clamp(a.x), clamp(b.x), min.x);
  const [top, bottom] = span(clamp(a.y), clamp(b.y), min.y);
  return boxVertices({ left, top, right, bottom });
}

function span(a, b, min) {
  const low = Math.min(a, b, LARGEST - min);
  return [low, clamp(Math.max(a, b, low + min))];
}

/** Move as far as the image allows; the size stays. */
export function moved(vertices, dx, dy) {
  const { left, top, right, bottom } = bounds(vertices);
  const x = Math.min(Math.max(dx, -left), LARGEST - right);
  const y = Math.min(Math.max(dy, -top), LARGEST - bottom);
  return vertices.map((v) => ({ x: clamp(v.x + x), y: clamp(v.y + y) }));
}

/** Move the edges that the handle names; the other edges keep their exact numbers. */
export function resized(vertices, handle, dx, dy, min) {
  const box = bounds(vertices);
  if (handle.includes('w')) box.left = clamp(Math.min(box.left + dx, box.right - min.x));
  if (handle.includes('e')) box.right = clamp(Math.max(box.right + dx, box.left + min.x));
  if (handle.includes('n')) box.top = clamp(Math.min(box.top + dy, box.bottom - min.y));
  if (handle.includes('s')) box.bottom = clamp(Math.max(box.bottom + dy, box.top + min.y));
  return boxVertices(box);
}

export function withVertexMoved(vertices, index, dx, dy) {
  return vertices.map((v, i) => (i === index ? { x: clamp(v.x + dx), y: clamp(v.y + dy) } : v));
}

/** Add a vertex in the middle of the side that starts at `index`. */
export function withVertexAdded(vertices, index) {
  const after = index + 1;
  return [...vertices.slice(0, after), middleOfSide(vertices, index), ...vertices.slice(after)];
}

/** The vertices without one, or null where too few would be left for a polygon. */
export function withoutVertex(vertices, index) {
  return vertices.length > 3 ? vertices.filter((_, at) => at !== index) : null;
}

export function middleOfSide(vertices, index) {
  const [a, b] = [vertices[index], vertices[(index + 1) % vertices.length]];
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}

/** Where each handle of a box sits. */
export function handlePoint(handle, { left, top, right, bottom }) {
  const x = handle.includes('w') ? left : handle.includes('e') ? right : (left + right) / 2;
  const y = handle.includes('n') ? top : handle.includes('s') ? bottom : (top + bottom) / 2;
  return { x, y };
}

export function contains(shape, point, reach) {
  const { left, top, right, bottom } = bounds(shape.vertices);
  const near =
    point.x >= left - reach.x && point.x <= right + reach.x &&
    point.y >= top - reach.y && point.y <= bottom + reach.y;
  if (!near || shape.type !== 'polygon') return near;
  return insidePolygon(shape.vertices, point) || shape.vertices.some((v, i) =>
    nearSegment(v, shape.vertices[(i + 1) % shape.vertices.length], point, reach));
}

function insidePolygon(vertices, { x, y }) {
  let inside = false;
  vertices.forEach((a, i) => {
    const b = vertices[(i + 1) % vertices.length];
    const crosses = a.y > y !== b.y > y && x < ((b.x - a.x) * (y - a.y)) / (b.y - a.y) + a.x;
    if (crosses) inside = !inside;
  });
  return inside;
}

function nearSegment(a, b, point, reach) {
  // In units of the reach, so that a circle on the screen is a circle here.
  const [ux, uy] = [(b.x - a.x) / reach.x, (b.y - a.y) / reach.y];
  const [px, py] = [(point.x - a.x) / reach.x, (point.y - a.y) / reach.y];
  const length2 = ux * ux + uy * uy;
  const t = length2 ? Math.min(Math.max((px * ux + py * uy) / length2, 0), 1) : 0;
  return Math.hypot(px - t * ux, py - t * uy) <= 1;
}

/** The shapes under the point, the smallest first, so that one inside another can be reached. */
export function shapesAt(shapes, point, reach) {
  const area = ({ vertices }) => {
    const { left, top, right, bottom } = bounds(vertices);
    return (right - left) * (bottom - top);
  };
  // What is drawn later lies in front.
  return shapes.filter((shape) => contains(shape, point, reach)).reverse()
    .sort((a, b) => area(a) - area(b));
}

/** The one after `key` (or before, with -1), round and round; the first where it is not there. */
export function nextOf(shapes, key, direction) {
  const at = shapes.findIndex((shape) => shape.key === key);
  if (at < 0) return shapes[0] ?? null;
  return shapes[(at + direction + shapes.length) % shapes.length];
}

export function sameVertices(a, b) {
  return a.length === b.length && a.every((v, i) => v.x === b[i].x && v.y === b[i].y);
}

/** The detector's score in [0, 1], or null. */
export function scoreOf(metadata) {
  const value = metadata?.score ?? null;
  if (value === null || value === '' || typeof value === 'boolean') return null;
  const score = Number(value);
  return score >= 0 && score <= 1 ? score : null;
}

/** Whether the robot doubts it: as it says itself, else by the score. */
export function isDoubted(metadata) {
  const said = metadata?.doubted;
  if (said !== undefined && said !== null) return said === true || said === 'true' || said === '1';
  const score = scoreOf(metadata);
  return score !== null && score < LOW_SCORE;
}
