import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { end, type Place, runToFault, startWorker } from '../support/commands.ts';
import { wholeResult } from '../support/publication.ts';
import { completed, leftoversOf, outputsOf, until } from '../support/runs.ts';
import { aPlaceWithStorage } from '../support/storage.ts';
import { writeTone } from '../support/tone.ts';

let place: Place;
beforeAll(async () => {
  place = await aPlaceWithStorage({ DEMUCS_MODEL: 'spectral', STAGE_ATTEMPTS: '1' });
  for (const [name, frequency] of [
    ['first', 440],
    ['second', 330],
  ] as const) {
    const output = ['-ac', '2', '-af', 'volume=4,tremolo=f=2:d=0.9'];
    writeTone(join(place.folder, `${name}.wav`), { seconds: 6, frequency, output });
  }
});
afterAll(() => place.remove());

async function request(url: string, id: string, song: 'first' | 'second'): Promise<void> {
  const blob = place.container.getBlockBlobClient(`${id}/song.wav`);
  await blob.uploadFile(join(place.folder, `${song}.wav`));
  const body = JSON.stringify({ audio_file_id: id, blob_uri: blob.url });
  expect((await fetch(`${url}/analyze`, { method: 'POST', body })).status).toBe(202);
}

it('a second run that is killed or fails in its upload leaves one whole result or none, and never a mixture', {
  timeout: 240_000,
}, async () => {
  const whole = () => wholeResult(place.container, 'song');
  const vocals = place.container.getBlockBlobClient('song/stems/vocals.wav');
  let worker = await startWorker(place);
  await request(worker.url, 'undisturbed', 'second');
  await request(worker.url, 'song', 'first');
  await until(worker.url, 'undisturbed', completed);
  const { result: first } = await until(worker.url, 'song', completed);
  expect(await whole()).toBe(first?.source.sha256);
  const outputs = await outputsOf(place, 'song');

  // Its files are locked when the earlier result has been taken away: it fails, and that is put back.
  await request(worker.url, 'song', 'second');
  await end(worker.child, 'SIGKILL');
  expect((await runToFault('upload:withdrawn', place)).signal).toBe('SIGKILL');
  expect(await whole()).toBe('none');
  const lease = vocals.getBlobLeaseClient();
  await lease.acquireLease(-1);
  worker = await startWorker(place);
  const failed = await until(worker.url, 'song', ({ status }) => status === 'failed');
  expect(failed.error).toMatchObject({ code: 'blob_leased', stage: 'upload' });
  expect(await whole()).toBe(first?.source.sha256);
  expect(await outputsOf(place, 'song')).toEqual(outputs);
  await lease.releaseLease();

  // Killed with all files replaced: it goes on.
  await request(worker.url, 'song', 'second');
  await end(worker.child, 'SIGKILL');
  expect((await runToFault('upload:middle', place)).signal).toBe('SIGKILL');
  expect(await whole()).toBe('none');
  worker = await startWorker(place);
  const { result: second } = await until(worker.url, 'song', completed);
  expect(second?.source.sha256).not.toBe(first?.source.sha256);
  expect(await whole()).toBe(second?.source.sha256);
  expect(await outputsOf(place, 'song')).toEqual(await outputsOf(place, 'undisturbed'));
  expect(await leftoversOf(place, 'song')).toEqual([]);

  // Somebody notes something on a stem, then puts another in its place.
  const status = () => fetch(`${worker.url}/analyze/song`);
  await vocals.setMetadata({ note: 'heard' });
  expect((await status()).status).toBe(200);
  await vocals.uploadFile(join(place.folder, 'first.wav'));
  const answer = await status();
  expect(answer.status).toBe(409);
  expect(await answer.json()).toMatchObject({
    code: 'result_changed',
    detail: expect.stringContaining('song/stems/vocals.wav'),
  });
  await end(worker.child, 'SIGKILL');
});
