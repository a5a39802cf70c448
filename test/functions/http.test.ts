import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_BODY_BYTES } from '../../src/functions/request-body.ts';
import { emulatorAt } from '../../src/local/azurite/azurite.ts';
import { type Front, startFront } from '../support/front.ts';

const MEGABYTE = 1_000_000;
const JSON_TYPE = { 'content-type': 'application/json' };
/** Refused by name, once it has arrived whole: so no storage is needed. */
const BODY = JSON.stringify({ audio_file_id: 'a', blob_uri: 'http://127.0.0.1:1/elsewhere/song.mp3' });
const ARRIVED = { code: 'invalid_request', detail: expect.stringContaining('blob_uri') };

let front: Front;
beforeAll(async () => {
  process.env.AZURE_STORAGE_CONNECTION_STRING = emulatorAt(1, 1).connectionString;
  front = await startFront();
});
afterAll(() => front[Symbol.asyncDispose]());

const post = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = JSON_TYPE) =>
  fetch(`${front.url}/analyze`, { method: 'POST', body, headers });

interface Answer {
  status: number;
  problem: { code: string; detail: string };
}

/** Sends chunk after chunk, without a length, all of it before it looks for the answer. */
async function sendChunks(chunks: readonly (Uint8Array | string)[], gapMs = 0): Promise<Answer> {
  const { port } = new URL(front.url);
  const socket = connect(Number(port), '127.0.0.1').pause();
  const write = (data: Uint8Array | string) =>
    new Promise<void>((resolve, reject) =>
      socket.write(data, (error) => (error ? reject(error) : resolve())),
    );
  await write(
    `POST /analyze HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`,
  );
  for (const chunk of chunks) {
    await write(`${Buffer.byteLength(chunk).toString(16)}\r\n`);
    await write(chunk);
    await write('\r\n');
    if (gapMs) await pause(gapMs);
  }
  await write('0\r\n\r\n');
  const text = (await socket.toArray()).join('');
  const [, status] = /^HTTP\/1.1 (\d+)/.exec(text) ?? [];
  return { status: Number(status), problem: JSON.parse(/^\{.*\}$/m.exec(text)![0]) };
}

async function healthTime(): Promise<number> {
  const start = performance.now();
  expect((await fetch(`${front.url}/health`)).status).toBe(200);
  return performance.now() - start;
}

describe('a body', () => {
  it.each([
    ['of JSON', JSON_TYPE],
    ['as curl sends it without further ado', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['of no type', { 'content-type': '' }],
  ])('%s is taken', async (_, headers) => {
    const answer = await post(BODY, headers);
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(await answer.json()).toMatchObject(ARRIVED);
  });

  it('in chunks, without a length, is taken', async () => {
    expect(await sendChunks([BODY.slice(0, 9), BODY.slice(9)], 20)).toMatchObject({
      status: 400,
      problem: ARRIVED,
    });
  });

  it('with a byte-order mark is taken', async () => {
    expect(await (await post(`\ufeff${BODY}`)).json()).toMatchObject(ARRIVED);
  });

  it('of just 64 kB is taken, and of a byte more refused', async () => {
    const padded = BODY.padEnd(MAX_BODY_BYTES);
    expect(await (await post(padded)).json()).toMatchObject(ARRIVED);
    expect(await sendChunks([padded])).toMatchObject({ problem: ARRIVED });
    const long = await post(`${padded} `);
    expect(long.status).toBe(413);
    expect(await long.json()).toMatchObject({
      code: 'request_too_large',
      detail: expect.stringMatching(/at most 65536 bytes, got 65537 bytes/),
    });
    expect(await sendChunks([padded, ' '])).toMatchObject({
      status: 413,
      problem: { code: 'request_too_large', detail: expect.stringContaining('got more') },
    });
  });

  it.each([
    ['that is empty', '', 'got nothing'],
    ['that is no JSON', '{"audio_file_id": ', 'expected a JSON object'],
    ['that is not in UTF-8', Buffer.from('{"audio_file_id": "\xe4"}', 'latin1'), 'UTF-8'],
    ['in UTF-16', Buffer.from(`\ufeff${BODY}`, 'utf16le'), 'UTF-8'],
    ['that is an array', '[1]', 'expected object'],
  ])('%s is refused in words', async (_, body, words) => {
    const answer = await post(body);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      code: 'invalid_request',
      detail: expect.stringContaining(words),
    });
  });

  it('that is compressed is refused by name', async () => {
    const answer = await post(gzipSync(BODY), { ...JSON_TYPE, 'content-encoding': 'gzip' });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ detail: expect.stringContaining('Content-Encoding: gzip') });
  });

  it('of 30 MB is refused, also to a client that sends all before it reads; health answers meanwhile', async () => {
    const sends = Array.from({ length: 6 }, (_, i) =>
      i % 2
        ? post(new Uint8Array(30 * MEGABYTE)).then(({ status }) => status)
        : sendChunks(Array(30).fill(new Uint8Array(MEGABYTE))).then(({ status }) => status),
    );
    const all = Promise.all(sends);
    const times: number[] = [];
    while ((await Promise.race([all, pause(5, 'sending')])) === 'sending') times.push(await healthTime());
    expect(await all).toEqual(Array(6).fill(413));
    expect(times.length).toBeGreaterThan(2);
    // Client, host and worker are one process here; what a body could stall is seconds.
    expect(Math.max(...times)).toBeLessThan(500);
  });

  it('that breaks off is no error of ours', async () => {
    const before = front.log();
    const { port } = new URL(front.url);
    for (const head of ['Content-Length: 1000', 'Transfer-Encoding: chunked']) {
      const socket = connect(Number(port), '127.0.0.1');
      socket.write(`POST /analyze HTTP/1.1\r\nHost: localhost:${port}\r\n${head}\r\n\r\n5\r\n{"aud`);
      await pause(100);
      socket.destroy();
      await pause(100);
    }
    expect(front.log()).toBe(before);
    expect(await (await post(BODY)).json()).toMatchObject(ARRIVED);
  });
});

it('2. `blob_uri` of another place -> 400; no request sent, no credential attached', async () => {
  const asked: string[] = [];
  const server = createServer((request, answer) => {
    asked.push(`${request.url} ${request.headers.authorization}`);
    answer.writeHead(200, { 'content-length': 1, etag: '"1"' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  // The storage is one account at a port; that of the server is another one's.
  for (const blob_uri of [
    `http://127.0.0.1:${port}/devstoreaccount1/audio-files/song.mp3`,
    `http://localhost:${port}/devstoreaccount1/audio-files/song.mp3`,
    `http://127.0.0.1:1@127.0.0.1:${port}/devstoreaccount1/audio-files/song.mp3`,
    `http://user:s3cret@127.0.0.1:${port}/devstoreaccount1/audio-files/song.mp3`,
    `http://[::ffff:127.0.0.1]:${port}/devstoreaccount1/audio-files/song.mp3`,
    `http://2130706433:${port}/devstoreaccount1/audio-files/song.mp3`,
    'http://127.0.0.1:1/devstoreaccount1/other/song.mp3',
    'http://127.0.0.1:1/otheraccount/audio-files/song.mp3',
    'file:///etc/hostname',
  ]) {
    const answer = await post(JSON.stringify({ audio_file_id: 'a', blob_uri }));
    expect(answer.status, blob_uri).toBe(400);
    const problem = await answer.json();
    expect(problem).toMatchObject({ code: 'invalid_request', detail: expect.stringMatching(/^blob_uri: /) });
    expect(JSON.stringify(problem)).not.toContain('s3cret');
  }
  server.close();
  expect(asked).toEqual([]);
});

describe('requests without a body', () => {
  it('are answered', async () => {
    expect((await fetch(`${front.url}/health`, { method: 'HEAD' })).status).toBe(200);
    const cancel = await fetch(`${front.url}/analyze/..%2fx`, { method: 'DELETE', body: 'whatever' });
    expect(await cancel.json()).toMatchObject({ code: 'invalid_request' });
    expect((await fetch(`${front.url}/analyze`, { method: 'PUT' })).status).toBe(405);
  });
});
