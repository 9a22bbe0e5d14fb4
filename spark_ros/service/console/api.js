// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
// What the console asks of the service.

import { language, word } from './words.js';

const BASE = '/console/api';
const TIMEOUT_MS = 15000;
const UPLOAD_TIMEOUT_MS = 600000;
const RECONNECT_MS = 2000;
const STATUS = {
  401: 'error.401', 403: 'error.403', 404: 'error.404', 409: 'error.409', 413: 'error.413',
  429: 'error.429',
};

/** status 0: the service could not be reached. */
export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const call = (method, path, body, options) => send(method, BASE + path, body, options);

async function send(method, url, body, options = {}) {
  const file = body instanceof FormData;
  let response;
  let value = null;
  try {
    response = await fetch(url, {
      method,
      cache: 'no-store',
      credentials: 'same-origin',
      headers: file
        ? { 'X-Requested-With': 'console' }
        : { 'X-Requested-With': 'console', 'Content-Type': 'application/json' },
      body: file || body === undefined ? body : JSON.stringify(body),
      signal: AbortSignal.timeout(file ? UPLOAD_TIMEOUT_MS : TIMEOUT_MS),
      ...options,
    });
    value = await response.json();
  } catch {
    // A refusal may come from a proxy, without JSON; what is not refused was cut off on the way.
    // The words are read for longer than it may be so.
    if (!response || response.ok) throw new ApiError(0, word('error.unreached'));
  }
  if (!response.ok) {
    throw new ApiError(response.status, wordsFor(response.status, value?.message));
  }
  return value;
}

/** What the service says of itself is English; elsewhere its status must do. */
function wordsFor(status, reason) {
  if (language === 'en' && typeof reason === 'string') return reason;
  return word(STATUS[status] ?? (status >= 500 ? 'error.service' : 'error.status'), { status });
}

const question = (id, verb) => `/questions/${encodeURIComponent(id)}/${verb}`;

/** `wanted`: the `program` and `robot` of the questions, null for all. */
export const getQueue = (wanted) => call('GET', `/queue${queryOf(wanted)}`);
export const getGroups = () => call('GET', '/queue/groups');
/**
 * Claim the first question that is wanted and not `skipped`; its `id` is null if there is none.
 * `again`: also one that this operator left to others, after all others.
 */
export const claimNext = (wanted, skipped, again) =>
  call('POST', '/next', { ...wanted, skipped, again });
export const getQuestion = (id) => call('GET', `/questions/${encodeURIComponent(id)}`);
export const claim = (id) => call('POST', question(id, 'claim'), {});
export const heartbeat = (id) => call('POST', question(id, 'heartbeat'), {});
export const answer = (id, body) =>
  call('POST', question(id, body.images ? 'answer-images' : 'answer'), body);
export const getSessions = () => call('GET', '/sessions');
export const revoke = (id) => call('POST', `/sessions/${encodeURIComponent(id)}/revoke`, {});
export const undo = (id) => call('POST', question(id, 'undo'), {});
export const skip = (id, reason) => call('POST', question(id, 'skip'), { reason });
export const getAnswers = () => call('GET', '/answers');
export const correct = (id, note) =>
  call('POST', `/answers/${encodeURIComponent(id)}/correction`, { note });
export const getStatistics = (hours) => call('GET', `/statistics?hours=${hours}`);
export const logOut = () => send('POST', '/logout', {});
export const flag = (id, reason) => call('POST', question(id, 'flag'), { reason });

function queryOf(wanted) {
  const named = Object.entries(wanted).filter(([, name]) => name !== null);
  return named.length ? `?${new URLSearchParams(named)}` : '';
}

/** Store a file for the answer; gives its `url`. */
export function upload(id, file) {
  const form = new FormData();
  form.append('file', file, file.name);
  return call('POST', question(id, 'upload'), form);
}

/** Also while the page is being left, where a beacon could not carry the header. */
export const release = (id) => call('POST', question(id, 'release'), {}, { keepalive: true });

/** Follow the queue for as long as the page lives; reconnects on its own. See live_queue.py. */
export function followQueue({ onChange, onConnected, onLost }) {
  let source;
  const connect = () => {
    source = new EventSource(`${BASE}/events`);
    source.addEventListener('open', onConnected);
    source.addEventListener('queue', (event) => onChange(JSON.parse(event.data)));
    source.addEventListener('error', () => {
      onLost();
      // The browser gives up by itself after an answer that is no event stream.
      if (source.readyState === EventSource.CLOSED) setTimeout(connect, RECONNECT_MS);
    });
  };
  connect();
  addEventListener('pagehide', () => source.close());
  addEventListener('pageshow', (event) => event.persisted && connect());
}
