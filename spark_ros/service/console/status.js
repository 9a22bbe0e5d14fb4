// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// What the page says about itself: the connection, notices, counts, and having nothing to do.

import { byId, hook, say } from './dom.js';
import { word } from './words.js';

const NOTICE_MS = 7000;
const LOGIN_LINK = 'spark-service login-link --data DIR';
const CONNECTION = {
  live: 'connection.live', lost: 'connection.lost', connecting: 'page.connecting',
};

const connection = { stream: 'connecting', reached: true };
let noticeTimer = null;

/** `stream`: of the changes, 'live' or 'lost'; `reached`: whether the last other call was answered. */
export function showConnection(change) {
  Object.assign(connection, change);
  const state = connection.reached ? connection.stream : 'lost';
  const element = hook('connection');
  element.dataset.state = state;
  say(element, word(CONNECTION[state]));
}

export function notify(text, lasting = false) {
  const element = byId('notice');
  clearTimeout(noticeTimer);
  element.hidden = !text;
  say(element, text);
  if (text && !lasting) noticeTimer = setTimeout(() => (element.hidden = true), NOTICE_MS);
}

export function showCounts(waiting, answered) {
  say(hook('waiting'), String(waiting));
  say(hook('answered'), String(answered));
  document.title = (waiting ? `(${waiting}) ` : '') + word('page.title');
}

/**
 * Show the idle page: how many could be opened now, how many only by another operator, whether one
 * of those that are listed can be opened, and whether there is one to check.
 */
export function showIdle(waiting, excluded, openable, check) {
  const done = word(excluded ? 'idle.not-for-you' : 'idle.done');
  const rest = word(check ? 'idle.check' : 'idle.next');
  const why = excluded && !check ? word('idle.excluded', { n: excluded }) : rest;
  say(byId('idle-title'), waiting ? word('idle.waiting', { n: waiting }) : done);
  say(byId('idle-text'), waiting ? '' : why);
  byId('open-next').hidden = !openable && !check;
}

export function showSignedOut() {
  say(byId('idle-title'), word('idle.signed-out'));
  say(byId('idle-text'), word('idle.login-link', { command: LOGIN_LINK }));
  byId('open-next').hidden = true;
}
