// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// The browsers that are logged in, and ending a session.

import * as api from './api.js';
import { byId, el, say } from './dom.js';
import { dateTime } from './times.js';
import { word } from './words.js';

export async function showSessions() {
  byId('session-list').replaceChildren();
  byId('sessions').showModal();
  await attempt(async () => {
    const { sessions } = await api.getSessions();
    byId('session-list').replaceChildren(...sessions.map(row));
  });
}

function row({ id, created, seen, expires, this: own }) {
  const cells = [created, seen, expires].map((time) => el('td', {}, dateTime(time)));
  const last = el('td', {}, own ? word('sessions.this') : revokeButton(id));
  return el('tr', { 'data-testid': 'session' }, ...cells, last);
}

function revokeButton(id) {
  const button = el('button', { type: 'button', 'data-testid': 'revoke' }, word('sessions.revoke'));
  button.addEventListener('click', () => attempt(async () => {
    await api.revoke(id);
    button.closest('tr').remove();
  }));
  return button;
}

async function attempt(action) {
  say(byId('sessions-problem'), '');
  try {
    await action();
  } catch (error) {
    say(byId('sessions-problem'), error.message);
  }
}
