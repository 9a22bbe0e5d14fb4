// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// A row of the table of operators: what one did, and how well, as a dot with its interval.

import { el, svg } from './dom.js';
import { number, word } from './words.js';

const WIDTH = 120;
const HEIGHT = 16;
const RADIUS = 4;
const LINES = [0, 0.25, 0.5, 0.75, 1];

/** `you`: the name of who looks. `duration` writes seconds. */
export function operatorRow(one, you, duration) {
  const { operator, answered, flagged, skipped, working, stands_out: why } = one;
  const marks = [];
  if (operator === you) marks.push(' ', el('span', { class: 'badge' }, word('statistics.you')));
  if (why) {
    const mark = { class: 'badge warn', 'data-testid': 'stands-out' };
    marks.push(' ', el('span', mark, word('statistics.stands-out')));
  }
  return el(
    'tr', { 'data-testid': 'operator-row' },
    el('th', { class: 'name', scope: 'row' }, el('bdi', {}, operator), ...marks),
    el('td', {}, number(answered)), el('td', {}, number(flagged)), el('td', {}, number(skipped)),
    el('td', {}, duration(working.p50)),
    shareCell(one.accuracy, why === 'accuracy'), shareCell(one.agreement, why === 'agreement'),
  );
}

function shareCell(share, bad) {
  if (!share.of) return el('td', { class: 'picture' }, '–');
  const said = word('statistics.of', { count: number(share.count), n: share.of });
  return el('td', { class: 'picture' }, picture(share, bad), ' ', el('span', {}, said));
}

/** The interval as a bar between none and all, and the share as a dot on it. */
function picture({ count, of, low, high }, bad) {
  const x = (share) => RADIUS + share * (WIDTH - 2 * RADIUS);
  const percent = (share) => number(share, { style: 'percent' });
  const drawn = svg('svg', {
    class: `plot share ${bad ? 'worse' : 'median'}`, width: WIDTH, height: HEIGHT, role: 'img',
    'aria-label': word('statistics.between', { low: percent(low), high: percent(high) }),
  });
  const middle = HEIGHT / 2;
  drawn.append(
    ...LINES.map((share) => svg(
      'line', { class: 'grid', x1: x(share), x2: x(share), y1: 0, y2: HEIGHT },
    )),
    svg('line', { class: 'interval', x1: x(low), x2: x(high), y1: middle, y2: middle }),
    svg('circle', { class: 'dot', cx: x(count / of), cy: middle, r: RADIUS }),
  );
  return drawn;
}
