import { once } from 'node:events';
import { Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MAX_BODY_BYTES } from '../../../src/local/http/body.ts';
import { type Front, startFront } from '../../support/front.ts';

const APP = join(import.meta.dirname, '../fixtures/host-app');

/** What holds for an app whether it streams HTTP or not, and what doesn't. An app is loaded once in a process. */
export function httpSuite(streams: boolean): void {
  let front: Front;
  beforeAll(async () => {
    if (streams) process.env.HTTP_STREAM = '1';
    front = await startFront(APP, 'v1');
  });
  afterAll(() => front[Symbol.asyncDispose]());

  /** Sends a text without its length. */
  async function postChunked(path: string, text: string) {
    const request = httpRequest(front.url + path, { method: 'POST' });
    request.write(text);
    request.end();
    const [response] = await once(request, 'response');
    return { status: response.statusCode, text: (await response.toArray()).join('') };
  }

  test('a function gets parameters, query, headers and body, and its answer arrives whole', async () => {
    const response = await fetch(`${front.url}/v1/Things/7/a%20b?q=1&q=2`, {
      method: 'POST',
      headers: { 'x-asked': 'yes' },
      body: 'hello',
    });
    expect(response.status).toBe(201);
    expect(response.headers.get('set-cookie')).toBe('a=b; Path=/; HttpOnly');
    expect(await response.json()).toEqual({
      params: { id: '7', part: 'a b' },
      query: ['1', '2'],
      header: 'yes',
      body: 'hello',
    });
  });

  test('an optional parameter may be missing, and a catch-all takes slashes', async () => {
    const bare = (await (await fetch(`${front.url}/v1/things/7`)).json()) as { params: object };
    expect(bare.params).toEqual({ id: '7' });
    const bytes = new Uint8Array(await (await fetch(`${front.url}/v1/files/a/b`)).arrayBuffer());
    expect([...bytes]).toEqual([0, 255, 3]);
  });

  test('a function sees the address that was asked for, and no header that belongs to the connection', async () => {
    const { host } = new URL(front.url);
    for (const method of ['POST', 'DELETE']) {
      const response = await fetch(`${front.url}/v1/seenHeaders?a=%20b`, {
        method,
        headers: {
          'x-forwarded-host': 'evil.example',
          'x-forwarded-proto': 'https',
          'x-ms-invocation-id': 'mine',
        },
        body: 'x',
      });
      const { url, headers } = (await response.json()) as { url: string; headers: Record<string, string> };
      expect(url).toBe(`http://${host}/v1/seenHeaders?a=%20b`);
      expect(headers).toMatchObject({ host, 'content-length': '1' });
    }
  });

  test('HEAD, 204 and 304 are answered without a body, and connections stay good', async () => {
    const head = await fetch(`${front.url}/v1/files/a`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    if (!streams) expect(head.headers.get('content-length')).toBe('3');
    for (const status of [204, 304]) {
      const answer = await fetch(`${front.url}/v1/status/${status}`);
      expect([answer.status, answer.headers.get('etag'), await answer.text()]).toEqual([status, '"1"', '']);
      expect(answer.headers.get('x-hop')).toBe(streams ? null : '1');
    }
    expect((await fetch(`${front.url}/v1/things/7`)).status).toBe(201);
  });

  test.each([
    ['GET', '/v1/nothing', 404],
    ['GET', '/things/7', 404],
    ['DELETE', '/v1/files/a', 405],
    ['GET', '/v1/files/%E0%A4', 400],
    ['GET', '/v1/broken', 500],
  ])('%s %s is answered with %i', async (method, path, status) => {
    expect((await fetch(front.url + path, { method })).status).toBe(status);
  });

  test('a body beyond what Azure takes is refused with 413', async () => {
    const body = new Uint8Array(MAX_BODY_BYTES + 1);
    expect((await fetch(`${front.url}/v1/things/7`, { method: 'POST', body })).status).toBe(413);
    const events = await fetch(`${front.url}/runtime/webhooks/durabletask/orchestrators/x`, {
      method: 'POST',
      body: new Uint8Array(2_000_000),
    });
    expect(events.status).toBe(413);
  });

  test('a connection whose request was answered before it was whole serves the next one', async () => {
    using agent = Object.assign(new Agent({ keepAlive: true, maxSockets: 1 }), {
      [Symbol.dispose]: () => agent.destroy(),
    });
    const ask = async (path: string, body: Buffer) => {
      const request = httpRequest(front.url + path, { method: 'POST', agent });
      request.end(body);
      const [response] = await once(request, 'response');
      await response.toArray();
      return { status: response.statusCode, port: request.socket?.localPort };
    };
    const { status, port } = await ask('/v1/nothing', Buffer.alloc(10_000_000));
    expect(status).toBe(404);
    expect(await ask('/v1/things/7', Buffer.from('x'))).toEqual({ status: 201, port });
  });

  test('a client that asks before it sends a body is told to go on', async () => {
    const request = httpRequest(`${front.url}/v1/things/7`, {
      method: 'POST',
      headers: { expect: '100-continue', 'content-length': 2 },
    });
    request.flushHeaders();
    await once(request, 'continue');
    request.end('ok');
    const [response] = await once(request, 'response');
    expect(JSON.parse((await response.toArray()).join(''))).toMatchObject({ body: 'ok' });
  });

  test.each(['/v1/things/7', '/runtime/webhooks/durabletask/instances'])(
    '%s is not for pages elsewhere, nor under a foreign name',
    async (path) => {
      const ask = async (headers: Record<string, string> | string[]) => {
        const request = httpRequest(front.url + path, { headers });
        request.end();
        const [response] = await once(request, 'response');
        return [response.statusCode, JSON.parse((await response.toArray()).join('') || '{}').code];
      };
      expect(await ask({ host: 'evil.example:7071' })).toEqual([421, 'foreign_host']);
      expect(await ask(['host', 'localhost', 'host', 'evil.example'])).toEqual([421, 'foreign_host']);
      expect(await ask({ origin: 'https://evil.example' })).toEqual([403, 'foreign_origin']);
      expect((await ask({ origin: front.url }))[0]).not.toBe(403);
    },
  );

  if (!streams) {
    test('a body without its length is dropped, as on the real host', async () => {
      const { status, text } = await postChunked('/v1/things/7', 'hello');
      expect([status, JSON.parse(text).body]).toEqual([201, '']);
    });

    test('a function that returns nothing answers 204', async () => {
      expect((await fetch(`${front.url}/v1/forgetful`)).status).toBe(204);
    });
    return;
  }

  describe('streaming', () => {
    test('a body without its length arrives', async () => {
      const { status, text } = await postChunked('/v1/things/7', 'hello');
      expect([status, JSON.parse(text).body]).toEqual([201, 'hello']);
    });

    test('goes both ways at once', { timeout: 5000 }, async () => {
      const request = httpRequest(`${front.url}/v1/mirror`, { method: 'POST' });
      request.write('one');
      const [response] = await once(request, 'response');
      const parts = response[Symbol.asyncIterator]();
      expect(`${(await parts.next()).value}`).toBe('one');
      request.end('two');
      expect(`${(await parts.next()).value}`).toBe('two');
      expect(await parts.next()).toMatchObject({ done: true });
    });

    test('ends for the function where the client goes away', async () => {
      const request = httpRequest(`${front.url}/v1/mirror`, { method: 'POST' });
      request.on('error', () => {});
      request.write('one');
      await once(request, 'response');
      request.destroy();
      await pause(100);
      expect((await fetch(`${front.url}/v1/things/7`)).status).toBe(201);
    });

    test('a function that returns nothing is told of: the real host would wait for it', {
      timeout: 20_000,
    }, async () => {
      expect((await fetch(`${front.url}/v1/forgetful`)).status).toBe(500);
      expect(front.log()).toContain('It returned nothing');
    });

    test("the worker's own server is on this machine alone, takes what the host sends, and ends with the app", async () => {
      const { hostname, port } = front.app.httpProxy!;
      expect(hostname).toBe('127.0.0.1');
      const stranger = await fetch(`http://${hostname}:${port}/v1/things/7`, {
        headers: { 'x-ms-invocation-id': 'made-up', 'x-forwarded-host': 'a', 'x-forwarded-proto': 'http' },
      });
      expect(stranger.status).toBe(404);
      expect((await fetch(`http://${hostname}:${port}/`)).status).toBe(404);
      await front.app.terminate();
      const gone = connect(port, hostname);
      expect((await once(gone, 'error'))[0]).toMatchObject({ code: 'ECONNREFUSED' });
      expect((await fetch(`${front.url}/v1/things/7`)).status).toBe(500);
    });
  });
}
