// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// The side panel: what is asked, about what, and what the answer would be.

import { asText, byId, clipped, counted, el, safeUrl, say } from './dom.js';
import { isDoubted, scoreOf } from './shapes.js';

const MOST_ROWS = 200;
const MOST_REFERENCES = 24;

export class Panel {
  #editor;
  #response = byId('response');

  constructor(editor) {
    this.#editor = editor;
    editor.addEventListener('change', () => this.#update());
  }

  get response() {
    return this.#response.value.trim();
  }

  show(question, response = '') {
    byId('panel').hidden = false;
    byId('panel').querySelector('.scroll').scrollTop = 0;
    say(byId('program'), asText(question.program) || 'No program');
    byId('program-unknown').hidden = !question.program || question.program_known !== false;
    byId('position').hidden = !(question.image_count > 1);
    say(byId('position'), `image ${question.image_index + 1} of ${question.image_count}`);
    say(byId('instructions'), asText(question.instructions) || 'No instructions.');
    this.#showReferences(question.reference_images ?? []);
    this.#showDetails(question);
    this.#response.value = response;
    this.#update();
  }

  hide() {
    byId('panel').hidden = true;
  }

  #showReferences(references) {
    byId('references').replaceChildren(...references.slice(0, MOST_REFERENCES).map((given, at) => {
      const url = safeUrl(given);
      if (!url) return el('bdi', { class: 'muted' }, `Not loaded: ${clipped(asText(given), 200)}`);
      return el(
        'a',
        { href: url, target: '_blank', rel: 'noopener noreferrer' },
        el('img', { src: url, alt: `Reference image ${at + 1}`, loading: 'lazy' }),
      );
    }));
  }

  #showDetails(question) {
    const rows = Object.entries(question.metadata ?? {}).slice(0, MOST_ROWS);
    const body = byId('metadata').tBodies[0];
    body.replaceChildren(...rows.map(([name, value]) => makeRow(name, asText(value))));
    const about = {
      'asked by': question.tenant, created: timeText(question.created), token: question.token,
      'webhook URL': question.webhook_url,
    };
    for (const [name, value] of Object.entries(about)) {
      if (!value) continue;
      const row = makeRow(name, asText(value));
      row.classList.add('own');
      if (name === 'webhook URL') row.lastChild.dataset.testid = 'webhook';
      body.append(row);
    }
  }

  #update() {
    const shape = this.#editor.selected;
    say(byId('selection'), shape ? this.#describe(shape) : 'Nothing selected');
    byId('delete').disabled = !shape;
    byId('undo').disabled = !this.#editor.canUndo;
    byId('redo').disabled = !this.#editor.canRedo;
    say(byId('summary'), this.#summary());
  }

  #describe(shape) {
    const words = [this.#editor.describe(shape), shape.label || 'no label'];
    const status = this.#editor.status(shape);
    if (status !== 'untouched') return [...words, status].join(' · ');
    const score = scoreOf(shape.metadata);
    if (score !== null) words.push(`${Math.round(score * 100)} %`);
    if (isDoubted(shape.metadata)) words.push('doubted');
    return words.join(' · ');
  }

  #summary() {
    const { untouched, changed, added, removed } = this.#editor.counts();
    const words = [];
    if (untouched) words.push(`${untouched} confirmed`);
    if (changed) words.push(`${changed} changed`);
    if (added) words.push(`${added} added`);
    if (removed) words.push(`${removed} removed`);
    return words.join(' · ') || counted(0, 'shape');
  }
}

function makeRow(name, value) {
  return el('tr', {}, el('th', { scope: 'row' }, el('bdi', {}, name)), el('td', { dir: 'auto' }, value));
}

function timeText(value) {
  const time = typeof value === 'number' ? new Date(value * 1000) : new Date(value ?? NaN);
  return Number.isNaN(time.getTime()) ? asText(value) : time.toLocaleString();
}
