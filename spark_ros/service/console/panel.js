// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// The side panel: what is asked, about what, by whom.

import { asText, byId, el, say } from './dom.js';
import { kindName } from './kinds.js';
import { showLeft } from './left.js';
import { References } from './references.js';
import { dateTime } from './times.js';
import { word } from './words.js';

const MOST_ROWS = 200;
const TICK_MS = 1000;

export class Panel {
  #deadline = Infinity;

  references = new References();

  constructor() {
    setInterval(() => this.#tick(), TICK_MS);
  }

  show(question) {
    byId('panel').hidden = false;
    byId('panel').querySelector('.scroll').scrollTop = 0;
    const heading = question.api === 'heat' ? kindName(question.kind) : word('filter.none');
    say(byId('program'), asText(question.program) || heading);
    byId('program-unknown').hidden = !question.program || question.program_known !== false;
    byId('position').hidden = !(question.image_count > 1);
    const instructions = asText(question.instructions) || asText(question.prompt?.instruction);
    say(byId('instructions'), instructions || word('panel.no-instructions'));
    showSkips(question.skips ?? []);
    this.references.show(question.reference_images ?? []);
    this.#showDetails(question);
    this.#deadline = performance.now() / 1000 + (question.left_s ?? Infinity);
    this.#tick();
  }

  #tick() {
    showLeft(byId('left'), this.#deadline - performance.now() / 1000);
  }

  hide() {
    byId('panel').hidden = true;
    this.references.clear();
  }

  #showDetails(question) {
    const rows = Object.entries(question.metadata ?? {}).slice(0, MOST_ROWS);
    const body = byId('metadata').tBodies[0];
    body.replaceChildren(...rows.map(([name, value]) => makeRow(name, asText(value))));
    const about = {
      'about.asked-by': question.tenant,
      'about.priority': question.priority,
      'about.created': timeText(question.created),
      'about.token': question.token,
      'about.webhook': question.webhook_url || question.hook_url,
    };
    for (const [name, value] of Object.entries(about)) {
      if (!value) continue;
      const row = makeRow(word(name), asText(value));
      row.classList.add('own');
      if (name === 'about.webhook') row.lastChild.dataset.testid = 'webhook';
      body.append(row);
    }
  }
}

/** Why others left the question to this operator. */
function showSkips(skips) {
  const said = skips.filter(({ reason }) => reason);
  byId('skips').hidden = !said.length;
  byId('skips').replaceChildren(...said.map(({ reason, mine }) =>
    el('p', { 'data-testid': 'skip-said' }, word(mine ? 'skip.yours' : 'skip.others'), ' ',
      el('bdi', {}, asText(reason)))));
}

function makeRow(name, value) {
  const heading = el('th', { scope: 'row' }, el('bdi', {}, name));
  return el('tr', {}, heading, el('td', { dir: 'auto' }, value));
}

function timeText(value) {
  const time = typeof value === 'number' ? new Date(value * 1000) : new Date(value ?? NaN);
  return Number.isNaN(time.getTime()) ? asText(value) : dateTime(time);
}
