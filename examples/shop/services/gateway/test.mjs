// Starts the built gateway on a free port, in front of stubs of the services behind it.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';

// Says who was asked for what.
function stub(name) {
  return createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    response.writeHead(name === 'orders' && body === 'nonsense' ? 400 : 200);
    response.end(`${name}: ${request.method} ${request.url} ${body}`.trim());
  });
}

async function listen(server) {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `http://127.0.0.1:${server.address().port}`;
}

async function start(urls) {
  const env = { ...process.env, ...urls, SVC_PORT: '0' };
  const child = spawn(process.execPath, ['dist/server.mjs'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    return { child, url: `http://${line.split(' ').pop()}` };
  }
  throw new Error('the gateway ended before it listened');
}

async function stop(child) {
  child.kill('SIGTERM');
  const [status] = await once(child, 'exit');
  assert.equal(status, 0);
}

const stubs = { SVC_URL_CATALOG: stub('catalog'), SVC_URL_ORDERS: stub('orders') };
let gateway;

async function ask(path, options) {
  const reply = await fetch(gateway.url + path, options);
  return [reply.status, await reply.text()];
}

before(async () => {
  const urls = {};
  for (const [name, server] of Object.entries(stubs)) urls[name] = await listen(server);
  gateway = await start(urls);
});

after(async () => {
  for (const server of Object.values(stubs)) {
    server.close();
    server.closeAllConnections?.();
  }
  if (gateway) await stop(gateway.child);
});

test('is healthy', async () => {
  assert.deepEqual(await ask('/healthz'), [200, 'ok\n']);
});

test('serves one page with everything inside', async () => {
  const [status, page] = await ask('/');
  assert.equal(status, 200);
  assert.match(page, /<style>[^]*<h1>The little shop[^]*<script>/);
  assert.doesNotMatch(page, /<!-- (style|script) -->|src=|href=/);
});

test('hands requests to the service that knows', async () => {
  const body = '{"items":[]}';
  assert.deepEqual(await ask('/api/products'), [200, 'catalog: GET /products']);
  assert.deepEqual(await ask('/api/orders', { method: 'POST', body }), [200, `orders: POST /orders ${body}`]);
  assert.deepEqual(await ask('/api/orders/7'), [200, 'orders: GET /orders/7']);
  assert.deepEqual(await ask('/api/orders/7/receipt'), [200, 'orders: GET /orders/7/receipt']);
});

test('hands on refusals, and refuses by itself', async () => {
  const nonsense = { method: 'POST', body: 'nonsense' };
  assert.equal((await ask('/api/orders', nonsense))[0], 400);
  assert.equal((await ask('/api/orders', { method: 'POST', body: 'x'.repeat(70_000) }))[0], 413);
  assert.equal((await ask('/api/orders/7/../../secret'))[0], 404);
  assert.equal((await ask('/api/products', { method: 'POST', body: '' }))[0], 404);
});

test('says so when a service behind it is down', async () => {
  const dead = createServer((request) => request.destroy());
  const alone = await start({ SVC_URL_CATALOG: await listen(dead) });
  try {
    const reply = await fetch(`${alone.url}/api/products`);
    assert.equal(reply.status, 502);
    assert.match(await reply.text(), /did not answer/);
  } finally {
    dead.close();
    await stop(alone.child);
  }
});
