// Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';

import { ApiError, getGroups } from '../../../spark_ros/service/console/api.js';

const { fetch } = globalThis;
let respond;
const server = createServer((request, response) => respond(response));

before(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = `http://127.0.0.1:${server.address().port}`;
  // In a browser a path is enough.
  globalThis.fetch = (path, options) => fetch(address + path, options);
});

after(() => {
  globalThis.fetch = fetch;
  server.closeAllConnections();
  server.close();
});

/** Answer with the status and the text, of which only so much is sent before the connection ends. */
function answer(status, text, sent = text.length) {
  respond = (response) => {
    response.writeHead(status, { 'Content-Length': text.length });
    response.write(text.slice(0, sent), () => sent < text.length && response.destroy());
    if (sent === text.length) response.end();
  };
}

const refused = (status) => (error) => error instanceof ApiError && error.status === status;

test('what is said is given', async () => {
  answer(200, '{"programs":[],"robots":[]}');
  assert.deepEqual(await getGroups(), { programs: [], robots: [] });
});

test('an answer that is cut off in the middle is a lost connection', async () => {
  answer(200, '{"programs":[],"robots":[]}', 10);
  await assert.rejects(getGroups(), refused(0));
  // As it looks where nothing says how long it is.
  answer(200, '{"programs"');
  await assert.rejects(getGroups(), refused(0));
});

test('a refusal keeps its status, with or without its reason', async () => {
  for (const [text, sent] of [['{"message":"no"}'], ['<!doctype html>'], ['{"message":"no"}', 5]]) {
    answer(409, text, sent);
    await assert.rejects(getGroups(), refused(409), text);
  }
});
