// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// The list of questions, in the order in which they are to be answered, with timers.

import { asText, clipped, el, ownPath, say } from './dom.js';
import { kindName, signOf } from './kinds.js';
import { showLeft, showPatience } from './left.js';
import { ageText } from './times.js';
import { word } from './words.js';

const AGING_S = 60;
const OLD_S = 300;
const TICK_MS = 1000;
const STATES = {
  yours: 'queue.yours', sent: 'queue.sent', taken: 'queue.taken', open: 'queue.open',
  'not-for-you': 'queue.not-for-you',
};
const PICTURE_TRIES = 5;
// How many rows are made in one go: what the operator does meanwhile must not have to wait.
const ROWS_AT_ONCE = 20;

export class Queue {
  #list;
  #rest;
  #onOpen;
  #rows = new Map();
  #currentId = null;
  #later = null;
  #operator = '';

  questions = [];
  #lines = new Map();
  /** How many wait in all, also those that are not listed. */
  waiting = 0;
  /** How many of these the asker does not want this operator to answer. */
  excluded = 0;
  /** Whether, when last asked, the next would be one that was answered already. */
  check = false;

  /** `rest` says how many more there are. */
  constructor(list, rest, onOpen) {
    this.#list = list;
    this.#rest = rest;
    this.#onOpen = onOpen;
    setInterval(() => this.#tick(), TICK_MS);
  }

  /** Take lines that are new or changed, and show the queue in this order; false if some lack. */
  apply({ order, lines, waiting, elapsed_s: elapsed }, currentId) {
    this.#take(lines, elapsed);
    const questions = order.map((id) => this.#lines.get(id)).filter(Boolean);
    this.#show({ questions, waiting, all: waiting, excluded: 0 }, currentId);
    return questions.length === order.length;
  }

  /**
   * `waiting` and `excluded` are what the filter leaves; `all` is how many wait without it;
   * `operator` is who looks; `check` is whether there is one that was answered for them.
   */
  show({ questions, waiting, all, excluded, operator, check }, currentId) {
    this.check = check === true;
    this.#operator = asText(operator);
    this.#take(questions, 0);
    this.#show({ questions, waiting, all, excluded }, currentId);
  }

  /** Remember lines, with the moments that their times mean. */
  #take(lines, elapsed) {
    const then = performance.now() / 1000 - elapsed;
    for (const line of lines) {
      line.born = then - line.age_s;
      line.deadline = then + (line.left_s ?? Infinity);
      this.#lines.set(line.id, line);
    }
  }

  #show({ questions, waiting, all, excluded }, currentId) {
    this.questions = questions;
    this.waiting = waiting;
    this.excluded = excluded;
    const wanted = new Set(questions.map((question) => question.id));
    for (const id of this.#lines.keys()) if (!wanted.has(id)) this.#lines.delete(id);
    for (const [id, row] of this.#rows) {
      if (wanted.has(id)) continue;
      row.item.remove();
      this.#rows.delete(id);
    }
    const more = waiting - questions.length;
    const rest = questions.length ? [] : [word('queue.none')];
    if (more > 0) rest.push(word('queue.more', { n: more }));
    if (all > waiting) rest.push(word('filter.of-all', { n: waiting, all }));
    say(this.#rest, rest.join(' · '));
    this.#currentId = currentId;
    clearTimeout(this.#later);
    this.#showRows(0);
  }

  /** Show the rows from one on, some of them later if many are new. */
  #showRows(first) {
    let made = 0;
    for (let at = first; at < this.questions.length; at += 1) {
      const question = this.questions[at];
      let row = this.#rows.get(question.id);
      if (!row) {
        if (made === ROWS_AT_ONCE) {
          this.#later = setTimeout(() => this.#showRows(at));
          break;
        }
        made += 1;
        row = this.#makeRow(question);
      }
      row.born = question.born;
      row.deadline = question.deadline;
      row.whole = question.deadline - question.born;
      this.#fill(row, question);
      if (this.#list.children[at] !== row.item) {
        this.#list.insertBefore(row.item, this.#list.children[at] ?? null);
      }
    }
    this.mark(this.#currentId);
    this.#tick();
  }

  /** Mark the question that is open, or none. */
  mark(currentId) {
    this.#currentId = currentId;
    for (const [id, { button }] of this.#rows) {
      button.setAttribute('aria-current', String(id === currentId));
    }
  }

  /** How many could be opened, with those that are not listed. */
  get freeCount() {
    const forUs = this.questions.filter((question) => !question.excluded);
    return this.waiting - this.excluded - forUs.length + this.free().length;
  }

  /** Questions that nobody has, or that are still ours after a reload. */
  free() {
    return this.questions.filter((question) =>
      (question.mine || question.state === 'open') && !question.excluded);
  }

  /** The first free one, or null; what this operator skipped only `again`, and last. */
  next(except, again = false) {
    const free = this.free().filter((question) => !except.has(question.id));
    return free.find((question) => !question.skipped) ?? (again ? free[0] : null) ?? null;
  }

  #makeRow(question) {
    const picture = el('span', { class: 'thumb', 'aria-hidden': 'true' });
    const title = el('bdi', { class: 'title' });
    const asker = el('bdi', { class: 'asker', 'data-testid': 'asker' });
    const age = el('span', { class: 'age', 'data-testid': 'age' });
    const left = el('span', { class: 'left', 'data-testid': 'left' });
    const priority = el('span', {
      class: 'priority', 'data-testid': 'priority', title: word('queue.priority'),
    });
    const state = el('span', { class: 'badge' });
    const holder = el('span', { class: 'holder', 'data-testid': 'holder' });
    const images = el('span', { class: 'images', 'data-testid': 'images' });
    const shapes = el('span', { class: 'muted' });
    const patience = el(
      'span', { class: 'patience', 'data-testid': 'patience', 'aria-hidden': 'true' }, el('span'));
    const button = el(
      'button',
      { type: 'button', 'data-testid': 'question' },
      picture,
      el('span', { class: 'words' }, asker, title,
        el('span', { class: 'facts' }, left, age, priority, state, holder, images, shapes),
        patience),
    );
    button.dataset.id = asText(question.id);
    button.addEventListener('click', () => this.#onOpen(question.id));
    const row = {
      item: el('li', {}, button), button, picture, asker, title, age, left, priority, state,
      holder, images, shapes, patience,
    };
    this.#rows.set(question.id, row);
    return row;
  }

  #fill(row, question) {
    const url = ownPath(question.thumbnail);
    const sign = signOf(question);
    const shown = url ?? sign;
    if (row.shown !== shown) Object.assign(row, { shown, tries: 0, due: true });
    if (row.due) showPicture(row, url, sign);
    const asked = asText(question.instructions) || asText(question.program);
    const title = asked || word('queue.question');
    const free = question.excluded ? 'not-for-you' : 'open';
    const others = question.state === 'assigned' ? this.#takenBy(question) : free;
    const state = question.mine ? 'yours' : others;
    const who = state === 'taken' ? asText(question.holder) : '';
    const asker = [question.robot, question.camera].map(asText).filter(Boolean).join(' · ');
    say(row.asker, clipped(asker, 80));
    row.asker.title = clipped(asText(question.program), 120);
    say(row.title, clipped(title, 160));
    say(row.state, word(STATES[state]));
    say(row.holder, who && word('queue.holder', { who }));
    const { image_count: n } = question;
    say(row.images, n > 1 ? word('queue.images', { n }) : '');
    say(row.shapes, aboutShapes(question));
    say(row.priority, question.priority > 0 ? `P${question.priority}` : '');
    row.state.dataset.state = state;
  }

  /** One's own answer that can still be taken back holds a question as a colleague does. */
  #takenBy({ holder }) {
    return holder && this.#operator.startsWith(holder) ? 'sent' : 'taken';
  }

  #tick() {
    const now = performance.now() / 1000;
    for (const row of this.#rows.values()) {
      const age = now - row.born;
      say(row.age, ageText(age));
      row.age.dataset.age = age >= OLD_S ? 'old' : age >= AGING_S ? 'aging' : 'fresh';
      showLeft(row.left, row.deadline - now);
      showPatience(row.patience, row.deadline - now, row.whole);
      // There is no room for both, and this is the more urgent one.
      row.age.hidden = !row.left.hidden;
    }
  }
}

/** Show the small picture; one that does not come leaves a sign until the next refresh. */
function showPicture(row, url, sign) {
  row.due = false;
  if (!url) {
    row.picture.replaceChildren(sign);
    return;
  }
  const image = el('img', { src: url, alt: '', loading: 'lazy', draggable: 'false' });
  image.addEventListener('error', () => {
    image.replaceWith(sign);
    row.tries += 1;
    row.due = row.tries < PICTURE_TRIES;
  }, { once: true });
  row.picture.replaceChildren(image);
}

function aboutShapes(question) {
  if (question.api === 'heat') return kindName(question.kind).split(',')[0];
  return Number(question.priors) ? word('queue.shapes', { n: Number(question.priors) }) : '';
}
