// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// Every word that the console shows, in English and German; the browser says in which of them.

/** By name: [English, German]. `{name}` stands for a value; a text with `one` and `other` is
 * chosen by the value `n`. */
export const WORDS = {
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
  'summary.confirmed': ['{n} confirmed', '{n} bestätigt'],
  'summary.unchanged': ['{n} unchanged', '{n} unverändert'],
  'summary.changed': ['{n} changed', '{n} geändert'],
  'summary.added': ['{n} added', '{n} hinzugefügt'],
  'summary.removed': ['{n} removed', '{n} entfernt'],
  'summary.text': ['a text', 'ein Text'],
  'summary.none': ['0 shapes', '0 Formen'],
  'annotate.new-box': ['New box', 'Neuer Rahmen'],
  'annotate.video': ['Answer in words, or flag the question.',
    'Antworten Sie in Worten, oder melden Sie die Frage.'],
  'annotate.nothing': ['Nothing is drawn. Submit again to say that there is nothing.',
    'Nichts ist gezeichnet. Noch einmal senden heißt: Da ist nichts.'],
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
  'labels.of-next': ['Label of the next shape', 'Label der nächsten Form'],
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

  // Everywhere
  'page.title': ['spark console', 'spark-Konsole'],
  'page.console': ['console', 'Konsole'],
  'page.keys': ['Keys', 'Tasten'],
  'page.statistics': ['Statistics', 'Statistik'],
  'page.sessions': ['Sessions', 'Anmeldungen'],
  'page.log-out': ['Log out', 'Abmelden'],
  'page.queue': ['Queue', 'Warteschlange'],
  'page.menu': ['Menu', 'Menü'],
  'page.waiting': ['waiting', 'warten'],
  'page.answered': ['answered', 'beantwortet'],
  'page.connecting': ['connecting', 'verbindet'],
  'page.questions': ['Questions, the next one first', 'Fragen, die nächste zuerst'],
  'page.no-questions': ['No questions.', 'Keine Fragen.'],
  'page.asked-about': ['What is asked about', 'Worum es geht'],
  'page.moment': ['One moment', 'Einen Moment'],
  'page.open-next': ['Open the next', 'Nächste öffnen'],
  'page.question': ['Question', 'Frage'],
  'page.close': ['Close', 'Schließen'],
  'page.cancel': ['Cancel', 'Abbrechen'],

  // The stage
  'stage.image': ['The image that is asked about', 'Das Bild, um das es geht'],
  'stage.about': [
    'Image with its shapes. Tab goes through them, ? lists the keys.',
    'Bild mit seinen Formen. Tab geht sie durch, ? nennt die Tasten.',
  ],
  'stage.undo': ['Undo', 'Rückgängig'],
  'stage.redo': ['Redo', 'Wiederholen'],
  'stage.fit': ['Fit', 'Einpassen'],

  // The panel
  'panel.unknown-program': ['unknown program', 'unbekanntes Programm'],
  'panel.telephone': ['By telephone', 'Am Telefon'],
  'panel.dialling': ['Dialling', 'Wählen'],
  'panel.answer': ['Answer', 'Antwort'],
  'panel.label': ['Label', 'Bezeichnung'],
  'panel.delete': ['Delete', 'Löschen'],
  'panel.response': ['Response', 'Antwort in Worten'],
  'panel.own-words': [
    'In your own words, if the question asks for it', 'In eigenen Worten, falls danach gefragt ist',
  ],
  'panel.details': ['Details', 'Einzelheiten'],
  'panel.skip': ['Skip', 'Überspringen'],
  'panel.flag': ['Flag', 'Melden'],
  'panel.ctrl': ['Ctrl', 'Strg'],
  'panel.submit': ['Submit', 'Senden'],

  // Flagging
  'flag.why': ['Why can this not be answered?', 'Warum lässt sich das nicht beantworten?'],
  'flag.not-made-out': [
    'What is attached cannot be made out', 'Was angehängt ist, lässt sich nicht erkennen',
  ],
  'flag.unclear': ['The instructions are unclear', 'Die Anweisung ist unklar'],
  'flag.missing': ['The answer that fits is missing', 'Die passende Antwort fehlt'],
  'flag.reason': ['Reason', 'Grund'],
  'flag.send': ['Flag it', 'Melden'],

  // Sessions
  'sessions.title': ['Who is logged in', 'Wer angemeldet ist'],
  'sessions.since': ['Logged in', 'Angemeldet'],
  'sessions.seen': ['Last seen', 'Zuletzt gesehen'],
  'sessions.until': ['Until', 'Bis'],
  'sessions.ending': ['Ending it', 'Beenden'],
  'sessions.this': ['this browser', 'dieser Browser'],
  'sessions.revoke': ['Log it out', 'Abmelden'],

  // Logging in
  'login.title': ['Log in to the console', 'An der Konsole anmelden'],
  'login.once': [
    'This link logs one browser in, once. Use it in the browser in which you will answer.',
    'Dieser Link meldet einen Browser an, ein Mal. Er gehört in den, in dem geantwortet wird.',
  ],
  'login.button': ['Log in', 'Anmelden'],
  'login.open': [
    'Open the login link that the service printed when it started. It works once, within a day.',
    'Den Link zum Anmelden öffnen, den der Dienst beim Start ausgab. Er gilt einen Tag, ein Mal.',
  ],
  'login.another': [
    'For another one, on the machine that runs the service:',
    'Einen weiteren gibt es auf dem Rechner, auf dem der Dienst läuft:',
  ],
  'login.api': ['The description of the API', 'Die Beschreibung der API'],

  // What the service refuses, where it says so in another language than the operator's
  'error.unreached': ['The service could not be reached.', 'Der Dienst ist nicht erreichbar.'],
  'error.401': ['You are not logged in.', 'Sie sind nicht angemeldet.'],
  'error.403': ['This is not allowed here.', 'Das ist hier nicht erlaubt.'],
  'error.404': ['It is not there, or no longer.', 'Das gibt es nicht oder nicht mehr.'],
  'error.409': [
    'The question is with somebody else, or closed.',
    'Die Frage hat jemand anders, oder sie ist erledigt.',
  ],
  'error.413': ['It is too large.', 'Das ist zu groß.'],
  'error.429': ['Too many calls; wait a moment.', 'Zu viele Anfragen; bitte kurz warten.'],
  'error.service': [
    'The service has a problem ({status}); try again.',
    'Der Dienst hat ein Problem ({status}); bitte noch einmal versuchen.',
  ],
  'error.status': ['The service answered {status}.', 'Der Dienst antwortete {status}.'],

  // Attachments
  'attachment.list': ['Attachments', 'Anhänge'],
  'attachment.only': ['Attachment', 'Anhang'],
  'attachment.of': ['Attachment {n} of {count}', 'Anhang {n} von {count}'],
  'attachment.number': ['Attachment {n}', 'Anhang {n}'],
  'attachment.marks': [
    { one: 'Attachment {at} · {n} mark', other: 'Attachment {at} · {n} marks' },
    { one: 'Anhang {at} · {n} Markierung', other: 'Anhang {at} · {n} Markierungen' },
  ],
  'media.no-address': ['Not an address:', 'Keine Adresse:'],
  'media.elsewhere': ['On another site:', 'Auf einer anderen Seite:'],
  'media.waiting': ['Being fetched from {host}:', 'Wird von {host} geholt:'],
  'media.not-fetched': ['Not fetched from {host}. The service says:',
    'Nicht geholt von {host}. Der Dienst sagt:'],
  'media.cannot-load': ['Cannot be loaded:', 'Lässt sich nicht laden:'],
  'media.video-fails': [
    'The video cannot be loaded. Skip the question, or flag it.',
    'Das Video lässt sich nicht laden. Die Frage überspringen oder melden.',
  ],
  'play.time': ['Time', 'Zeit'],
  'play.play': ['Play', 'Abspielen'],
  'play.pause': ['Pause', 'Anhalten'],
  'dial.call': ['Call', 'Anrufen:'],
  'dial.then': ['When it is answered:', 'Wenn abgenommen wird:'],
  'dial.wait': ['wait {seconds} s', '{seconds} s warten'],
  'dial.press': ['press {keys}', '{keys} drücken'],

  // Heat's questions
  'heat.excluded': [
    'You cannot answer this one: the asker excluded you (exclude_crunchers). Skip it; another '
      + 'operator can.',
    'Diese Frage ist nichts für Sie: Wer sie stellt, hat Sie ausgeschlossen (exclude_crunchers). '
      + 'Bitte überspringen; jemand anders kann sie beantworten.',
  ],
  'heat.ready': ['Ready to submit', 'Bereit zum Senden'],
  'choice.list': ['Choices', 'Auswahl'],
  'choice.number': ['Choice {n}', 'Auswahl {n}'],
  'choice.one': ['Choose one.', 'Eine Antwort wählen.'],
  'choice.exactly': ['Choose {min}.', '{min} Antworten wählen.'],
  'choice.one-or-none': ['Choose one, or none.', 'Eine Antwort wählen oder keine.'],
  'choice.any': ['Choose any.', 'Beliebig viele wählen.'],
  'choice.up-to': ['Choose any, at most {max}.', 'Beliebig viele wählen, höchstens {max}.'],
  'choice.at-least': [
    { one: 'Choose at least one.', other: 'Choose at least {n}.' },
    { one: 'Mindestens eine Antwort wählen.', other: 'Mindestens {n} Antworten wählen.' },
  ],
  'choice.from-to': ['Choose {min} to {max}.', '{min} bis {max} Antworten wählen.'],
  'choice.most': [
    {
      one: 'At most {n} choice: take one back first.',
      other: 'At most {n} choices: take one back first.',
    },
    {
      one: 'Höchstens {n} Antwort: zuerst eine zurücknehmen.',
      other: 'Höchstens {n} Antworten: zuerst eine zurücknehmen.',
    },
  ],
  'choice.help': ['Choose, or take the choice back', 'Wählen oder die Wahl zurücknehmen'],
  'so-far': ['{n} so far.', 'Bisher {n}.'],
  'rating.rating': ['Rating', 'Bewertung'],
  'rating.number': ['Rating as a number', 'Bewertung als Zahl'],
  'rating.choose': [
    'Choose a rating from {min} to {max}.', 'Eine Bewertung von {min} bis {max} wählen.',
  ],
  'rating.scale': ['The scale goes from {min} to {max}.', 'Die Skala reicht von {min} bis {max}.'],
  'rating.steps': [
    'The scale has steps of {step}; near are {below} and {above}.',
    'Die Skala hat Schritte von {step}; nahe sind {below} und {above}.',
  ],
  'rating.help-step': ['Change the rating by a step', 'Die Bewertung um einen Schritt ändern'],
  'rating.help-type': ['Type the rating', 'Die Bewertung eintippen'],
  'text.no-number': ['This is not a number.', 'Das ist keine Zahl.'],
  'text.no-digits': [
    'This is not a number; digits with a point, such as 12.5.',
    'Das ist keine Zahl; Ziffern mit einem Punkt, etwa 12.5.',
  ],
  'text.no-address': [
    'This is not an address; it starts with http:// or https://.',
    'Das ist keine Adresse; sie beginnt mit http:// oder https://.',
  ],
  'text.number': ['A number', 'Eine Zahl'],
  'text.yours': ['Your answer', 'Ihre Antwort'],
  'text.enter-number': ['Enter a number.', 'Eine Zahl eingeben.'],
  'text.write': ['Write an answer.', 'Eine Antwort schreiben.'],
  'text.help': ['Write the answer', 'Die Antwort schreiben'],
  'file.choose': ['Choose a file', 'Eine Datei wählen'],
  'file.image.send': ['Send an image as a file.', 'Ein Bild als Datei senden.'],
  'file.image.drop': ['Drop an image here.', 'Ein Bild hierher ziehen.'],
  'file.image.choose': ['Choose an image.', 'Ein Bild wählen.'],
  'file.image.wrong': ['“{name}” is not an image.', '„{name}“ ist kein Bild.'],
  'file.video.send': ['Send an MP4 video as a file.', 'Ein MP4-Video als Datei senden.'],
  'file.video.drop': ['Drop an MP4 video here.', 'Ein MP4-Video hierher ziehen.'],
  'file.video.choose': ['Choose an MP4 video.', 'Ein MP4-Video wählen.'],
  'file.video.wrong': ['“{name}” is not an MP4 video.', '„{name}“ ist kein MP4-Video.'],
  'file.audio.send': ['Send an audio file as a file.', 'Eine Tonaufnahme als Datei senden.'],
  'file.audio.drop': ['Drop an audio file here.', 'Eine Tonaufnahme hierher ziehen.'],
  'file.audio.choose': ['Choose an audio file.', 'Eine Tonaufnahme wählen.'],
  'file.audio.wrong': ['“{name}” is not an audio file.', '„{name}“ ist keine Tonaufnahme.'],
  'file.yours': ['Your file', 'Ihre Datei'],
  'file.on-its-way': ['The file is still on its way.', 'Die Datei ist noch unterwegs.'],
  'file.not-uploaded': ['Not uploaded: {error}', 'Nicht hochgeladen: {error}'],
  'file.uploading': ['Uploading…', 'Wird hochgeladen …'],
  'file.uploaded': ['Uploaded.', 'Hochgeladen.'],
  'file.help': [
    'Choose a file; it can also be dropped on the page',
    'Eine Datei wählen; sie lässt sich auch auf die Seite ziehen',
  ],

  // Marks
  'mark.up-to': ['Mark up to {max}.', 'Bis zu {max} Stellen markieren.'],
  'mark.all': ['Mark all there are, or none.', 'Alle markieren, die es gibt, oder keine.'],
  'mark.exactly': [
    { one: 'Mark {n}.', other: 'Mark {n}.' },
    { one: '{n} Stelle markieren.', other: '{n} Stellen markieren.' },
  ],
  'mark.from-to': ['Mark {min} to {max}.', '{min} bis {max} Stellen markieren.'],
  'mark.at-least': [
    { one: 'Mark at least {n}.', other: 'Mark at least {n}.' },
    { one: 'Mindestens {n} Stelle markieren.', other: 'Mindestens {n} Stellen markieren.' },
  ],
  'mark.most': [
    { one: 'At most {n} mark: delete one first.', other: 'At most {n} marks: delete one first.' },
    {
      one: 'Höchstens {n} Markierung: zuerst eine löschen.',
      other: 'Höchstens {n} Markierungen: zuerst eine löschen.',
    },
  ],
  'mark.lacking': ['Mark {n}: {problem}', 'Markierung {n}: {problem}'],
  'mark.ready': [
    { one: '{n} mark · ready to submit', other: '{n} marks · ready to submit' },
    { one: '{n} Markierung · bereit zum Senden', other: '{n} Markierungen · bereit zum Senden' },
  ],
  'mark.no-answer': ['no answer', 'ohne Antwort'],
  'mark.delete': ['Delete mark {n}', 'Markierung {n} löschen'],
  'mark.rectangle': ['Drag to draw a rectangle.', 'Ziehen zeichnet ein Rechteck.'],
  'mark.point': ['Click or tap to place a point.', 'Klicken oder Tippen setzt einen Punkt.'],
  'mark.new-rectangle': ['New rectangle', 'Neues Rechteck'],
  'mark.new-point': ['New point', 'Neuer Punkt'],
  'mark.text': ['Text', 'Text'],
  'mark.span': ['Select text to mark it.', 'Text auswählen, um ihn zu markieren.'],
  'mark.moment': ['Listen, and mark the moment.', 'Anhören und den Moment markieren.'],
  'mark.recording': ['Recording', 'Aufnahme'],
  'mark.recording-number': ['Recording {n}', 'Aufnahme {n}'],
  'mark.now': ['Mark this moment', 'Diesen Moment markieren'],
  'mark.time-of': ['{now} s of {length} s', '{now} s von {length} s'],
  'mark.help-attachment': [
    'The attachment before, the next one', 'Der Anhang davor, der nächste',
  ],
  'mark.help-step-on': [
    'Next mark, after the last one on to the panel; with Shift the other way',
    'Nächste Markierung, nach der letzten weiter zum Formular; mit Umschalt zurück',
  ],
  'mark.help-on-top': [
    'Mark even on top of another mark', 'Auch auf einer anderen Markierung markieren',
  ],
  'mark.help-delete': ['Delete the selected mark', 'Die ausgewählte Markierung löschen'],
  'mark.help-nudge': [
    'Nudge it by a pixel, with Shift by ten', 'Um ein Pixel verschieben, mit Umschalt um zehn',
  ],
  'mark.help-undo': ['Undo; Ctrl Shift Z: redo', 'Rückgängig; Strg Umschalt Z: wiederholen'],
  'mark.help-escape': ['Stop the drag, else deselect', 'Das Ziehen abbrechen, sonst abwählen'],
  'mark.help-zoom': [
    'Zoom; drag with Space held to move the image; 0 fits it again',
    'Vergrößern; mit gehaltener Leertaste das Bild ziehen; 0 passt es wieder ein',
  ],
  'mark.help-play': ['Play or pause', 'Abspielen oder anhalten'],
  'mark.help-play-space': ['Play or pause; Space too', 'Abspielen oder anhalten; auch Leertaste'],
  'mark.help-tenth': ['A tenth of a second back, on', 'Eine Zehntelsekunde zurück, weiter'],
  'mark.help-second': [
    'A second back, on; with Shift ten', 'Eine Sekunde zurück, weiter; mit Umschalt zehn',
  ],
  'mark.help-now': ['Mark the current time', 'Den jetzigen Moment markieren'],
  'mark.help-next': ['Next mark', 'Nächste Markierung'],
  'mark.help-word': [
    'Select the word before, the next one; with Shift more words',
    'Das Wort davor, das nächste auswählen; mit Umschalt mehr Wörter',
  ],
  'mark.help-span': ['Mark the selected text', 'Den ausgewählten Text markieren'],

  // Statistics
  'statistics.title': ['spark statistics', 'spark-Statistik'],
  'statistics.name': ['statistics', 'Statistik'],
  'statistics.time': ['Time', 'Zeitraum'],
  'statistics.day': ['24 hours', '24 Stunden'],
  'statistics.week': ['7 days', '7 Tage'],
  'statistics.console': ['Console', 'Konsole'],
  'statistics.by-program': ['By program', 'Nach Programm'],
  'statistics.program': ['Program', 'Programm'],
  'statistics.no-program': ['no program', 'ohne Programm'],
  'statistics.more': [
    { one: 'and {n} program with fewer answers', other: 'and {n} programs with fewer answers' },
    {
      one: 'und {n} Programm mit weniger Antworten',
      other: 'und {n} Programme mit weniger Antworten',
    },
  ],
  'statistics.answered': ['Answered', 'Beantwortet'],
  'statistics.by-operators': ['by operators', 'von Menschen'],
  'statistics.by-operator': ['By operator', 'Nach Personen'],
  'statistics.operator': ['Operator', 'Person'],
  'statistics.you': ['you', 'Sie'],
  'statistics.stands-out': ['stands out', 'fällt auf'],
  'statistics.flagged': ['Flagged', 'Gemeldet'],
  'statistics.working-median': ['Working, median', 'Arbeit, Median'],
  'statistics.accuracy': ['Known answers', 'Bekannte Antworten'],
  'statistics.agreement': ['Second opinions', 'Zweite Meinungen'],
  'statistics.of': ['{count} of {n}', '{count} von {n}'],
  'statistics.between': ['{low} to {high}', '{low} bis {high}'],
  'statistics.more-operators': [
    { one: 'and {n} more operator', other: 'and {n} more operators' },
    { one: 'und eine weitere Person', other: 'und {n} weitere Personen' },
  ],
  'statistics.about-accuracy': [
    ': how many were answered right.', ': wie viele richtig beantwortet wurden.',
  ],
  'statistics.about-agreement': [
    ': how often two operators agreed; who is wrong where they do not, is not known.',
    ': wie oft zwei Personen übereinstimmten; wer sonst irrt, ist nicht bekannt.',
  ],
  'statistics.about-intervals': [
    'A bar holds the true share 95 times in 100.',
    'Ein Balken enthält den wahren Anteil in 95 von 100 Fällen.',
  ],
  'statistics.about-standing-out': [
    ': worse than the others by more than chance, from ten checks on.',
    ': schlechter als die anderen, und nicht durch Zufall; ab zehn Prüfungen.',
  ],
  'statistics.waiting': ['Waiting', 'Warten'],
  'statistics.working': ['Working', 'Arbeit'],
  'statistics.delivery': ['Delivery', 'Zustellung'],
  'statistics.median': ['median', 'Median'],
  'statistics.share': ['95 %', '95 %'],
  'statistics.of-median': ['{phase}, median', '{phase}, Median'],
  'statistics.within': ['95 % within {time}', '95 % binnen {time}'],
  'statistics.without': ['Questions without an answer', 'Fragen ohne Antwort'],
  'statistics.without-answer': ['without an answer', 'ohne Antwort'],
  'statistics.an-hour': ['Answers an hour', 'Antworten je Stunde'],
  'statistics.answers': ['answers', 'Antworten'],
  'statistics.nothing': ['Nothing in this time', 'Nichts in diesem Zeitraum'],
  'statistics.about-waiting': [
    ': from the question to the claim that led to its answer.',
    ': von der Frage bis zu dem Moment, in dem sie zur Antwort übernommen wurde.',
  ],
  'statistics.about-working': [
    ': from that claim to the answer.', ': von diesem Moment bis zur Antwort.',
  ],
  'statistics.about-delivery': [
    ': from the answer until a webhook was accepted or the change feed gave it out, since the '
      + 'service started.',
    ': von der Antwort, bis ein Webhook angenommen wurde oder der Änderungsstrom sie ausgab, seit '
      + 'der Dienst gestartet ist.',
  ],
  'statistics.left-out': [
    'What is older than {since} is left out: there is too much of it.',
    'Was älter ist als {since}, fehlt: Es ist zu viel.',
  ],

  // Notices, and having nothing to do
  'notice.lost': [
    'The question is no longer yours: {reason}', 'Die Frage ist nicht mehr bei Ihnen: {reason}',
  ],
  'notice.absent': [
    'Nothing was done for a while, so the question went back to the queue.',
    'Eine Weile geschah nichts, darum ging die Frage zurück in die Schlange.',
  ],
  'notice.not-logged-out': ['Not logged out: {why}', 'Nicht abgemeldet: {why}'],
  'notice.not-opened': ['Could not open it: {why}', 'Sie ließ sich nicht öffnen: {why}'],
  'notice.not-sent': [
    'Not sent: {why} Your work is still here.', 'Nicht gesendet: {why} Ihre Arbeit ist noch da.',
  ],
  'notice.not-taken': ['Not taken: {why}', 'Nicht angenommen: {why}'],
  'notice.flagged': ['Flagged.', 'Gemeldet.'],
  'connection.live': ['live', 'verbunden'],
  'connection.lost': ['connection lost', 'Verbindung verloren'],
  'idle.waiting': [
    { one: '{n} question waiting', other: '{n} questions waiting' },
    { one: '{n} Frage wartet', other: '{n} Fragen warten' },
  ],
  'idle.done': ['All answered', 'Alles beantwortet'],
  'idle.next': [
    'The next question appears here by itself the moment a robot asks.',
    'Die nächste Frage erscheint hier von selbst, sobald ein Roboter fragt.',
  ],
  'idle.check': [
    'Nobody waits. There is one that a colleague has answered: your own view of it is wanted.',
    'Niemand wartet. Eine Frage hat schon jemand beantwortet: Gefragt ist, wie Sie sie sehen.',
  ],
  'idle.not-for-you': ['Nothing for you', 'Nichts für Sie'],
  'idle.excluded': [
    {
      one: '{n} question in the queue must be answered by another operator: the asker excluded '
        + 'you.',
      other: '{n} questions in the queue must be answered by another operator: the asker '
        + 'excluded you.',
    },
    {
      one: '{n} Frage in der Schlange muss jemand anders beantworten: Wer sie stellt, hat Sie '
        + 'ausgeschlossen.',
      other: '{n} Fragen in der Schlange muss jemand anders beantworten: Wer sie stellt, hat Sie '
        + 'ausgeschlossen.',
    },
  ],
  'idle.signed-out': ['You are not signed in', 'Sie sind nicht angemeldet'],
  'idle.login-link': ['Make a new link with: {command}', 'Einen neuen Link gibt: {command}'],
  'age.seconds': ['{n} s', '{n} s'],
  'age.minutes': ['{n} min', '{n} min'],
  'age.hours': ['{n} h', '{n} h'],
  'age.days': ['{n} d', '{n} T'],

  // Kinds of question; what stands before a comma is enough for a row of the queue
  'kind.annotate': ['Boxes', 'Rahmen'],
  'kind.multiple-choice': ['Multiple choice', 'Auswahl'],
  'kind.free-text': ['Free text', 'Freier Text'],
  'kind.rating': ['Rating', 'Bewertung'],
  'kind.image': ['Image wanted', 'Bild gesucht'],
  'kind.video': ['Video wanted', 'Video gesucht'],
  'kind.audio': ['Audio wanted', 'Tonaufnahme gesucht'],
  'kind.annotations': ['Annotations', 'Markierungen'],
  'kind.annotations-with-choice': [
    'Annotations, each with a choice', 'Markierungen, je mit einer Auswahl',
  ],
  'kind.annotations-with-text': [
    'Annotations, each with a text', 'Markierungen, je mit einem Text',
  ],
  'kind.annotations-with-rating': [
    'Annotations, each with a rating', 'Markierungen, je mit einer Bewertung',
  ],

  // What is known about a question
  'panel.no-instructions': ['No instructions.', 'Keine Anweisung.'],
  'about.asked-by': ['asked by', 'gefragt von'],
  'about.priority': ['priority', 'Vorrang'],
  'about.created': ['created', 'gestellt'],
  'about.token': ['token', 'Token'],
  'about.webhook': ['webhook URL', 'Webhook-URL'],
  'picture.not-here': [
    'It cannot be marked here. Flag the question, unless it asks for no marks.',
    'Hier lässt es sich nicht markieren. Melden Sie die Frage, wenn Markierungen verlangt sind.',
  ],
  'picture.video': [
    'Shapes cannot be drawn on a video; answer in words.',
    'Auf einem Video lässt sich nichts zeichnen; antworten Sie in Worten.',
  ],
  'picture.again': ['Try again', 'Noch einmal versuchen'],
  'picture.fails': [
    'The image cannot be loaded. Try again, or flag the question.',
    'Das Bild lässt sich nicht laden. Versuchen Sie es noch einmal, oder melden Sie die Frage.',
  ],

  // The queue
  'queue.none': ['No questions.', 'Keine Fragen.'],
  'queue.question': ['Question', 'Frage'],
  'queue.priority': ['Priority', 'Vorrang'],
  'queue.yours': ['yours', 'bei Ihnen'],
  'queue.sent': ['being sent', 'wird gesendet'],
  'queue.taken': ['taken', 'vergeben'],
  'queue.holder': ['by {who}', 'an {who}'],
  'queue.open': ['open', 'offen'],
  'queue.not-for-you': ['not for you', 'nicht für Sie'],
  'queue.images': [
    { one: '{n} image', other: '{n} images' }, { one: '{n} Bild', other: '{n} Bilder' },
  ],
  'queue.shapes': [
    { one: '{n} shape', other: '{n} shapes' }, { one: '{n} Form', other: '{n} Formen' },
  ],
  'queue.more': ['and {n} more', 'und {n} weitere'],
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
  'images.next': ['Next picture', 'Nächstes Bild'],
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
  'skip.failed': ['Not skipped: {why} Your work is still here.',
    'Nicht übersprungen: {why} Ihre Arbeit ist noch da.'],
  'skip.unsure': ['I am not sure', 'Ich bin mir nicht sicher'],
  'skip.knowledge': ['Somebody who knows more should look',
    'Das sollte jemand ansehen, der mehr davon weiß'],
  'skip.long': ['It takes too long now', 'Es dauert jetzt zu lange'],
  'skip.others': ['Skipped by another operator:', 'Von jemand anderem übersprungen:'],
  'skip.yours': ['Skipped by you:', 'Von Ihnen übersprungen:'],
  'key.ctrl': ['Ctrl', 'Strg'],
  'key.delete': ['Del', 'Entf'],
  'keys.submit': [
    'Submit; with nothing open, open the next question',
    'Senden; ist keine Frage offen, die nächste öffnen',
  ],
  'keys.submit-typing': [
    'Submit, also while typing; Esc leaves a text field',
    'Senden, auch beim Schreiben; Esc verlässt ein Textfeld',
  ],
  'keys.flag': ['Flag with a reason', 'Mit einem Grund melden'],
  'keys.these': ['These keys', 'Diese Tasten'],
  'keys.skip': ['Skip: back to the queue, for somebody else',
    'Überspringen: zurück in die Schlange, für jemand anderen'],
  'keys.undoSent': ['Take the last answer back, as long as it is not sent',
    'Die letzte Antwort zurückholen, solange sie nicht gesendet ist'],
  'answers.page': ['spark answers', 'spark-Antworten'],
  'answers.name': ['answers', 'Antworten'],
  'answers.console': ['Console', 'Konsole'],
  'answers.title': ['My last answers', 'Meine letzten Antworten'],
  'answers.about': [
    'What you said, the newest first. The robot keeps the answer that it was given; what you '
    + 'note here is for those who use the answers later.',
    'Was Sie gesagt haben, das Neueste zuerst. Der Roboter behält die Antwort, die er bekam; '
    + 'was Sie hier anmerken, ist für alle, die die Antworten später verwenden.',
  ],
  'answers.none': ['You have not answered anything yet.', 'Sie haben noch nichts beantwortet.'],
  'answers.flags': ['Flags: {flags}', 'Kennzeichen: {flags}'],
  'answers.flagged': ['You flagged it', 'Von Ihnen gemeldet'],
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
  'touch.tap': ['Tap', 'Tippen'],
  'touch.select': ['Select a shape; beside it, let it go',
    'Eine Form wählen; daneben lässt sie los'],
  'touch.two': ['Two fingers', 'Zwei Finger'],
  'touch.zoom': ['Zoom and move the picture', 'Das Bild vergrößern und verschieben'],
  'canvas.help.by-keys': [
    'Draw by keys: the arrows move the cross, Space or Enter places a point',
    'Mit Tasten zeichnen: Die Pfeile bewegen das Kreuz, Leertaste oder Enter setzt einen Punkt',
  ],
  'canvas.help.polygon': [
    'Draw a polygon: click each vertex; a double click, Enter or a click on the first one ends it',
    'Polygon zeichnen: jede Ecke anklicken; Doppelklick, Enter oder ein Klick auf die erste schließt es',
  ],
  'canvas.help.dot': ['Place dots with each click, until D again',
    'Mit jedem Klick einen Punkt setzen, bis wieder D'],
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

/** The same with the country, as dates and numbers are written there. */
export const locale = asked().find((tag) => languageOf(tag) === language) ?? language;

const plural = new Intl.PluralRules(language);
const numbers = new Intl.NumberFormat(locale);

/** The first language of the browser's that the console knows. */
function wanted() {
  return asked().map(languageOf).find((tag) => LANGUAGES.includes(tag));
}

function asked() {
  return globalThis.navigator?.languages ?? ['en'];
}

function languageOf(tag) {
  return tag.split('-')[0].toLowerCase();
}

/** A number as it is written there. */
export const number = (value, options) => value.toLocaleString(locale, options);

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
