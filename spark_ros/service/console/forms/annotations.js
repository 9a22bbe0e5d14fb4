// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Marks on an attachment, each perhaps with a question of its own.

import { Tabs } from '../attachments.js';
import { byId, clipped, el } from '../dom.js';
import { word } from '../words.js';
import { answerFor } from './answer.js';
import { PlaceMarks } from './place_marks.js';
import { TextSpans } from './text_spans.js';
import { TimeMarks } from './time_marks.js';

const LONGEST_WORDS = 80;
const SURFACES = { text: TextSpans, audio: TimeMarks };

export class Annotations {
  #question;
  #onChange;
  #surface;
  #inner = null;
  #tabs;
  #list = el('ol', { class: 'marks', 'data-testid': 'marks' });
  #about = el('div', { class: 'about', 'data-testid': 'about' });
  #listening = new AbortController();

  submitsFromField = false;

  constructor(question, { board, picture, onChange }) {
    this.#question = question;
    this.#onChange = onChange;
    if (question.per_annotation) {
      this.#inner = answerFor(question.per_annotation, {
        onChange: (hint) => (hint ? onChange(hint) : this.#respond()),
        onDone: () => this.#editor.settle(),
      });
    }
    const Surface = SURFACES[question.attachments_type] ?? PlaceMarks;
    this.#surface = new Surface(question, {
      board, picture, mayAdd: () => this.#mayAdd(), onAdded: () => this.#inner?.focus(),
      words: (shape) => this.#innerWords(shape),
    });
    const show = (at) => this.#showAttachment(at);
    this.#tabs = new Tabs(byId('tabs'), question.attachments.length, show);
    this.element = el('div', { class: 'answer' },
      el('p', { class: 'muted' }, `${this.#asked()} ${this.#surface.how}`), this.#list, this.#about);
  }

  /** Show the first attachment, with the marks that `draft` gave, if any. */
  start(draft) {
    this.#editor.load([], draft);
    this.#editor.addEventListener('change', () => this.#update(), this.#listening);
    this.#tabs.show(0);
    this.#update();
  }

  get #editor() {
    return this.#surface.editor;
  }

  get seen() {
    return this.#surface.seen;
  }

  get keys() {
    const { digit, respond } = this.#inner?.keys ?? {};
    const selected = (action) => (...values) => (this.#editor.selected ? action(...values) : false);
    return {
      ...this.#surface.keys,
      ...(digit && { digit: selected(digit) }),
      ...(respond && { respond: selected(respond) }),
      previousAttachment: () => this.#tabs.show(this.#tabs.shown - 1),
      nextAttachment: () => this.#tabs.show(this.#tabs.shown + 1),
    };
  }

  get help() {
    const several = this.#question.attachments.length > 1
      ? [[['[', ']'], word('mark.help-attachment')]]
      : [];
    const inner = (this.#inner?.help ?? []).filter(([keys]) => !keys.includes('←'));
    return [...this.#surface.help, ...inner, ...several];
  }

  /** The page's list of annotations. */
  get value() {
    const several = this.#question.attachments.length > 1;
    return this.#editor.shapes.map((shape) => ({
      ...this.#surface.placeOf(shape),
      ...(several && { attachment_index: shape.attachment }),
      ...(this.#inner && { response: shape.response }),
    }));
  }

  get draft() {
    return this.#editor.keep();
  }

  get problem() {
    const { min_annotations: min } = this.#question;
    const made = this.#editor.shapes.length;
    if (made < min) return `${this.#asked()} ${word('so-far', { n: made })}`;
    const lacking = this.#firstLacking();
    if (!lacking) return '';
    const problem = this.#problemOf(lacking);
    return word('mark.lacking', { n: this.#numberOf(lacking), problem });
  }

  get summary() {
    return word('mark.ready', { n: this.#editor.shapes.length });
  }

  showProblem() {
    const lacking = this.#firstLacking();
    if (!lacking) return;
    this.#select(lacking.key);
    this.#inner.focus();
  }

  focus() {
    this.#surface.focus();
  }

  leave() {
    this.#editor.settle();
    this.#surface.focus();
  }

  settle() {
    this.#editor.settle();
  }

  clear() {
    this.#listening.abort();
    this.#inner?.clear();
    this.#surface.clear();
  }

  #asked() {
    const { min_annotations: min, max_annotations: max } = this.#question;
    if (min === 0) return max ? word('mark.up-to', { max }) : word('mark.all');
    if (min === max) return word('mark.exactly', { n: min });
    return max ? word('mark.from-to', { min, max }) : word('mark.at-least', { n: min });
  }

  #mayAdd() {
    const { max_annotations: max } = this.#question;
    if (!max || this.#editor.shapes.length < max) return true;
    this.#onChange(word('mark.most', { n: max }));
    return false;
  }

  #showAttachment(at) {
    this.#editor.settle();
    const { selected } = this.#editor;
    if (selected && selected.attachment !== at) this.#editor.select(null);
    this.#surface.show(at);
  }

  #select(key) {
    this.#editor.select(key);
    const { selected } = this.#editor;
    if (selected) this.#surface.reveal?.(selected);
  }

  #respond() {
    const { selected } = this.#editor;
    if (!selected) return;
    this.#editor.preview(selected.key, { response: this.#inner.value });
    // Words are one step of the history only when they are complete.
    if (this.#question.per_annotation.kind === 'multiple-choice') this.#editor.settle();
  }

  #problemOf(shape) {
    return this.#inner.problemOf(shape.response);
  }

  #firstLacking() {
    if (!this.#inner) return null;
    return this.#editor.shapes.find((shape) => this.#problemOf(shape)) ?? null;
  }

  #numberOf(shape) {
    return this.#editor.shapes.indexOf(shape) + 1;
  }

  #innerWords(shape) {
    const { response } = shape;
    if (response === null || response === undefined || Number.isNaN(response)) return '';
    const words = Array.isArray(response) ? this.#choiceWords(response) : String(response);
    return clipped(words, LONGEST_WORDS);
  }

  #choiceWords(values) {
    const { choices, choices_type: type } = this.#question.per_annotation;
    if (type === 'text') return values.join(', ');
    const numbers = values.map((chosen) => choices.findIndex(({ value }) => value === chosen) + 1);
    return numbers.map((n) => word('choice.number', { n })).join(', ');
  }

  #update() {
    const { selected, shapes } = this.#editor;
    if (selected && selected.attachment !== this.#tabs.shown) this.#tabs.show(selected.attachment);
    this.#tabs.count(shapes.reduce((counts, { attachment }) => {
      counts[attachment] = (counts[attachment] ?? 0) + 1;
      return counts;
    }, []));
    this.#list.replaceChildren(...shapes.map((shape, at) => this.#makeRow(shape, at)));
    this.#showAbout(selected);
    this.#onChange();
  }

  #showAbout(selected) {
    this.#about.hidden = !selected || !this.#inner;
    if (this.#about.hidden) return;
    this.#inner.value = selected.response ?? null;
    if (!this.#about.childElementCount) {
      const asked = { class: 'per', dir: 'auto', 'data-testid': 'per-annotation' };
      this.#about.append(
        el('p', asked, this.#question.per_annotation.instruction), this.#inner.element);
    }
  }

  #makeRow(shape, at) {
    const words = this.#innerWords(shape);
    const button = el('button', { type: 'button', class: 'mark', 'data-testid': 'mark' },
      el('b', {}, String(at + 1)), el('span', { class: 'place' }, this.#surface.describe(shape)),
      el('bdi', {}, words || (this.#inner ? word('mark.no-answer') : '')));
    button.classList.toggle('lacking', this.#inner !== null && this.#problemOf(shape) !== '');
    button.setAttribute('aria-pressed', String(shape.key === this.#editor.selectedKey));
    button.addEventListener('click', () => this.#select(shape.key));
    const remove = el('button', {
      type: 'button', class: 'quiet', 'aria-label': word('mark.delete', { n: at + 1 }),
      'data-testid': 'delete-mark',
    }, '×');
    remove.addEventListener('click', () => this.#editor.remove(shape.key));
    return el('li', {}, button, remove);
  }
}
