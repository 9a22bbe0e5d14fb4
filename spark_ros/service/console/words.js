// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Every word that the console shows, in English and German; the browser says in which of them.

/** By name: [English, German]. `{name}` stands for a value; a text with `one` and `other` is
 * chosen by the value `n`. */
export const WORDS = {
  // The queue
  'queue.more': ['and {n} more', 'und {n} weitere'],

  // The form of shapes on an image
  'shape.box': ['Box {at} of {n}', 'Rahmen {at} von {n}'],
  'shape.polygon': ['Polygon {at} of {n}', 'Polygon {at} von {n}'],
  'shape.dot': ['Dot {at} of {n}', 'Punkt {at} von {n}'],
  'shape.other': ['Shape {at} of {n}', 'Form {at} von {n}'],
  'shape.none': ['Nothing selected', 'Nichts gewählt'],
  'shape.unlabelled': ['no label', 'ohne Label'],
  'shape.score': ['{n} %', '{n} %'],
  'shape.changed': ['changed', 'geändert'],
  'shape.added': ['added', 'hinzugefügt'],
  'shape.removed': ['removed', 'entfernt'],
  'shape.accepted': ['accepted', 'angenommen'],
  'shape.doubted': ['doubted', 'angezweifelt'],
  'shape.delete': ['Delete', 'Löschen'],
  'summary.confirmed': ['{n} confirmed', '{n} bestätigt'],
  'summary.changed': ['{n} changed', '{n} geändert'],
  'summary.added': ['{n} added', '{n} hinzugefügt'],
  'summary.removed': ['{n} removed', '{n} entfernt'],
  'summary.none': ['0 shapes', '0 Formen'],
  'annotate.new-box': ['New box', 'Neuer Rahmen'],
  'annotate.video': ['Answer in words, or flag the question.',
    'Antworten Sie in Worten, oder melden Sie die Frage.'],
  'annotate.silent': ['Draw a box, answer in words, or flag the question.',
    'Zeichnen Sie einen Rahmen, antworten Sie in Worten, oder melden Sie die Frage.'],
  'help.digits': ['Give the selected shape that label; with none selected, the next new box',
    'Der gewählten Form dieses Label geben; ist keine gewählt, dem nächsten neuen Rahmen'],
  'help.accept': ['Accept the selected shape, on to the next to review; bring a removed one back',
    'Die gewählte Form annehmen, weiter zur nächsten; eine entfernte zurückholen'],
  'help.reject': ['Reject the selected shape, on to the next to review',
    'Die gewählte Form ablehnen, weiter zur nächsten'],
  'help.step': ['Next shape, after the last one on to the panel; with Shift the other way',
    'Nächste Form, nach der letzten weiter zur Seitenleiste; mit Umschalt rückwärts'],
  'help.drag-key': ['Drag', 'Ziehen'],
  'help.drag': ['Move or resize a shape, or draw a new box',
    'Eine Form verschieben, ihre Größe ändern oder einen neuen Rahmen zeichnen'],
  'help.draw': ['Draw the next box even on top of another shape',
    'Den nächsten Rahmen auch über einer anderen Form zeichnen'],
  'help.delete': ['Delete the selected shape', 'Die gewählte Form löschen'],
  'help.nudge': ['Nudge it by a pixel, with Shift by ten',
    'Sie um ein Pixel verschieben, mit Umschalt um zehn'],
  'help.undo': ['Undo; Ctrl Shift Z: redo', 'Rückgängig; Strg Umschalt Z: wiederholen'],
  'help.escape': ['Stop the drag, else deselect', 'Das Ziehen abbrechen, sonst nichts mehr wählen'],
  'help.label': ['Type a label; of many, a part of one and Enter, or ↓ to one of the last',
    'Ein Label tippen; von vielen einen Teil und Enter, oder ↓ zu einem der letzten'],
  'help.response': ['Write a response', 'Eine Antwort schreiben'],
  'help.wheel-key': ['Wheel', 'Rad'],
  'help.wheel': ['Zoom; drag with Space held to move the image; 0 fits it again',
    'Vergrößern; mit gedrückter Leertaste ziehen, um das Bild zu bewegen; 0 passt es ein'],

  // Labels
  'labels.of': ['Label · {shape}', 'Label · {shape}'],
  'labels.of-next': ['Label of the next box', 'Label des nächsten Rahmens'],
  'labels.find': ['Find a label', 'Ein Label suchen'],
  'labels.type': ['Type a label', 'Ein Label tippen'],

  // Reviewing what the robot sent
  'review.title': ['What the robot sees', 'Was der Roboter sieht'],
  'review.accept': ['Accept', 'Annehmen'],
  'review.reject': ['Reject', 'Ablehnen'],
  'review.restore': ['Bring back', 'Zurückholen'],
  'review.start': ['Review', 'Prüfen'],
  'review.left': [{ one: '{n} to review', other: '{n} to review' },
    { one: '{n} zu prüfen', other: '{n} zu prüfen' }],
  'review.done': ['All reviewed', 'Alles geprüft'],
  'review.open': ['to review', 'zu prüfen'],

  // Reference images
  'reference.name': ['Reference image {n}', 'Vergleichsbild {n}'],
  'reference.at': ['Reference {at} of {n}', 'Vergleich {at} von {n}'],
  'reference.beside': ['Reference image beside the picture', 'Vergleichsbild neben dem Bild'],
  'reference.next': ['Next reference image', 'Nächstes Vergleichsbild'],
  'reference.hide': ['Hide', 'Ausblenden'],
  'reference.closer': ['Zoom in', 'Vergrößern'],
  'reference.farther': ['Zoom out', 'Verkleinern'],
  'reference.fit': ['Fit', 'Einpassen'],
  'help.reference': ['The reference image beside the picture, then the next, at last none',
    'Das Vergleichsbild neben dem Bild, dann das nächste, zuletzt keines'],
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
