import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readConfig } from '../../src/pipeline/config.ts';
import { analyze } from '../../src/pipeline/stages/analyze.ts';
import { assemble } from '../../src/pipeline/stages/assemble.ts';
import { download } from '../../src/pipeline/stages/download.ts';
import { separate } from '../../src/pipeline/stages/separate.ts';
import { upload } from '../../src/pipeline/stages/upload.ts';
import { openContainer, readJson } from '../../src/pipeline/storage/container.ts';
import { end, type Place, startWorker } from '../support/commands.ts';
import { completed, leftoversOf, outputsOf, until } from '../support/runs.ts';
import { aPlaceWithStorage, newStorage } from '../support/storage.ts';
import { FAULTS, startFaultyStorage } from '../support/storage-proxy.ts';
import { writeTone } from '../support/tone.ts';

/** `npm run test:chaos` disturbs more songs. */
const SONGS = process.env.CHAOS === 'full' ? 10 : 1;
const SECONDS = process.env.CHAOS === 'full' ? 25 : 12;
const SEED = Number(process.env.CHAOS_SEED ?? 1);
/** Share of the requests to the storage that fail. */
const FAULT_RATE = 0.1;

let place: Place;
let song: string;
beforeAll(async () => {
  place = await aPlaceWithStorage({
    DEMUCS_MODEL: 'spectral',
    SEPARATION_PART_SEGMENTS: '1',
    STORAGE_TRY_TIMEOUT_SECONDS: '1',
  });
  song = join(place.folder, 'song.wav');
  writeTone(song, { seconds: SECONDS, output: ['-ac', '2', '-af', 'volume=4,tremolo=f=3:d=0.9'] });
});
afterAll(() => place.remove());

describe('21. Storage answers 503, resets, stalls -> bounded retries with a per-try time-out; identical bytes in the end', () => {
  it(`where one request in ten fails one way or another (seed ${SEED})`, {
    timeout: 60_000 + SONGS * 90_000,
  }, async () => {
    const { port } = new URL(place.container.url);
    const proxy = await startFaultyStorage(Number(port), { seed: SEED });
    const connection = place.connectionString.replace(`:${port}`, `:${proxy.port}`);
    const worker = await startWorker({
      ...place,
      env: { ...place.env, AZURE_STORAGE_CONNECTION_STRING: connection },
    });
    const request = async (id: string) => {
      await place.container.getBlockBlobClient(`${id}/song.wav`).uploadFile(song);
      const blob_uri = `${place.container.url.replace(port, `${proxy.port}`)}/${id}/song.wav`;
      const body = JSON.stringify({ audio_file_id: id, blob_uri });
      expect((await fetch(`${worker.url}/analyze`, { method: 'POST', body })).status).toBe(202);
    };
    await request('undisturbed');
    await until(worker.url, 'undisturbed', completed);
    proxy.rate = FAULT_RATE;
    for (let n = 1; n <= SONGS; n++) {
      await request(`song-${n}`);
      await until(worker.url, `song-${n}`, completed);
    }
    proxy.rate = 0;
    for (let n = 1; n <= SONGS; n++) {
      expect(await outputsOf(place, `song-${n}`)).toEqual(await outputsOf(place, 'undisturbed'));
      await expect.poll(() => leftoversOf(place, `song-${n}`), { timeout: 30_000 }).toEqual([]);
    }
    if (SONGS > 1) expect(new Set(proxy.faults)).toEqual(new Set(FAULTS));
    expect(proxy.faults.length).toBeGreaterThan(SONGS);
    await end(worker.child, 'SIGKILL');
    proxy.stop();
  });
});

it('22. Upload fails half-way -> no reader sees a partial result (the result document is written last)', {
  timeout: 120_000,
}, async () => {
  vi.stubEnv('STORAGE_TRIES', '1');
  const storage = await newStorage();
  const port = new URL(storage.container.url).port;
  let sick = /^$/;
  const proxy = await startFaultyStorage(Number(port), {
    seed: 1,
    kinds: ['unavailable'],
    meets: ({ method, url = '' }) => method === 'PUT' && sick.test(decodeURIComponent(url)),
  });
  proxy.rate = 1;
  const config = {
    ...readConfig({ DEMUCS_MODEL: 'spectral' }),
    workDir: join(place.folder, 'work-22'),
    storage: { connectionString: storage.connectionString.replace(`:${port}`, `:${proxy.port}`) },
  };
  const context = { container: openContainer(config), config };
  const short = join(place.folder, 'short.wav');
  writeTone(short, { seconds: 5 });
  await storage.container.getBlockBlobClient('a/song.wav').uploadFile(short);
  const job = await download({ audio_file_id: 'a', blob_name: 'a/song.wav' }, context);
  await separate({ ...job, pass: 0, first: 0, end: job.plan.segments }, context);
  await analyze(job, context);
  await assemble(job, context);
  const publish = () => upload({ ...job, elapsedSeconds: 1, stageSeconds: {} }, context);
  const result = () => readJson<{ stems: unknown[] }>(storage.container, 'a/analysis/result.json');
  for (const half of [/stems\/bass/, /annotation\.jams/, /result\.json/]) {
    sick = half;
    await expect(publish(), `${half}`).rejects.toMatchObject({ code: 'storage_unavailable' });
    expect(await result()).toBeUndefined();
  }
  sick = /^$/;
  await publish();
  expect((await result())?.stems).toHaveLength(4);
  vi.unstubAllEnvs();
  proxy.stop();
});
