import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { end, type Place, startWorker } from '../support/commands.ts';
import { childrenOf, processorTime } from '../support/processes.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { completed, leftoversOf, outputsOf, statusOf, until } from '../support/runs.ts';
import { aPlaceWithStorage } from '../support/storage.ts';
import { writeTone } from '../support/tone.ts';

let place: Place;
let receiver: Receiver;
let worker: Awaited<ReturnType<typeof startWorker>>;
const long = () => join(place.folder, 'long.wav');
const medium = () => join(place.folder, 'medium.wav');
const other = () => join(place.folder, 'other.wav');

beforeAll(async () => {
  place = await aPlaceWithStorage({ DEMUCS_MODEL: 'spectral', SEPARATION_PART_SEGMENTS: '2' });
  receiver = await startReceiver();
  writeTone(long(), { seconds: 36, output: ['-ac', '2', '-af', 'volume=4,tremolo=f=2:d=0.9'] });
  writeTone(medium(), { seconds: 21, output: ['-ac', '2', '-af', 'volume=4,tremolo=f=2:d=0.9'] });
  writeTone(other(), {
    seconds: 6,
    frequency: 330,
    output: ['-ac', '2', '-af', 'volume=4,tremolo=f=3:d=0.9'],
  });
  worker = await startWorker(place);
});
afterAll(async () => {
  await end(worker.child, 'SIGKILL');
  await receiver[Symbol.asyncDispose]();
  place.remove();
});

async function upload(id: string, file: string): Promise<string> {
  const blob = place.container.getBlockBlobClient(`${id}/song.wav`);
  await blob.uploadFile(file);
  return blob.url;
}

function request(id: string, blob_uri: string): Promise<Response> {
  const body = JSON.stringify({ audio_file_id: id, blob_uri, callback_url: receiver.url });
  return fetch(`${worker.url}/analyze`, { method: 'POST', body });
}

const cancel = (id: string) => fetch(`${worker.url}/analyze/${id}`, { method: 'DELETE' });
const canceled = ({ status }: { status: string }) => status === 'canceled';
const toldOf = (id: string) =>
  receiver.received.map(({ body }) => JSON.parse(body)).filter(({ audio_file_id }) => audio_file_id === id);

/** Whether a computing process takes processor time; those that wait for the next song don't. */
async function computes(): Promise<boolean> {
  const time = () =>
    childrenOf(worker.child.pid!, /compute.child/).reduce((sum, pid) => sum + processorTime(pid), 0);
  const before = time();
  await pause(1_000);
  return time() - before > 0.05;
}

describe('16. Cancel while queued, running, after the end -> cancelled within one segment; after the end a problem; no success callback', {
  timeout: 120_000,
}, () => {
  it('while it runs: within one segment it is cancelled, nothing stays, nobody is told of success', async () => {
    await request('running', await upload('running', long()));
    await until(worker.url, 'running', ({ stage, progress }) => stage === 'separate' && progress > 0.15);
    await expect.poll(computes, { timeout: 10_000 }).toBe(true);
    const answer = await cancel('running');
    expect(answer.status).toBe(202);
    expect(await answer.json()).toMatchObject({ audio_file_id: 'running', status: 'canceling' });
    const asked = performance.now();
    await until(worker.url, 'running', canceled);
    expect(performance.now() - asked).toBeLessThan(10_000);
    await expect.poll(computes, { timeout: 8_000 }).toBe(false);
    expect(await leftoversOf(place, 'running')).toEqual([]);
    expect(Object.keys(await outputsOf(place, 'running'))).toEqual([]);
    expect(toldOf('running')).toEqual([]);
  });

  it('after the end, or of what never was: a problem', async () => {
    const twice = await cancel('running');
    expect(twice.status).toBe(409);
    expect(await twice.json()).toMatchObject({ code: 'already_finished' });
    expect((await cancel('nobody')).status).toBe(404);
    expect((await cancel('..%2fx')).status).toBe(400);
  });

  it('while it is queued: it never begins', async () => {
    const ids = ['first', 'second', 'queued'];
    for (const id of ids) await request(id, await upload(id, long()));
    for (const id of ids.toReversed()) expect((await cancel(id)).status).toBe(202);
    for (const id of ids) await until(worker.url, id, canceled);
    await pause(3_000); // The news of the uploads has come by then, and begins nothing again.
    for (const id of ids) expect(await statusOf(worker.url, id)).toMatchObject({ status: 'canceled' });
    expect(worker.log()).not.toContain("'queued', drums");
    expect(toldOf('queued')).toEqual([]);
  });

  it('and another request: the song is analysed after all', async () => {
    const uri = await upload('again', long());
    await request('again', uri);
    await until(worker.url, 'again', ({ stage }) => stage === 'separate');
    await cancel('again');
    await upload('again', other());
    expect((await request('again', uri)).status).toBe(202);
    const { result } = await until(worker.url, 'again', completed);
    expect(result?.source.duration_seconds).toBe(6);
  });
});

describe('one song is one job', { timeout: 120_000 }, () => {
  it('6. the same id twice while it runs, and the upload beside: one job, both answers 202', async () => {
    const uri = await upload('twice', other());
    const answers = await Promise.all([request('twice', uri), request('twice', uri)]);
    expect(answers.map(({ status }) => status)).toEqual([202, 202]);
    await until(worker.url, 'twice', completed);
    expect(toldOf('twice')).toHaveLength(1);
  });

  it('new metadata on the song changes nothing, during its run and after it', async () => {
    await request('noted', await upload('noted', medium()));
    await until(worker.url, 'noted', ({ stage, progress }) => stage === 'separate' && progress > 0.15);
    const blob = place.container.getBlobClient('noted/song.wav');
    await blob.setMetadata({ note: 'is being analysed' });
    rmSync(join(place.folder, 'work'), { recursive: true }); // As on another machine: the song is read again.
    const { result } = await until(worker.url, 'noted', completed);
    expect(result?.source.duration_seconds).toBe(21);
    await blob.setMetadata({ note: 'analysed' });
    await pause(3_000); // The news of it has come by then.
    expect((await statusOf(worker.url, 'noted'))?.status).toBe('completed');
    expect(toldOf('noted')).toHaveLength(1);
    expect(worker.log().match(/analysis started, as 'noted/g) ?? []).toEqual([]);
  });

  it('8. Blob replaced while being analysed -> the ETag condition fails the job; never a mix of two songs; the new version has its own run', async () => {
    await request('replaced', await upload('replaced', long()));
    await until(worker.url, 'replaced', ({ stage, progress }) => stage === 'separate' && progress > 0.15);
    await upload('replaced', other());
    await until(
      worker.url,
      'replaced',
      ({ status, result }) => status === 'completed' && result?.source.duration_seconds === 6,
    );
    const [failure, ...rest] = toldOf('replaced');
    expect(failure).toMatchObject({ status: 'failed', error: { code: 'blob_changed' } });
    expect(rest).toEqual([]);
    expect((await statusOf(worker.url, 'replaced'))?.status).toBe('completed');
    expect(await outputsOf(place, 'replaced')).toEqual(await outputsOf(place, 'twice'));
    expect(await leftoversOf(place, 'replaced')).toEqual([]);
  });
});
