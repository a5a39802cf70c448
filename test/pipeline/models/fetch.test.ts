import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FetchOptions, fetchFile } from '../../../src/pipeline/models/fetch.ts';
import type { FileProgress } from '../../../src/pipeline/models/progress.ts';
import { freePort } from '../../support/ports.ts';

const CONTENT = randomBytes(300_000);
const HALF = 150_000;
const WANTED = {
  file: 'weights.th',
  bytes: CONTENT.length,
  sha256: createHash('sha256').update(CONTENT).digest('hex'),
};
const QUICK = { answerMs: 400, stallMs: 400 };

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let folder: string;
let server: Server;
let address: string;
let requests: IncomingMessage[];
/** What the server does with the first request, the second and so on; the last answer stays. */
let answers: Answer[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fetch-'));
  requests = [];
  answers = [whole];
  server = createServer((request, response) => {
    const answer = answers[Math.min(requests.length, answers.length - 1)];
    requests.push(request);
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/models`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

const target = () => join(folder, WANTED.file);
const partial = () => `${target()}.partial`;
const get = (options: FetchOptions = {}) => fetchFile(WANTED, address, folder, { ...QUICK, ...options });
const ranges = () => requests.map(({ headers }) => headers.range);

const whole: Answer = (_, response) => {
  response.writeHead(200, { 'content-length': CONTENT.length, etag: '"one"' }).end(CONTENT);
};

/** Gives the rest that is asked for. */
const rest: Answer = ({ headers }, response) => {
  const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1]);
  const range = `bytes ${from}-${CONTENT.length - 1}/${CONTENT.length}`;
  response.writeHead(206, { 'content-range': range, etag: '"one"' }).end(CONTENT.subarray(from));
};

/** Announces all, gives the first `bytes` and cuts the connection. */
const cutAfter =
  (bytes: number, etag = '"one"'): Answer =>
  (_, response) => {
    response.writeHead(200, { 'content-length': CONTENT.length, etag });
    response.write(CONTENT.subarray(0, bytes), () => setTimeout(() => response.destroy(), 50));
  };

function leavePartial(bytes: Buffer, etag = '"one"'): void {
  writeFileSync(partial(), bytes);
  writeFileSync(`${partial()}.etag`, etag);
}

describe('a released file', () => {
  it('comes whole, tells its progress and leaves nothing else', async () => {
    const progress: FileProgress[] = [];
    expect(await get({ onProgress: (done) => progress.push(done) })).toBe(target());
    expect(readFileSync(target()).equals(CONTENT)).toBe(true);
    expect(readdirSync(folder)).toEqual([WANTED.file]);
    expect(progress.at(-1)).toEqual({ file: WANTED.file, bytes: CONTENT.length, total: CONTENT.length });
    expect(requests.map(({ url }) => url)).toEqual(['/models/weights.th']);
  });

  it('is not fetched again where it is', async () => {
    await get();
    await get();
    expect(requests).toHaveLength(1);
  });

  it('comes through a redirect, and from a mirror whose address ends with a slash and a query', async () => {
    answers = [(_, response) => response.writeHead(302, { location: '/elsewhere' }).end(), whole];
    await fetchFile(WANTED, `${address}/?sig=secret`, folder, QUICK);
    expect(requests.map(({ url }) => url)).toEqual(['/models/weights.th?sig=secret', '/elsewhere']);
  });
});

describe('a transfer that was cut off', () => {
  it('goes on by itself where it stopped, if the file is still the same', async () => {
    answers = [cutAfter(HALF), rest];
    await get();
    expect(readFileSync(target()).equals(CONTENT)).toBe(true);
    const from = Number(/\d+/.exec(ranges()[1]!)![0]);
    expect(from).toBeGreaterThan(0);
    expect(from).toBeLessThanOrEqual(HALF);
    expect(requests[1].headers['if-range']).toBe('"one"');
  });

  it('goes on after what an earlier process left', async () => {
    leavePartial(CONTENT.subarray(0, HALF));
    answers = [rest];
    const progress: number[] = [];
    await get({ onProgress: ({ bytes }) => progress.push(bytes) });
    expect(ranges()).toEqual([`bytes=${HALF}-`]);
    expect(progress[0]).toBeGreaterThan(HALF);
    expect(readFileSync(target()).equals(CONTENT)).toBe(true);
  });

  it('begins anew where the server knows no ranges or has another version', async () => {
    leavePartial(Buffer.alloc(HALF), '"old"');
    await get();
    expect(requests[0].headers['if-range']).toBe('"old"');
    expect(readFileSync(target()).equals(CONTENT)).toBe(true);
  });

  it('begins anew where the server cannot give the rest', async () => {
    leavePartial(CONTENT.subarray(0, HALF));
    answers = [(_, response) => response.writeHead(416).end(), whole];
    await get();
    expect(ranges()).toEqual([`bytes=${HALF}-`, undefined]);
    expect(readFileSync(target()).equals(CONTENT)).toBe(true);
  });

  it('is given up after three more tries, and what came is kept', async () => {
    const aBitMore: Answer = ({ headers }, response) => {
      const from = Number(/\d+/.exec(headers.range ?? '0')![0]);
      response.writeHead(from > 0 ? 206 : 200, {
        'content-range': `bytes ${from}-${CONTENT.length - 1}/${CONTENT.length}`,
        'content-length': CONTENT.length - from,
        etag: '"one"',
      });
      response.write(CONTENT.subarray(from, from + 1000), () => setTimeout(() => response.destroy(), 50));
    };
    answers = [aBitMore];
    await expect(get()).rejects.toThrow('the connection was cut off');
    expect(requests).toHaveLength(4);
    expect(statSync(partial()).size).toBe(4000);
  });

  it('is not tried again when nothing came', async () => {
    answers = [(request) => request.socket.destroy()];
    await expect(get()).rejects.toThrow('the connection was cut off');
    expect(requests).toHaveLength(1);
  });

  it('is known by its length where the server announced none', async () => {
    answers = [(_, response) => response.writeHead(200).end(CONTENT.subarray(0, HALF)), rest];
    await get();
    expect(ranges()).toEqual([undefined, `bytes=${HALF}-`]);
  });
});

describe('a transfer fails, with what was asked for and what came', () => {
  it('for a file that is not there', async () => {
    answers = [(_, response) => response.writeHead(404).end('no')];
    const failure = fetchFile(WANTED, `${address}?sig=secret`, folder, QUICK);
    await expect(failure).rejects.toMatchObject({
      code: 'model_unavailable',
      message: `${address}/weights.th could not be fetched: status 404.`,
    });
  });

  it('for another content, which is removed', async () => {
    const other = Buffer.from(CONTENT);
    other[HALF] ^= 1;
    answers = [(_, response) => response.end(other)];
    const got = createHash('sha256').update(other).digest('hex');
    await expect(get()).rejects.toThrow(`SHA-256 ${got}, expected was ${WANTED.sha256}`);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('for a wrong beginning that was gone on with', async () => {
    leavePartial(Buffer.alloc(HALF));
    answers = [rest];
    await expect(get()).rejects.toThrow(`expected was ${WANTED.sha256}`);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('for a file of another length, before anything is written', async () => {
    answers = [(_, response) => response.writeHead(200, { 'content-length': 7 }).end('a page.')];
    await expect(get()).rejects.toThrow('the file there has 7 bytes, the released one 300000');
    expect(existsSync(partial())).toBe(false);
  });

  it('for more bytes than the file has', async () => {
    answers = [(_, response) => response.writeHead(200).end(Buffer.concat([CONTENT, CONTENT]))];
    await expect(get()).rejects.toThrow('more than the 300000 bytes came');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('for another range than the one asked for', async () => {
    leavePartial(CONTENT.subarray(0, HALF));
    answers = [
      (_, response) => response.writeHead(206, { 'content-range': 'bytes 0-9/300000' }).end('0123456789'),
    ];
    await expect(get()).rejects.toThrow("asked for the bytes from 150000 on, it gave 'bytes 0-9/300000'");
    expect(statSync(partial()).size).toBe(HALF);
  });

  it('for a server that does not answer', async () => {
    answers = [() => {}];
    await expect(get()).rejects.toThrow('no answer within 0.4 s');
  });

  it('for a server that stops in the middle', async () => {
    const stalls: Answer = (_, response) => {
      response.writeHead(200, { 'content-length': CONTENT.length }).write(CONTENT.subarray(0, HALF));
    };
    answers = [stalls];
    await expect(get()).rejects.toThrow('nothing came for 0.4 s');
  });

  it('where nothing listens', async () => {
    const closed = `http://127.0.0.1:${await freePort()}`;
    await expect(fetchFile(WANTED, closed, folder)).rejects.toThrow(
      `${closed}/weights.th could not be fetched: connection refused.`,
    );
  });

  it('when it is canceled, with the reason; what came is kept', async () => {
    const cancel = new AbortController();
    const begins: Answer = (_, response) => {
      response.writeHead(200, { 'content-length': CONTENT.length }).write(CONTENT.subarray(0, HALF));
    };
    answers = [begins];
    const options = { signal: cancel.signal, onProgress: () => cancel.abort(new Error('enough')) };
    await expect(get(options)).rejects.toThrow('enough');
    expect(statSync(partial()).size).toBeGreaterThan(0);
  });
});
