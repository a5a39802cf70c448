import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InvocationContext } from '@azure/functions';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { runActivity } from '../../src/functions/activities.ts';
import { interruptActivities } from '../../src/functions/activity-watch.ts';
import { requestCancel } from '../../src/pipeline/stages/cancel.ts';
import { stageContext } from '../../src/pipeline/stages/context.ts';
import { newStorage, type TestStorage } from '../support/storage.ts';

/** How often a stage looks whether its run was called off. */
const POLL_MS = 2_000;
/** Time that the decoder has to end. */
const LIMIT_MS = 1_000;

let storage: TestStorage;
let folder: string;
const environment = { ...process.env };
const started = () => join(folder, 'pid');

beforeAll(async () => {
  storage = await newStorage();
  folder = mkdtempSync(join(tmpdir(), 'signals-'));
  const decoder = join(folder, 'ffmpeg');
  writeFileSync(
    decoder,
    `#!/bin/sh\n[ "$1" = -version ] && echo "ffmpeg version 9.0" && exit\necho $$ > '${started()}'\nexec sleep 60\n`,
  );
  chmodSync(decoder, 0o755);
  Object.assign(process.env, {
    AZURE_STORAGE_CONNECTION_STRING: storage.connectionString,
    DEMUCS_MODEL: 'spectral',
    WORK_DIR: join(folder, 'work'),
    FFMPEG_PATH: decoder,
  });
  await storage.container.getBlockBlobClient('song.wav').uploadData(Buffer.from('RIFF\0\0\0\0WAVEfmt '));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(started(), { force: true });
});
afterAll(async () => {
  process.env = environment;
  rmSync(folder, { recursive: true });
});

/** The download of a song, whose decoder works by now and would for a minute. */
async function decodingOf(id: string) {
  const call = { audio_file_id: id, attempt: 1, input: { audio_file_id: id, blob_name: 'song.wav' } };
  const quiet = { log: () => {}, error: () => {} } as unknown as InvocationContext;
  const outcome = runActivity('download', call, quiet);
  outcome.catch(() => {});
  await vi.waitFor(() => expect(existsSync(started()) && readFileSync(started(), 'utf8')).toMatch(/\d\n/), {
    timeout: 10_000,
  });
  const pid = Number(readFileSync(started(), 'utf8'));
  return { outcome, isAlive: () => readdirSync('/proc').includes(`${pid}`) };
}

describe.runIf(process.platform === 'linux')('the decoder of a stage that is under way', () => {
  it('is ended when the run is called off', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const { outcome, isAlive } = await decodingOf('canceled');
    await requestCancel('canceled', { code: 'canceled', message: 'The run was cancelled.' }, stageContext());
    const asked = performance.now();
    vi.advanceTimersByTime(POLL_MS);
    expect(await outcome).toMatchObject({ error: { code: 'canceled' } });
    expect(performance.now() - asked).toBeLessThan(LIMIT_MS);
    expect(isAlive()).toBe(false);
    expect(readdirSync(join(folder, 'work'))).toEqual([]);
  });

  it('is ended when the worker is stopped', async () => {
    const { outcome, isAlive } = await decodingOf('stopped');
    const asked = performance.now();
    interruptActivities();
    await expect(outcome).rejects.toMatchObject({ code: 'interrupted' });
    expect(performance.now() - asked).toBeLessThan(LIMIT_MS);
    expect(isAlive()).toBe(false);
  });
});
