// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Unfinished work, in the browser's storage: it survives a reload, a crash and a lost lease.

const PREFIX = 'spark-draft/';
const KEPT_MS = 24 * 3_600_000;
const MOST = 50;
const LONGEST = 512 * 1024;
// Of a history that makes a draft too long.
const SHORT_HISTORY = 3;

/** Keyed by operator and question; what another operator left here is deleted. */
export class Drafts {
  #storage;
  #clock;
  #operator = null;
  /** What this page kept, by question: it needs no storage, and is not offered but shown. */
  #here = new Map();

  constructor(storage = storageOf(globalThis), clock = Date.now) {
    this.#storage = storage;
    this.#clock = clock;
  }

  /** `operator` names who works here; nothing is stored before it is known. */
  setOperator(operator) {
    if (!operator || this.#operator === operator) return;
    this.#operator = operator;
    for (const [key, stored] of this.#all()) {
      if (!key.startsWith(this.#own) || this.#isOld(stored)) this.#storage.removeItem(key);
    }
    for (const [id, value] of this.#here) this.keep(id, value);
  }

  /** Keep what a form gave for a question; null for nothing. */
  keep(id, value) {
    if (value === null) {
      this.remove(id);
      return;
    }
    // What a form gives may go on changing with it.
    this.#here.set(id, structuredClone(value));
    if (!this.#operator || !this.#storage) return;
    const text = written({ at: this.#clock(), value });
    if (text.length > LONGEST) return;
    this.#makeRoom(id);
    this.#store(this.#own + id, text);
  }

  /** What is kept for a question: `value`, `at` in ms, and whether this page kept it; or null. */
  find(id) {
    if (this.#here.has(id)) return { value: this.#here.get(id), at: this.#clock(), here: true };
    const stored = this.#operator ? read(this.#storage?.getItem(this.#own + id)) : null;
    return stored && !this.#isOld(stored) ? { ...stored, here: false } : null;
  }

  /** Take what an earlier page stored as this page's: it is shown without asking. */
  adopt(id) {
    const found = this.find(id);
    if (found) this.#here.set(id, found.value);
  }

  remove(id) {
    this.#here.delete(id);
    if (this.#operator) this.#storage?.removeItem(this.#own + id);
  }

  /** Forget all of everybody's, for a logout. */
  clear() {
    this.#here.clear();
    for (const [key] of this.#all()) this.#storage.removeItem(key);
  }

  get #own() {
    return `${PREFIX}${this.#operator}/`;
  }

  /** All that is stored, the oldest first. */
  #all() {
    const { length } = this.#storage ?? [];
    const keys = Array.from({ length }, (_, at) => this.#storage.key(at));
    return keys
      .filter((key) => key.startsWith(PREFIX))
      .map((key) => [key, read(this.#storage.getItem(key))])
      .sort(([, a], [, b]) => (a?.at ?? 0) - (b?.at ?? 0));
  }

  #isOld(stored) {
    const age = this.#clock() - (stored?.at ?? 0);
    return !(age >= 0 && age < KEPT_MS);
  }

  #makeRoom(id) {
    const others = this.#all().filter(([key]) => key !== this.#own + id);
    for (const [key] of others.slice(0, Math.max(0, others.length + 1 - MOST))) {
      this.#storage.removeItem(key);
    }
  }

  /** The newest is worth most: it takes the place of the oldest where the storage is full. */
  #store(key, text) {
    const others = this.#all().map(([other]) => other).filter((other) => other !== key);
    for (;;) {
      try {
        this.#storage.setItem(key, text);
        return;
      } catch {
        if (!others.length) return;
        this.#storage.removeItem(others.shift());
      }
    }
  }
}

/** As JSON; where that is long, without most of the history. */
function written(draft) {
  const whole = JSON.stringify(draft);
  if (whole.length <= LONGEST) return whole;
  return JSON.stringify(draft, (name, value) => {
    const history = ['past', 'future'].includes(name) && Array.isArray(value);
    return history ? value.slice(-SHORT_HISTORY) : value;
  });
}

function read(text) {
  try {
    const stored = JSON.parse(text ?? 'null');
    return typeof stored?.at === 'number' && stored.value ? stored : null;
  } catch {
    return null;
  }
}

/** A browser may refuse it; then drafts live as long as the page. */
function storageOf(page) {
  try {
    return page.localStorage ?? null;
  } catch {
    return null;
  }
}
