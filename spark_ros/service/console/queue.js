// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// The list of questions, oldest first, with timers.

import { ageText, asText, clipped, counted, el, ownPath, say } from './dom.js';
import { kindName, kindSign } from './kinds.js';

const AGING_S = 60;
const OLD_S = 300;
const TICK_MS = 1000;

export class Queue {
  #list;
  #empty;
  #onOpen;
  #rows = new Map();

  questions = [];

  constructor(list, empty, onOpen) {
    this.#list = list;
    this.#empty = empty;
    this.#onOpen = onOpen;
    setInterval(() => this.#tick(), TICK_MS);
  }

  show(questions, currentId) {
    this.questions = questions;
    const now = performance.now() / 1000;
    const wanted = new Set(questions.map((question) => question.id));
    for (const [id, row] of this.#rows) {
      if (wanted.has(id)) continue;
      row.item.remove();
      this.#rows.delete(id);
    }
    questions.forEach((question, at) => {
      const row = this.#rows.get(question.id) ?? this.#makeRow(question);
      row.born = now - question.age_s;
      this.#fill(row, question, question.id === currentId);
      if (this.#list.children[at] !== row.item) {
        this.#list.insertBefore(row.item, this.#list.children[at] ?? null);
      }
    });
    this.#empty.hidden = questions.length > 0;
    this.#tick();
  }

  /** Questions that nobody has, or that are still ours after a reload. */
  free() {
    return this.questions.filter((question) =>
      (question.mine || question.state === 'open') && !question.excluded);
  }

  /** Questions that the asker does not want this operator to answer. */
  excluded() {
    return this.questions.filter((question) => question.excluded);
  }

  /** The oldest free one, or null. */
  next(except) {
    return this.free().find((question) => !except.has(question.id)) ?? null;
  }

  #makeRow(question) {
    const picture = el('span', { class: 'thumb' });
    const title = el('bdi', { class: 'title' });
    const age = el('span', { class: 'age', 'data-testid': 'age' });
    const state = el('span', { class: 'badge' });
    const shapes = el('span', { class: 'muted' });
    const button = el(
      'button',
      { type: 'button', 'data-testid': 'question' },
      picture,
      el('span', { class: 'words' }, title,
        el('span', { class: 'facts' }, age, state, shapes)),
    );
    button.dataset.id = asText(question.id);
    button.addEventListener('click', () => this.#onOpen(question.id));
    const row = { item: el('li', {}, button), button, picture, title, age, state, shapes, born: 0 };
    this.#rows.set(question.id, row);
    return row;
  }

  #fill(row, question, current) {
    const url = ownPath(question.image?.url);
    if (row.url !== url) {
      row.url = url;
      row.picture.replaceChildren(
        url
          ? el('img', { src: url, alt: '', loading: 'lazy', draggable: 'false' })
          : kindSign(question.kind),
      );
    }
    const title = asText(question.program) || asText(question.instructions) || 'Question';
    const free = question.excluded ? 'not for you' : 'open';
    const state = question.mine ? 'yours' : question.state === 'assigned' ? 'taken' : free;
    say(row.title, clipped(title, 120));
    say(row.state, state);
    say(row.shapes, aboutShapes(question));
    row.state.dataset.state = state;
    row.button.setAttribute('aria-current', String(current));
  }

  #tick() {
    const now = performance.now() / 1000;
    for (const row of this.#rows.values()) {
      const age = now - row.born;
      say(row.age, ageText(age));
      row.age.dataset.age = age >= OLD_S ? 'old' : age >= AGING_S ? 'aging' : 'fresh';
    }
  }
}

function aboutShapes(question) {
  if (question.api === 'heat') return kindName(question.kind).split(',')[0];
  return Number(question.priors) ? counted(question.priors, 'shape') : '';
}
