// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// What this operator answered last, drawn over the pictures, and notes on what was wrong in it.

import { correct, getAnswers } from './api.js';
import { asText, byId, el, ownPath, say, setAttributes, svg } from './dom.js';
import { fillWords, language, word } from './words.js';

const BECAME = {
  confirmed: 'answers.confirmed', changed: 'answers.changed', added: 'answers.added',
  removed: 'answers.removed',
};
const MOST_SHAPES = 200;
const DOT_RADIUS = 0.012;
const FLAGGED = 'flagged';

async function show() {
  await attempt(async () => {
    const { answers } = await getAnswers();
    byId('answers').replaceChildren(...answers.map(card));
    say(byId('problem'), answers.length ? '' : word('answers.none'));
  });
}

function card(answer) {
  const { id, program, instructions, closed, feedback, flags, response } = answer;
  const shown = answer.shapes.slice(0, MOST_SHAPES);
  const notes = el('div', { class: 'words' }, ...answer.corrections.map(note));
  const words = [
    el('bdi', { class: 'muted' }, asText(program)),
    el('p', { dir: 'auto' }, asText(instructions)),
    el('time', { datetime: asText(closed) }, timeText(closed)),
    ...flags.length
      ? [el('p', { 'data-testid': 'flags' }, el('bdi', {}, flagText(flags)))] : [],
    el('p', { class: 'said', dir: 'auto', 'data-testid': 'said' },
      asText(feedback) || asText(response)),
    el('ul', { class: 'shape-list' }, ...shown.map(({ label, became }) =>
      el('li', { 'data-became': became, 'data-testid': 'became' },
        el('bdi', {}, asText(label) || word('answers.unnamed')),
        ` · ${word(BECAME[known(became)])}`))),
    notes,
    noteForm(id, notes),
  ];
  const said = words.filter((each) => each.childNodes.length || each === notes);
  return el('li', { class: 'given', 'data-testid': 'given' },
    picture(answer.image, shown), el('div', { class: 'words' }, ...said));
}

/** The picture with what was said to be on it; nothing where there is none. */
function picture(image, shapes) {
  const url = ownPath(image?.url);
  if (!url) return el('div', { class: 'drawn' });
  const drawing = svg('svg', {
    viewBox: '0 0 1 1', preserveAspectRatio: 'none', 'aria-hidden': 'true',
  });
  const img = el('img', {
    src: url, alt: word('answers.picture'), loading: 'lazy', 'data-testid': 'picture',
  });
  const draw = () => drawing.replaceChildren(
    ...shapes.map((shape) => outline(shape, img.naturalWidth / img.naturalHeight)));
  if (img.complete && img.naturalWidth) draw();
  else img.addEventListener('load', draw, { once: true });
  return el('div', { class: 'drawn' }, img, drawing);
}

function outline({ vertices, type, became }, aspect) {
  const [{ x: cx, y: cy }] = vertices;
  const shape = type === 'dot'
    // Round on the screen, though both axes are stretched to the picture.
    ? svg('ellipse', { cx, cy, rx: DOT_RADIUS, ry: DOT_RADIUS * aspect })
    : svg('polygon', { points: vertices.map(({ x, y }) => `${x},${y}`).join(' ') });
  setAttributes(shape, { 'data-became': known(became), 'data-testid': 'outline' });
  return shape;
}

/** One that says no more than that it was flagged is not among the others. */
function flagText(flags) {
  const others = flags.filter((flag) => flag !== FLAGGED).join(', ');
  const flagged = flags.includes(FLAGGED) ? word('answers.flagged') : '';
  const named = others && word('answers.flags', { flags: others });
  return [flagged, named].filter(Boolean).join(' · ');
}

const known = (became) => (Object.hasOwn(BECAME, became) ? became : 'added');

function note({ note: text, at }) {
  return el('p', { class: 'corrections', 'data-testid': 'correction' },
    el('time', { datetime: asText(at) }, timeText(at)), ' ', el('bdi', {}, asText(text)));
}

function noteForm(id, notes) {
  const field = el('textarea', {
    rows: '1', maxlength: '2000', required: '', dir: 'auto', 'data-testid': 'note',
    'aria-label': word('answers.note'), placeholder: word('answers.note'),
  });
  const send = el('button', { type: 'submit', 'data-testid': 'note-send' }, word('answers.send'));
  const form = el('form', {}, field, send);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (!field.value.trim()) return;
    send.disabled = true;
    attempt(async () => {
      notes.append(note(await correct(id, field.value)));
      field.value = '';
    }).finally(() => (send.disabled = false));
  });
  return form;
}

async function attempt(action) {
  say(byId('problem'), '');
  try {
    await action();
  } catch (error) {
    say(byId('problem'), error.message);
  }
}

/** In the operator's own time zone. */
function timeText(value) {
  const time = new Date(value);
  return Number.isNaN(time.getTime())
    ? asText(value)
    : time.toLocaleString(language, { dateStyle: 'medium', timeStyle: 'medium' });
}

fillWords();
show();
