// gateway: the shop's front door. Serves the page, and hands /api/... to the services behind.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const page = readFileSync(new URL('index.html', import.meta.url));
const catalog = process.env.SVC_URL_CATALOG ?? 'http://127.0.0.1:8081';
const orders = process.env.SVC_URL_ORDERS ?? 'http://127.0.0.1:8082';
const port = Number(process.env.SVC_PORT ?? 8080);
const longestBody = 64 * 1024;

const routes = [
  ['GET', /^\/api(\/products)$/, catalog],
  ['POST', /^\/api(\/orders)$/, orders],
  ['GET', /^\/api(\/orders\/[0-9]+(?:\/receipt)?)$/, orders],
];

async function answer(request) {
  const path = request.url.split('?')[0];
  if (path === '/healthz') return [200, 'text/plain', 'ok\n'];
  if (path === '/') return [200, 'text/html; charset=utf-8', page];
  for (const [method, pattern, service] of routes) {
    const match = method === request.method && pattern.exec(path);
    if (match) return forward(request, service + match[1]);
  }
  return refusal(404, 'no such page');
}

async function forward(request, url) {
  const body = request.method === 'POST' ? await read(request) : undefined;
  if (body === null) return refusal(413, 'that is too long for an order');
  try {
    const signal = AbortSignal.timeout(10_000);
    const reply = await fetch(url, { method: request.method, body, signal });
    return [reply.status, reply.headers.get('content-type') ?? 'text/plain', await reply.text()];
  } catch (error) {
    return refusal(502, `${new URL(url).host} did not answer: ${error.cause?.code ?? error.name}`);
  }
}

async function read(request) {
  const chunks = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length <= longestBody) chunks.push(chunk);
  }
  return length <= longestBody ? Buffer.concat(chunks) : null;
}

function refusal(status, why) {
  return [status, 'application/json', JSON.stringify({ error: why })];
}

const server = createServer(async (request, response) => {
  try {
    const [status, type, body] = await answer(request);
    response.writeHead(status, { 'content-type': type }).end(body);
  } catch {
    response.destroy(); // the client left in the middle of its request
  }
});

server.listen(port, '127.0.0.1', () => {
  console.log(`gateway listening on 127.0.0.1:${server.address().port}`);
});
process.on('SIGTERM', () => process.exit(0));
