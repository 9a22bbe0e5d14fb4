// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Plots over time, as SVG.

import { svg } from './dom.js';
import { hourOfDay, weekday, weekdayTime } from './times.js';
import { word } from './words.js';

const HEIGHT = 180;
const LEFT = 52;
const RIGHT = 8;
const TOP = 8;
const BOTTOM = 22;
const LINES = 4;
const HOUR_S = 3600;
const DAY_S = 86400;

/**
 * Draw series of points `[seconds, value]` over one time; a null value is a gap.
 *
 * `series`: each with `name`, `kind` ('line', 'area' or 'bars'), the class of its colour, `points`.
 * `from`, `until`: Unix seconds. `step`: between points, in seconds. `width`: in pixels.
 * `format`: writes a value, in the unit that fits a second one. `ticks`: see countTicks.
 */
export function plot({ title, series, from, until, step, width, format, ticks }) {
  const values = series.flatMap(({ points }) => points.map(([, value]) => value ?? 0));
  const most = Math.max(0, ...values);
  const scale = ticks(most);
  const top = scale.at(-1);
  const x = (t) => LEFT + ((t - from) / (until - from)) * (width - LEFT - RIGHT);
  const y = (value) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM);
  const drawn = svg('svg', {
    class: 'plot', width, height: HEIGHT, role: 'img', 'aria-label': title,
  });
  for (const value of scale) {
    drawn.append(
      svg('line', { class: 'grid', x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }),
      svg('text', { x: LEFT - 6, y: y(value) + 4, 'text-anchor': 'end' }, format(value, most)),
    );
  }
  for (const [t, text] of timeTicks(from, until, width < 500)) {
    const at = Math.min(Math.max(x(t), LEFT + 14), width - RIGHT - 16);
    drawn.append(svg('text', { x: at, y: HEIGHT - 6, 'text-anchor': 'middle' }, text));
  }
  if (series.every(({ points }) => points.every(([, value]) => value === null))) {
    const empty = { class: 'empty', x: width / 2, y: HEIGHT / 2 };
    drawn.append(svg('text', empty, word('statistics.nothing')));
    return drawn;
  }
  for (const each of series) drawn.append(marks(each, x, y, step, [LEFT, width - RIGHT]));
  drawn.append(...columns(series, x, step, format, [LEFT, width - RIGHT]));
  return drawn;
}

function marks({ kind, points, className }, x, y, step, [least, most]) {
  const group = svg('g', { class: className });
  if (kind === 'bars') {
    for (const [t, value] of points) {
      if (!value) continue;
      const [left, right] = [Math.max(least, x(t)), Math.min(most, x(t + step))];
      group.append(svg('rect', {
        class: 'bar-mark', x: left, y: y(value), width: Math.max(1, right - left - 1),
        height: Math.max(1, y(0) - y(value)),
      }));
    }
    return group;
  }
  for (const run of runs(points)) {
    const corners = run.map(([t, value]) => `${x(t).toFixed(1)},${y(value).toFixed(1)}`);
    if (run.length === 1) {
      group.append(svg('circle', { class: 'dot', cx: x(run[0][0]), cy: y(run[0][1]), r: 2.5 }));
      continue;
    }
    if (kind === 'area') {
      const ends = [`${x(run[0][0])},${y(0)}`, `${x(run.at(-1)[0])},${y(0)}`];
      group.append(svg('polygon', {
        class: 'area', points: [ends[0], ...corners, ends[1]].join(' '),
      }));
    }
    group.append(svg('polyline', { class: 'line', points: corners.join(' ') }));
  }
  return group;
}

/** The parts of a line without gaps. */
function runs(points) {
  const found = [[]];
  for (const point of points) {
    if (point[1] === null) found.push([]);
    else found.at(-1).push(point);
  }
  return found.filter((run) => run.length);
}

/** What is told of a moment when one points at it. */
function columns(series, x, step, format, [least, most]) {
  const shift = series.some(({ kind }) => kind === 'bars') ? 0 : step / 2;
  return series[0].points.map(([t], at) => {
    const told = series
      .filter(({ points }) => points[at]?.[1] != null)
      .map(({ name, points }) => `${name}: ${format(points[at][1])}`);
    const left = Math.max(least, x(t - shift));
    const width = Math.max(1, Math.min(most, x(t - shift + step)) - left);
    return svg(
      'rect',
      { class: 'hover', x: left, y: TOP, width, height: HEIGHT - TOP - BOTTOM },
      svg('title', {}, [weekdayTime(t * 1000), ...told].join('\n')),
    );
  });
}

/** Round values from 0 up to at least the given number. */
export function countTicks(most) {
  const step = roundStep(most / LINES, [1, 2, 5]);
  return steps(most, Math.max(1, step));
}

/** As countTicks, for seconds: round in seconds, minutes or hours. */
export function secondTicks(most) {
  const unit = most < 180 ? 1 : most < 3 * HOUR_S ? 60 : HOUR_S;
  const step = roundStep(most / unit / LINES, unit === 60 ? [1, 2, 3, 5] : [1, 2, 5]) * unit;
  return steps(most, step || 1);
}

function roundStep(least, round) {
  if (!(least > 0)) return 0;
  const power = 10 ** Math.floor(Math.log10(least));
  return power * ([...round, 10].find((each) => each * power >= least * 0.999) ?? 10);
}

function steps(most, step) {
  const count = Math.max(1, Math.ceil((most / step) * 0.999));
  return Array.from({ length: count + 1 }, (_, at) => at * step);
}

/** Hours of the day, or days, in the browser's time zone. */
function timeTicks(from, until, narrow) {
  const days = until - from > 2 * DAY_S;
  const found = [];
  const date = new Date(from * 1000);
  date.setHours(days ? 0 : date.getHours() + 1, 0, 0, 0);
  for (; date / 1000 <= until; date.setHours(date.getHours() + 1)) {
    const hour = date.getHours();
    if (date / 1000 < from || hour % (days ? 24 : narrow ? 6 : 4)) continue;
    found.push([date / 1000, days ? weekday(date) : hourOfDay(date)]);
  }
  return found;
}
