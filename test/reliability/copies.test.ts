import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { command, end, type Place, startWorker } from '../support/commands.ts';
import { freePort } from '../support/ports.ts';
import { completed, until } from '../support/runs.ts';
import { aPlaceWithStorage } from '../support/storage.ts';
import { writeTone } from '../support/tone.ts';

/** Decoded, the long song takes 15 MB and a short one 2 MB: together more than what is allowed. */
const LONG_SECONDS = 42;
const SHORT_SECONDS = 6;
const MAX_MB = 16;

let place: Place;
beforeAll(async () => {
  place = await aPlaceWithStorage({
    DEMUCS_MODEL: 'spectral',
    WORK_DIR_MAX_MB: `${MAX_MB}`,
    SEPARATION_PART_SEGMENTS: '2',
  });
  for (const [name, seconds] of [
    ['long', LONG_SECONDS],
    ['short', SHORT_SECONDS],
  ] as const)
    writeTone(join(place.folder, `${name}.mp3`), {
      seconds,
      output: ['-ac', '2', '-af', 'volume=4,tremolo=f=2:d=0.9'],
    });
});
afterAll(() => place.remove());

/** A second worker that keeps its own state, and has storage and folder of decoded songs in common with the first. */
async function another(settings: Record<string, string> = {}): Promise<Place> {
  return {
    ...place,
    env: {
      ...place.env,
      PORT: `${await freePort()}`,
      LOCAL_DIR: join(place.folder, `other-${Math.random()}`),
      ...settings,
    },
  };
}

/** Its name is not a song's, so that no upload starts a run; each worker is asked for its own. */
async function request(url: string, id: string, file: string): Promise<void> {
  const blob = place.container.getBlockBlobClient(`${id}/song`);
  await blob.uploadFile(join(place.folder, `${file}.mp3`));
  const body = JSON.stringify({ audio_file_id: id, blob_uri: blob.url });
  expect((await fetch(`${url}/analyze`, { method: 'POST', body })).status).toBe(202);
}

const copies = () => readdirSync(place.env.WORK_DIR);

it('two workers share a folder of decoded songs: orphans go, the limit holds, and a song in use is never taken', {
  timeout: 120_000,
}, async () => {
  const first = await startWorker(place);

  // One is killed while it separates: what it has decoded stays, with its lease.
  const doomed = await another({ FAULT_POINT: 'separate:middle' });
  const child = command('start', [], doomed);
  child.stdout?.resume();
  child.stderr?.resume();
  await expect
    .poll(() => fetch(`http://127.0.0.1:${doomed.env.PORT}/health`).then((r) => r.status), {
      timeout: 40_000,
    })
    .toBe(200);
  await request(`http://127.0.0.1:${doomed.env.PORT}`, 'orphan', 'long');
  expect((await once(child, 'close'))[1]).toBe('SIGKILL');
  const [orphan, ...none] = copies();
  expect(none).toEqual([]);

  await request(first.url, 'long', 'long');
  await until(first.url, 'long', ({ stage, progress }) => stage === 'separate' && progress > 0.1);
  expect(copies()).not.toContain(orphan);
  const inUse = copies();
  expect(inUse).toHaveLength(1);

  // The other one needs room, and must not take it from the first.
  const second = await startWorker(await another());
  await request(second.url, 'short', 'short');
  await until(first.url, 'long', ({ progress }) => progress > 0.5);
  expect(copies()).toEqual(expect.arrayContaining(inUse));
  await Promise.all([until(first.url, 'long', completed), until(second.url, 'short', completed)]);
  for (const worker of [first, second]) expect(worker.log()).not.toMatch(/failed in attempt (?!.*disk_full)/);
  expect(first.log()).not.toContain('failed in attempt');
  expect(copies()).toEqual([]);
  for (const worker of [second, first]) expect(await end(worker.child, 'SIGTERM')).toBe(0);
});
