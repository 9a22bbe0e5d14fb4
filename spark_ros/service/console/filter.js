// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Which questions an operator wants: those of one program, of one robot, or all.

import { getGroups } from './api.js';
import { asText, clipped, el } from './dom.js';
import { OneByOne } from './one_by_one.js';
import { word } from './words.js';

const LONGEST_NAME = 60;
const NAMES = { program: 'filter.program', robot: 'filter.robot' };
const ALL = { program: 'filter.all-programs', robot: 'filter.all-robots' };

export class Filter {
  #selects;
  #known = new Set();
  // An older list must not come after a newer one.
  #reading = new OneByOne(() => this.#read());

  /** `element` gets the two lists; `onChange()` hears of a choice. */
  constructor(element, onChange) {
    this.#selects = { program: makeSelect('program'), robot: makeSelect('robot') };
    for (const select of Object.values(this.#selects)) {
      select.addEventListener('change', onChange);
      select.addEventListener('focus', () => this.#reading.run());
    }
    element.append(...Object.values(this.#selects));
  }

  /** What is wanted: `program` and `robot`, null for all of them. */
  get value() {
    return {
      program: chosen(this.#selects.program), robot: chosen(this.#selects.robot),
    };
  }

  get active() {
    return Object.values(this.value).some((name) => name !== null);
  }

  /** Offer the programs and robots of these questions, if they are new. */
  notice(questions) {
    const names = questions.map(({ program, robot }) => JSON.stringify([program, robot]));
    if (names.every((name) => this.#known.has(name))) return;
    for (const name of names) this.#known.add(name);
    // An open list must not change under the mouse; it was read anew when it was reached.
    if (!Object.values(this.#selects).includes(document.activeElement)) this.#reading.run();
  }

  /** Ask the service what there is, listed or not. */
  async #read() {
    const groups = await getGroups().catch(() => null);
    if (!groups) return;
    fill(this.#selects.program, groups.programs);
    fill(this.#selects.robot, groups.robots);
  }
}

function makeSelect(kind) {
  return el('select', {
    'data-testid': `filter-${kind}`, 'aria-label': word(NAMES[kind]), hidden: '',
  }, el('option', { value: '' }, word(ALL[kind])));
}

/** The first option is for all; the others keep their name as it is, which may be ''. */
function chosen(select) {
  return select.selectedIndex < 1 ? null : select.selectedOptions[0].value;
}

function fill(select, groups) {
  const name = chosen(select);
  const listed = groups.map((group) => ({ name: asText(group.name), waiting: group.waiting }));
  // What was chosen stays so when nothing of it waits.
  if (name !== null && !listed.some((group) => group.name === name)) {
    listed.push({ name, waiting: 0 });
  }
  const options = listed.map((group) => el('option', { value: group.name, dir: 'auto' },
    `${clipped(group.name, LONGEST_NAME) || word('filter.none')} (${Number(group.waiting)})`));
  select.replaceChildren(select.options[0], ...options);
  select.selectedIndex = name === null ? 0 : listed.findIndex((group) => group.name === name) + 1;
  select.hidden = listed.length < 2 && name === null;
}
