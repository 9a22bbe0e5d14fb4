// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// What the page says about itself: the connection, notices, counts, and having nothing to do.

import { byId, counted, hook, say } from './dom.js';

const NOTICE_MS = 7000;
const CONNECTION = { live: 'live', lost: 'connection lost', connecting: 'connecting' };

const connection = { stream: 'connecting', reached: true };
let noticeTimer = null;

/** `stream`: of the changes, 'live' or 'lost'; `reached`: whether the last other call was answered. */
export function showConnection(change) {
  Object.assign(connection, change);
  const state = connection.reached ? connection.stream : 'lost';
  const element = hook('connection');
  element.dataset.state = state;
  say(element, CONNECTION[state]);
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
  document.title = waiting ? `(${waiting}) spark console` : 'spark console';
}

/**
 * Show the idle page: how many could be opened now, how many only by another operator, and whether
 * one of those that are listed can be opened.
 */
export function showIdle(waiting, excluded, openable) {
  const next = 'The next question appears here by itself the moment a robot asks.';
  const others = `${counted(excluded, 'question')} in the queue must be answered by another `
    + 'operator: the asker excluded you.';
  const done = excluded ? 'Nothing for you' : 'All answered';
  say(byId('idle-title'), waiting ? `${counted(waiting, 'question')} waiting` : done);
  say(byId('idle-text'), waiting ? '' : excluded ? others : next);
  byId('open-next').hidden = !openable;
}

export function showSignedOut() {
  say(byId('idle-title'), 'You are not signed in');
  say(byId('idle-text'), 'Make a new link with: spark-service login-link --data DIR');
  byId('open-next').hidden = true;
}
