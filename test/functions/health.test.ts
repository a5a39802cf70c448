import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { emulatorAt } from '../../src/local/azurite/azurite.ts';
import { type Front, startFront } from '../support/front.ts';

/** What the worker promises is 100 ms; the machine may be busy with other tests. */
const AT_ONCE_MS = 500;
const KEY = 'a'.repeat(24);

let storage: Server;
/** Whether the storage takes requests and answers none. */
let isStuck = false;
let front: Front;
let folder: string;
const environment = { ...process.env };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'health-'));
  storage = createServer((_, answer) => {
    if (!isStuck) answer.writeHead(200, { etag: '"1"', 'content-length': 0 }).end();
  });
  await new Promise<void>((resolve) => storage.listen(0, '127.0.0.1', resolve));
  const { port } = storage.address() as AddressInfo;
  process.env.AZURE_STORAGE_CONNECTION_STRING = emulatorAt(port, 1).connectionString;
  process.env.DEMUCS_MODEL = 'spectral';
  process.env.WORK_DIR = folder;
  // A song that was decoded an hour ago by a process that is no more.
  mkdirSync(join(folder, KEY));
  for (const name of ['song.f32', 'song.json']) {
    writeFileSync(join(folder, KEY, name), '{}');
    utimesSync(join(folder, KEY, name), Date.now() / 1000 - 3600, Date.now() / 1000 - 3600);
  }
  front = await startFront();
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
  vi.restoreAllMocks();
});
afterAll(async () => {
  await front[Symbol.asyncDispose]();
  storage.closeAllConnections();
  storage.close();
  process.env = environment;
  rmSync(folder, { recursive: true });
});

interface Health {
  status: string;
  services: Record<string, string>;
  reasons: Record<string, string>;
  versions: Record<string, string>;
}
async function health(): Promise<Health & { ms: number }> {
  const asked = performance.now();
  const answer = await fetch(`${front.url}/health`);
  expect(answer.status).toBe(200);
  return { ...((await answer.json()) as Health), ms: performance.now() - asked };
}

it('a worker that starts removes what nobody needs of decoded songs', () => {
  expect(readdirSync(folder)).not.toContain(KEY);
});

describe('the decoder', () => {
  it('is told with its version', async () => {
    await vi.waitFor(async () => expect((await health()).versions.ffmpeg).toMatch(/^\d+\.\d+|^N-\d+/));
  });

  it.skipIf(process.platform === 'win32')('is warned of where it gets no security fixes', async () => {
    const old = join(folder, 'old-ffmpeg');
    writeFileSync(old, "#!/bin/sh\necho 'ffmpeg version 4.0 Copyright (c) 2000-2018'\n");
    chmodSync(old, 0o755);
    vi.stubEnv('FFMPEG_PATH', old);
    await vi.waitFor(async () =>
      expect(await health()).toMatchObject({
        versions: { ffmpeg: '4.0' },
        reasons: { ffmpeg: expect.stringMatching(/ffmpeg 4\.0; versions below 5\.1 get no security fixes/) },
      }),
    );
  });
});

it('27. A stuck dependency shows as degraded within its time-out, and health answers at once meanwhile', async () => {
  await vi.waitFor(async () => expect(await health()).toMatchObject({ status: 'healthy' }));
  isStuck = true;
  // What is known of the storage is ten seconds old; the time that it has for an answer, longer than health may take, is a second.
  const timeout = AbortSignal.timeout.bind(AbortSignal);
  vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => timeout(ms / 10));
  const later = Date.now() + 11_000;
  vi.spyOn(Date, 'now').mockImplementation(() => later);
  expect((await health()).ms).toBeLessThan(AT_ONCE_MS);
  const inTime = { timeout: 3000 };
  await vi.waitFor(async () => {
    const { ms, ...told } = await health();
    expect(ms).toBeLessThan(AT_ONCE_MS);
    expect(told).toMatchObject({ status: 'degraded', services: { storage: 'unavailable' } });
  }, inTime);
});
