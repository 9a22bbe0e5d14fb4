// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// How long questions waited, were worked on and were delivered, how many waited, and who answers.

import { getStatistics } from './api.js';
import { byId, clipped, el, say } from './dom.js';
import { operatorRow } from './operator_row.js';
import { countTicks, plot, secondTicks } from './plot.js';
import { dateTime } from './times.js';
import { fillWords, number, word } from './words.js';

const REFRESH_MS = 60_000;
const LONGEST_NAME = 80;
const PHASES = {
  waiting: word('statistics.waiting'),
  working: word('statistics.working'),
  delivery: word('statistics.delivery'),
};
const NONE = '–';

let hours = 24;
let asked = 0;
let shown = null;

async function refresh() {
  const number = (asked += 1);
  let problem = '';
  try {
    const found = await getStatistics(hours);
    // Another range may have been chosen in the meantime.
    if (number === asked) show((shown = found));
  } catch (error) {
    problem = error.message;
  }
  if (number === asked) say(byId('problem'), problem);
}

function show(found) {
  byId('totals').replaceChildren(...totals(found.total));
  showPlots(found);
  showSkipped(found.skipped);
  showOperators(found);
  byId('programs').replaceChildren(...found.by_program.map(programRow));
  const { more_programs: more } = found;
  byId('more-programs').hidden = !more;
  say(byId('more-programs'), word('statistics.more', { n: more }));
  const asFar = found.since > found.now - found.hours * 3600 + 1;
  const since = dateTime(found.since * 1000);
  say(byId('left-out'), asFar ? word('statistics.left-out', { since }) : '');
}

function totals(total) {
  const answered = el(
    'dd', {}, number(total.waiting.count), el('small', {}, word('statistics.by-operators')));
  const boxes = [[word('statistics.answered'), answered]];
  for (const [phase, name] of Object.entries(PHASES)) {
    const { p50, p95 } = total[phase];
    const high = p95 === undefined ? '' : word('statistics.within', { time: duration(p95) });
    const value = el('dd', {}, duration(p50), el('small', {}, high));
    boxes.push([word('statistics.of-median', { phase: name }), value]);
  }
  return boxes.map(([name, value]) => el('div', {}, el('dt', {}, name), value));
}

function showPlots(found) {
  const drawn = plots(found);
  const cards = drawn.map(card);
  byId('plots').replaceChildren(...cards);
  const parts = cards.map((each) => each.querySelector('.wide'));
  // Known only now, and all read before anything is added.
  const widths = parts.map((part) => part.clientWidth);
  parts.forEach((part, at) => part.append(plot({ ...drawn[at], width: widths[at] })));
}

function plots(found) {
  const time = { from: found.now - found.hours * 3600, until: found.now, step: found.bucket_s };
  const byHour = new Map(found.by_hour.map((hour) => [hour.at, hour]));
  const starts = [];
  const first = Math.floor(time.from / time.step) * time.step;
  for (let at = first; at < time.until; at += time.step) starts.push(at);
  // In the middle of its hour, as far as that has passed.
  const middle = (at) => Math.min(Math.max(at + time.step / 2, time.from), time.until);
  const share = (phase, name) =>
    starts.map((at) => [middle(at), byHour.get(at)?.[phase][name] ?? null]);
  const whole = { ...time, format: (value) => number(value), ticks: countTicks };
  return [
    {
      ...whole,
      title: word('statistics.without'),
      series: [{
        name: word('statistics.without-answer'), kind: 'area', className: 'median',
        points: found.waiting.map(([at, count]) => [Math.max(at, time.from), count]),
      }],
    },
    {
      ...whole,
      title: word('statistics.an-hour'),
      series: [{
        name: word('statistics.answers'), kind: 'bars', className: 'count',
        points: starts.map((at) => [at, byHour.get(at)?.waiting.count ?? 0]),
      }],
    },
    ...Object.entries(PHASES).map(([phase, title]) => ({
      ...time,
      title,
      format: duration,
      ticks: secondTicks,
      series: [
        line('statistics.share', 'high', share(phase, 'p95')),
        line('statistics.median', 'median', share(phase, 'p50')),
      ],
    })),
  ];
}

const line = (name, className, points) => ({ name: word(name), kind: 'line', className, points });

function card({ title, series }) {
  const keys = series.length > 1
    ? series.map(({ name, className }) => el('span', { class: `key ${className}` }, name))
    : [];
  const heading = el('h2', {}, el('span', {}, title), ...keys.reverse());
  return el(
    'section', { class: 'card', 'data-testid': 'plot' }, heading, el('div', { class: 'wide' }),
  );
}

function programRow({ program, ...times }) {
  const name = program === null
    ? el('span', { class: 'muted' }, word('statistics.no-program'))
    : el('bdi', {}, clipped(program, LONGEST_NAME));
  const cells = Object.keys(PHASES).flatMap((phase) =>
    ['p50', 'p95'].map((share) => el('td', {}, duration(times[phase][share]))));
  return el(
    'tr', { 'data-testid': 'program-row' },
    el('td', { class: 'name' }, name), el('td', {}, number(times.waiting.count)), ...cells,
  );
}

function showOperators({ by_operator: operators, more_operators: more, you }) {
  byId('operators-card').hidden = !operators.length;
  byId('operators').replaceChildren(...operators.map((each) => operatorRow(each, you, duration)));
  byId('more-operators').hidden = !more;
  say(byId('more-operators'), word('statistics.more-operators', { n: more }));
}

function showSkipped(skipped) {
  byId('skipped-card').hidden = !skipped.length;
  byId('skipped').replaceChildren(...skipped.map(({ program, reason, count }) => el(
    'tr', { 'data-testid': 'skipped-row' },
    el('td', { class: 'name' }, el('bdi', {}, clipped(program ?? '', LONGEST_NAME) || NONE)),
    el('td', { class: 'name' },
      el('bdi', {}, clipped(reason, LONGEST_NAME) || word('statistics.noReason'))),
    el('td', {}, String(count)),
  )));
}

/** Seconds with their unit, which fits `like`. */
function duration(seconds, like = seconds) {
  if (seconds === undefined || seconds === null) return NONE;
  if (seconds === 0) return '0';
  if (like < 0.9995) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  if (like < 180) return `${trimmed(seconds)} s`;
  if (like < 10_800) return `${trimmed(seconds / 60)} min`;
  return `${trimmed(seconds / 3600)} h`;
}

const trimmed = (value) => number(value, { maximumFractionDigits: value < 9.95 ? 1 : 0 });

for (const button of document.querySelectorAll('[data-hours]')) {
  button.addEventListener('click', () => {
    hours = Number(button.dataset.hours);
    for (const each of document.querySelectorAll('[data-hours]')) {
      each.setAttribute('aria-pressed', String(each === button));
    }
    refresh();
  });
}
addEventListener('resize', () => shown && showPlots(shown));
fillWords();
setInterval(refresh, REFRESH_MS);
refresh();
