import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { end, type Place, runToFault, startWorker } from '../support/commands.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { completed, leftoversOf, outputsOf, statusOf, until } from '../support/runs.ts';
import { aPlaceWithStorage } from '../support/storage.ts';
import { writeTone } from '../support/tone.ts';

const SECONDS = process.env.CHAOS === 'full' ? 45 : 12;
/** Of the separator `spectral`. */
const STRIDE_SECONDS = 9.98;
/** In the order in which a run comes by them; analysis and separation run side by side, and the analysis ends first. */
const STAGES = ['download', 'analyze', 'separate', 'assemble', 'upload', 'callback', 'cleanup'];
const POINTS = ['before', 'middle', 'after'];
/** `npm run test:chaos` goes through every point of every stage. */
const FAULT_POINTS =
  process.env.CHAOS === 'full'
    ? STAGES.flatMap((stage) => POINTS.map((point) => `${stage}:${point}`))
    : ['download:after', 'separate:middle', 'upload:before', 'cleanup:middle'];

let place: Place;
let receiver: Receiver;
let song: string;

beforeAll(async () => {
  place = await aPlaceWithStorage({ DEMUCS_MODEL: 'spectral', SEPARATION_PART_SEGMENTS: '1' });
  receiver = await startReceiver();
  song = join(place.folder, 'song.wav');
  writeTone(song, { seconds: SECONDS, output: ['-ac', '2', '-af', 'volume=4,tremolo=f=2:d=0.9'] });
});
afterAll(async () => {
  await receiver[Symbol.asyncDispose]();
  place.remove();
});

async function request(url: string, id: string): Promise<void> {
  const blob = place.container.getBlockBlobClient(`${id}/song.wav`);
  await blob.uploadFile(song);
  const body = JSON.stringify({ audio_file_id: id, blob_uri: blob.url, callback_url: receiver.url });
  expect((await fetch(`${url}/analyze`, { method: 'POST', body })).status).toBe(202);
}

describe('14. Kill (-9) the host', { timeout: 240_000 }, () => {
  it('in its stages -> after restart the run completes; same blobs, same bytes, at most one segment recomputed', async () => {
    let worker = await startWorker(place);
    await request(worker.url, 'undisturbed');
    await until(worker.url, 'undisturbed', completed);
    await request(worker.url, 'disturbed');

    await end(worker.child, 'SIGKILL');
    const logs: string[] = [];
    for (const point of FAULT_POINTS) {
      const { log, signal } = await runToFault(point, place);
      expect(signal, `${point}\n${log}`).toBe('SIGKILL');
      logs.push(log);
    }
    worker = await startWorker(place);
    const { callback } = await until(worker.url, 'disturbed', completed);
    expect(callback).toBe('delivered');

    expect(await outputsOf(place, 'disturbed')).toEqual(await outputsOf(place, 'undisturbed'));
    expect(await leftoversOf(place, 'disturbed')).toEqual([]);
    expect(readdirSync(join(place.folder, 'work'))).toEqual([]);
    const ids = receiver.received.map(({ headers }) => String(headers['webhook-id']));
    expect(new Set(ids.filter((id) => id.startsWith('msg_disturbed')))).toHaveLength(1);

    // Parts of one segment: each is separated once, but for those that a kill found in flight, one in each of two processes.
    const lines = [...logs.join('\n').matchAll(/'disturbed'.*: (\d) of the segments/g)];
    const separated = lines.reduce((sum, [, count]) => sum + Number(count), 0);
    const killsInFlight = FAULT_POINTS.filter((point) => /analyze|separate/.test(point)).length;
    expect(separated).toBeLessThanOrEqual(Math.ceil(SECONDS / STRIDE_SECONDS) + 2 * killsInFlight);
    await end(worker.child, 'SIGKILL');
  });
});

/** In the slot of the last part, where a run's late stages are the part's activity still; in the order of the run. */
const LATE_POINTS =
  process.env.CHAOS === 'full'
    ? [
        'assemble:after',
        'upload:written',
        'upload:after',
        'callback:middle',
        'cleanup:middle',
        'cleanup:after',
      ]
    : ['upload:written'];

describe('14. Kill (-9) the host in the stages that the last part goes on with', { timeout: 240_000 }, () => {
  it('-> after restart the run completes; same bytes, nothing separated again', async () => {
    const [first, ...others] = LATE_POINTS;
    const doomed = await startWorker({ ...place, env: { ...place.env, FAULT_POINT: first } });
    await request(doomed.url, 'late');
    if (doomed.child.signalCode === null) await once(doomed.child, 'exit');
    expect(doomed.child.signalCode).toBe('SIGKILL');
    const logs: string[] = [];
    for (const point of others) {
      const { log, signal } = await runToFault(point, place);
      expect(signal, `${point}\n${log}`).toBe('SIGKILL');
      logs.push(log);
    }
    const worker = await startWorker(place);
    const { callback } = await until(worker.url, 'late', completed);
    expect(callback).toBe('delivered');
    expect(logs.join('') + worker.log()).not.toMatch(/of the segments .* are to be separated/);
    expect(await outputsOf(place, 'late')).toEqual(await outputsOf(place, 'undisturbed'));
    expect(await leftoversOf(place, 'late')).toEqual([]);
    expect(readdirSync(join(place.folder, 'work'))).toEqual([]);
    await end(worker.child, 'SIGKILL');
  });
});

describe('15. SIGTERM', () => {
  it('-> stops at a segment border, resumable, temporary files gone', { timeout: 120_000 }, async () => {
    let worker = await startWorker(place);
    await request(worker.url, 'stopped');
    await until(worker.url, 'stopped', ({ stage, progress }) => stage === 'separate' && progress > 0.15);
    expect(await end(worker.child, 'SIGTERM')).toBe(0);
    const work = join(place.folder, 'work');
    expect(existsSync(work) ? readdirSync(work) : []).toEqual([]);
    worker = await startWorker(place);
    await until(worker.url, 'stopped', completed);
    expect(await outputsOf(place, 'stopped')).toEqual(await outputsOf(place, 'undisturbed'));
    expect(worker.log()).not.toContain('failed in attempt');
    expect((await statusOf(worker.url, 'stopped'))?.callback).toBe('delivered');
    await end(worker.child, 'SIGKILL');
  });
});
