// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Every word that the console shows, in English and German; the browser says in which of them.

/** By name: [English, German]. `{name}` stands for a value; a text with `one` and `other` is
 * chosen by the value `n`. */
export const WORDS = {
  // The queue
  'queue.more': ['and {n} more', 'und {n} weitere'],

  // The canvas
  'canvas.polygon': ['Polygon', 'Polygon'],
  'canvas.dot': ['Dot', 'Punkt'],
  'canvas.finish': ['Done', 'Fertig'],
  'canvas.zoom-in': ['Zoom in', 'Vergrößern'],
  'canvas.zoom-out': ['Zoom out', 'Verkleinern'],
  'canvas.actual': ['Actual size', 'Originalgröße'],
  'canvas.fit': ['Fit', 'Einpassen'],
  'canvas.closer': ['Look closer', 'Genauer ansehen'],
  'canvas.before': ['Previous', 'Zurück'],
  'canvas.next': ['Next', 'Weiter'],
  'canvas.close': ['Close', 'Schließen'],
  'canvas.help.by-keys': [
    'Draw by keys: the arrows move the cross, Space or Enter places a point',
    'Mit Tasten zeichnen: Die Pfeile bewegen das Kreuz, Leertaste oder Enter setzt einen Punkt',
  ],
  'canvas.help.polygon': [
    'Draw a polygon: click each vertex; a double click, Enter or a click on the first one ends it',
    'Polygon zeichnen: jede Ecke anklicken; Doppelklick, Enter oder ein Klick auf die erste schließt es',
  ],
  'canvas.help.dot': ['Place a dot', 'Punkt setzen'],
  'canvas.help.vertex': [
    'Add a vertex after the one that is taken; Del removes that one',
    'Ecke nach der gewählten einfügen; Entf entfernt die gewählte',
  ],
  'canvas.help.handle': [
    'Take the next corner or vertex, with Shift the previous one; the arrows move it',
    'Nächste Ecke wählen, mit Umschalt die vorige; die Pfeile bewegen sie',
  ],
  'canvas.help.cycle': [
    'Select the next of the shapes that lie on each other',
    'Die nächste der übereinander liegenden Formen wählen',
  ],
  'canvas.help.bare': ['Hide all shapes while held', 'Alle Formen ausblenden, solange gedrückt'],
  'canvas.help.actual': [
    'A pixel of the picture on each of the screen', 'Ein Bildpunkt je Punkt des Bildschirms',
  ],
  'canvas.help.closer': [
    'Look closer at a picture that is not drawn on', 'Ein Bild vergrößern, auf dem nichts gezeichnet wird',
  ],
  'canvas.light': ['Light', 'Licht'],
  'canvas.brightness': ['Brightness', 'Helligkeit'],
  'canvas.contrast': ['Contrast', 'Kontrast'],
  'canvas.normal': ['Normal', 'Normal'],
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
