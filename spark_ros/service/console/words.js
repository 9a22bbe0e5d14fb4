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

  // Never lose, always mend
  'draft.title': ['Unfinished work', 'Angefangene Arbeit'],
  'draft.offer': [
    'You began to answer this question {age} ago.', 'Diese Frage haben Sie vor {age} angefangen.',
  ],
  'draft.use': ['Use it', 'Weitermachen'],
  'draft.anew': ['Start anew', 'Neu anfangen'],
  'held.left': ['Sent in {n} s', 'Wird in {n} s gesendet'],
  'held.undo': ['Undo', 'Zurückholen'],
  'skip.title': ['Leave it to somebody else', 'Jemand anderem überlassen'],
  'skip.reason': ['Why, for the next operator', 'Warum, für den Nächsten'],
  'skip.hint': [
    'Why? The next operator reads it. Enter skips without a reason.',
    'Warum? Der Nächste liest es. Mit Enter geht es ohne Grund weiter.',
  ],
  'skip.cancel': ['Cancel', 'Abbrechen'],
  'skip.send': ['Skip', 'Überspringen'],
  'skip.failed': ['Not skipped: {why} Your work is still here.', 'Nicht übersprungen: {why} Ihre Arbeit ist noch da.'],
  'skip.unsure': ['I am not sure', 'Ich bin mir nicht sicher'],
  'skip.knowledge': ['Somebody who knows more should look', 'Das sollte jemand ansehen, der mehr davon weiß'],
  'skip.long': ['It takes too long now', 'Es dauert jetzt zu lange'],
  'skip.others': ['Skipped by another operator:', 'Von jemand anderem übersprungen:'],
  'skip.yours': ['Skipped by you:', 'Von Ihnen übersprungen:'],
  'flag.cannotSee': ['What is attached cannot be made out', 'Was angehängt ist, ist nicht zu erkennen'],
  'flag.unclear': ['The instructions are unclear', 'Die Anweisungen sind unklar'],
  'flag.missing': ['The answer that fits is missing', 'Die passende Antwort fehlt'],
  'keys.skip': ['Skip: back to the queue, for somebody else', 'Überspringen: zurück in die Schlange, für jemand anderen'],
  'keys.undoSent': ['Take the last answer back, as long as it is not sent', 'Die letzte Antwort zurückholen, solange sie nicht gesendet ist'],
  'answers.name': ['answers', 'Antworten'],
  'answers.console': ['Console', 'Konsole'],
  'answers.title': ['My last answers', 'Meine letzten Antworten'],
  'answers.about': [
    'What you said, the newest first. The robot keeps the answer that it was given; what you note here is for those who use the answers later.',
    'Was Sie gesagt haben, das Neueste zuerst. Der Roboter behält die Antwort, die er bekam; was Sie hier anmerken, ist für alle, die die Antworten später verwenden.',
  ],
  'answers.none': ['You have not answered anything yet.', 'Sie haben noch nichts beantwortet.'],
  'answers.flags': ['Flags:', 'Kennzeichen:'],
  'answers.unnamed': ['no label', 'ohne Label'],
  'answers.picture': ['The picture with your answer', 'Das Bild mit Ihrer Antwort'],
  'answers.confirmed': ['confirmed', 'bestätigt'],
  'answers.changed': ['changed', 'geändert'],
  'answers.added': ['added', 'hinzugefügt'],
  'answers.removed': ['removed', 'entfernt'],
  'answers.note': ['What was wrong in this answer', 'Was an dieser Antwort falsch war'],
  'answers.send': ['Note it', 'Anmerken'],
  'statistics.skipped': ['Skipped', 'Übersprungen'],
  'statistics.noReason': ['without a reason', 'ohne Grund'],
  'answers.link': ['My answers', 'Meine Antworten'],
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
