import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { endIdleProcesses } from '../../src/pipeline/compute/pool.ts';
import { readConfig } from '../../src/pipeline/config.ts';
import { serviceHealth } from '../../src/pipeline/health.ts';
import { download } from '../../src/pipeline/stages/download.ts';
import { separate } from '../../src/pipeline/stages/separate.ts';
import { installSmall } from '../support/models.ts';
import { newStorage, type TestStorage } from '../support/storage.ts';
import { writeTone } from '../support/tone.ts';

let storage: TestStorage;
let folder: string;
let weights: string;
const environment = { ...process.env };

beforeAll(async () => {
  storage = await newStorage();
  folder = mkdtempSync(join(tmpdir(), 'models-'));
  Object.assign(process.env, {
    AZURE_STORAGE_CONNECTION_STRING: storage.connectionString,
    MODELS_DIR: join(folder, 'models'),
    WORK_DIR: join(folder, 'work'),
  });
  const song = join(folder, 'song.wav');
  writeTone(song, { seconds: 3 });
  await storage.container.getBlockBlobClient('a/song.wav').uploadFile(song);
});
beforeEach(async () => {
  rmSync(join(folder, 'models'), { recursive: true, force: true });
  const { networks } = await installSmall(join(folder, 'models'), 'htdemucs');
  weights = join(networks[0].folder, 'weights.bin');
});
afterAll(async () => {
  process.env = environment;
  endIdleProcesses();
  rmSync(folder, { recursive: true });
});

/** Separates the song, under an id for which nothing is staged yet, as far as it goes. */
async function separated(audio_file_id: string): Promise<void> {
  const context = { container: storage.container, config: readConfig() };
  const song = await download({ audio_file_id, blob_name: 'a/song.wav' }, context);
  await separate({ ...song, pass: 0, first: 0, end: 1 }, context);
}

describe('19. Model missing, truncated, wrong checksum -> refused; health says so; liveness stays', () => {
  it('whole: it separates', async () => {
    await separated('whole');
    expect((await serviceHealth()).services.demucs).toBe('available');
  });

  it.each<[string, 'missing' | 'broken', () => void, RegExp]>([
    [
      'missing',
      'missing',
      () => rmSync(join(folder, 'models'), { recursive: true }),
      /'htdemucs' is not in .*fetch htdemucs/,
    ],
    [
      'truncated',
      'broken',
      () => writeFileSync(weights, readFileSync(weights).subarray(0, 1000)),
      /weights\.bin has 1000 bytes instead of \d+.*fetch htdemucs/,
    ],
    [
      'of a wrong checksum',
      'broken',
      () => {
        const bytes = readFileSync(weights);
        bytes[bytes.length >> 1] ^= 1;
        writeFileSync(weights, bytes);
      },
      /weights\.bin is not what was installed.*fetch htdemucs/,
    ],
  ])('%s', async (what, state, damage, message) => {
    endIdleProcesses(); // One that has the network open would go on with it.
    damage();
    await expect(separated(what.replaceAll(' ', '-'))).rejects.toMatchObject({
      code: 'model_unavailable',
      retryable: false,
      message: expect.stringMatching(message),
    });
    expect(await serviceHealth()).toMatchObject({
      healthy: false,
      services: { demucs: state },
      reasons: { demucs: expect.stringMatching(message) },
    });
  });
});
