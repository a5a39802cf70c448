import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endIdleProcesses } from '../../src/pipeline/compute/pool.ts';
import { readConfig } from '../../src/pipeline/config.ts';
import { download } from '../../src/pipeline/stages/download.ts';
import { separate, separationParts } from '../../src/pipeline/stages/separate.ts';
import { StagedStem } from '../../src/pipeline/storage/staged-stem.ts';
import { installSmall } from '../support/models.ts';
import { newStorage, type TestStorage } from '../support/storage.ts';
import { writeTone } from '../support/tone.ts';

const PART_LENGTHS = [1, 2, 3, 5];
const MODELS = ['htdemucs', 'spectral'];

let storage: TestStorage;
let folder: string;
const environment = { ...process.env };

beforeAll(async () => {
  storage = await newStorage();
  folder = mkdtempSync(join(tmpdir(), 'parts-'));
  Object.assign(process.env, {
    MODELS_DIR: join(folder, 'models'),
    WORK_DIR: join(folder, 'work'),
    WORKERS: '2',
  });
  await installSmall(process.env.MODELS_DIR!, 'htdemucs');
  const song = join(folder, 'song.wav');
  writeTone(song, { seconds: 21, output: ['-ac', '2', '-af', 'volume=2,tremolo=f=3:d=0.9'] });
  await storage.container.getBlockBlobClient('a/song.wav').uploadFile(song);
});
afterAll(async () => {
  endIdleProcesses();
  process.env = environment;
  rmSync(folder, { recursive: true });
});

/**
 * Separates the song in parts of so many segments, in an order of their own, some twice at once. Returns lengths and
 * checksums of the stems.
 */
async function separated(model: string, partSegments: number) {
  const context = { container: storage.container, config: { ...readConfig(), partSegments } };
  const song = await download({ audio_file_id: 'a', blob_name: 'a/song.wav', model }, context);
  const parts = separationParts(song.plan).toReversed();
  const twice = parts.length > 1 ? [parts[0]] : [];
  await Promise.all([...parts, ...twice].map((part) => separate({ ...song, ...part }, context)));
  return await Promise.all(
    song.plan.stems.map(async (stem) => {
      await new StagedStem(storage.container, 'a', stem, song.plan.run).commit(song.plan, song.source.frames);
      const blob = storage.container.getBlobClient(`a/stems/${stem}.wav`);
      const bytes = await blob.downloadToBuffer();
      await blob.delete();
      return { length: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
    }),
  );
}

describe.each(MODELS)('the stems of %s', (model) => {
  it('are the same to the last byte for every part length, order and number of processes', async () => {
    const whole = await separated(model, 1000);
    expect(whole.every(({ length }) => length > 1_000_000)).toBe(true);
    for (const partSegments of PART_LENGTHS) expect(await separated(model, partSegments)).toEqual(whole);
  });
});
