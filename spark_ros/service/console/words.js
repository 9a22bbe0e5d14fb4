// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Every word that the console shows, in English and German; the browser says in which of them.

/** By name: [English, German]. `{name}` stands for a value; a text with `one` and `other` is
 * chosen by the value `n`. */
export const WORDS = {
  // The queue
  'queue.more': ['and {n} more', 'und {n} weitere'],
  'queue.none': ['No questions.', 'Keine Fragen.'],
  'queue.question': ['Question', 'Frage'],
  'queue.priority': ['Priority', 'Vorrang'],
  'queue.yours': ['yours', 'bei Ihnen'],
  'queue.taken': ['taken', 'vergeben'],
  'queue.holder': ['by {who}', 'an {who}'],
  'queue.open': ['open', 'offen'],
  'queue.not-for-you': ['not for you', 'nicht für Sie'],
  'queue.images': [{ one: '{n} image', other: '{n} images' }, { one: '{n} Bild', other: '{n} Bilder' }],
  'queue.shapes': [{ one: '{n} shape', other: '{n} shapes' }, { one: '{n} Form', other: '{n} Formen' }],
  'queue.left': ['{time} left', 'noch {time}'],
  'filter.program': ['Program', 'Programm'],
  'filter.robot': ['Robot', 'Roboter'],
  'filter.all-programs': ['All programs', 'Alle Programme'],
  'filter.all-robots': ['All robots', 'Alle Roboter'],
  'filter.none': ['No program', 'Kein Programm'],
  'filter.of-all': ['{n} of {all} that wait', '{n} von {all} wartenden'],
  'notify.ask': ['Notify me', 'Benachrichtigen'],
  'notify.title': ['spark console', 'Spark-Konsole'],
  'notify.waiting': [
    { one: '{n} question waits', other: '{n} questions wait' },
    { one: '{n} Frage wartet', other: '{n} Fragen warten' },
  ],
  'images.strip': ['Images of this question', 'Bilder dieser Frage'],
  'images.position': ['image {at} of {n}', 'Bild {at} von {n}'],
  'images.looked': [
    { one: 'looked at, {n} mark', other: 'looked at, {n} marks' },
    { one: 'angesehen, {n} Markierung', other: 'angesehen, {n} Markierungen' },
  ],
  'images.new': ['not looked at yet', 'noch nicht angesehen'],
  'images.unlooked': ['Look at every image first.', 'Sehen Sie zuerst jedes Bild an.'],
  'images.keys': ['Previous and next image of the question', 'Voriges und nächstes Bild der Frage'],
};

export const LANGUAGES = ['en', 'de'];

export const language = LANGUAGES.find((each) => each === wanted()) ?? 'en';

const plural = new Intl.PluralRules(language);
const numbers = new Intl.NumberFormat(language);

/** The first language of the browser's that the console knows. */
function wanted() {
  const asked = globalThis.navigator?.languages ?? ['en'];
  return asked.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => LANGUAGES.includes(tag));
}

/** What is called `name` in the operator's language. */
export function word(name, values = {}) {
  const found = WORDS[name][LANGUAGES.indexOf(language)];
  const text = typeof found === 'string' ? found : found[plural.select(values.n)] ?? found.other;
  return text.replace(/\{(\w+)\}/g, (all, key) => {
    const value = values[key];
    return typeof value === 'number' ? numbers.format(value) : String(value);
  });
}

/** Fill the elements below `root` that name their words: in `data-word`, and of attributes, in
 * `data-word-aria-label` and the like. */
export function fillWords(root = document) {
  document.documentElement.lang = language;
  for (const element of root.querySelectorAll('[data-word]')) {
    element.textContent = word(element.dataset.word);
  }
  for (const attribute of ['aria-label', 'placeholder', 'title', 'alt']) {
    for (const element of root.querySelectorAll(`[data-word-${attribute}]`)) {
      element.setAttribute(attribute, word(element.getAttribute(`data-word-${attribute}`)));
    }
  }
}
