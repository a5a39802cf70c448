import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { aPlace, end, type Place, startWorker } from '../support/commands.ts';
import { killChildOf } from '../support/processes.ts';
import { random } from '../support/random.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { completed, leftoversOf, outputsOf, statusOf, until } from '../support/runs.ts';
import { writeTone } from '../support/tone.ts';

const FULL = process.env.CHAOS === 'full';
const KILLS = FULL ? 50 : 3;
const SEED = Number(process.env.CHAOS_SEED ?? 1);
const SECONDS = 45;
const SEGMENTS = Math.ceil(SECONDS / 9.98);
/** Computing processes, each of which may have a segment in flight when a kill comes. */
const WORKERS = 2;
const BETWEEN_KILLS_MS = [500, 4000] as const;
/** Time in which Azurite writes down what it was given. */
const FLUSHED_MS = 1000;

type Victim = 'host' | 'child' | 'azurite';
const VICTIMS: readonly Victim[] = ['host', 'child', 'azurite'];
const COMMAND: Record<Exclude<Victim, 'host'>, RegExp> = {
  child: /compute.child/,
  azurite: /azurite.child/,
};

let place: Place;
let receiver: Receiver;
let song: string;

beforeAll(async () => {
  const settings = { DEMUCS_MODEL: 'spectral', SEPARATION_PART_SEGMENTS: '1', STAGE_ATTEMPTS: '100' };
  place = await aPlace({ ...settings, WORKERS: String(WORKERS) });
  receiver = await startReceiver();
  song = join(place.folder, 'song.wav');
  writeTone(song, { seconds: SECONDS, output: ['-ac', '2', '-af', 'volume=4,tremolo=f=3:d=0.9'] });
});
afterAll(async () => {
  await receiver[Symbol.asyncDispose]();
  place.remove();
});

async function request(url: string, id: string): Promise<void> {
  const blob = place.container.getBlockBlobClient(`${id}/song.wav`);
  await blob.uploadFile(song);
  await pause(FLUSHED_MS);
  const body = JSON.stringify({ audio_file_id: id, blob_uri: blob.url, callback_url: receiver.url });
  expect((await fetch(`${url}/analyze`, { method: 'POST', body })).status).toBe(202);
}

it(`14. Kill (-9) of host, child and Azurite at ${KILLS} random moments (seed ${SEED}) -> the run completes; same blobs, same bytes, at most one segment recomputed`, {
  timeout: KILLS * 25_000 + 60_000,
}, async () => {
  const draw = random(SEED);
  let worker = await startWorker(place);
  await request(worker.url, 'undisturbed');
  await until(worker.url, 'undisturbed', completed);
  const wanted = await outputsOf(place, 'undisturbed');

  let kills = 0;
  let log = '';
  for (let n = 1; kills < KILLS; n++) {
    const id = `song-${n}`;
    await request(worker.url, id);
    const before = kills;
    while (kills < KILLS && (await statusOf(worker.url, id))?.status !== 'completed') {
      await pause(BETWEEN_KILLS_MS[0] + draw() * (BETWEEN_KILLS_MS[1] - BETWEEN_KILLS_MS[0]));
      const victim = VICTIMS[Math.floor(draw() * VICTIMS.length)];
      if (victim === 'host') {
        await end(worker.child, 'SIGKILL');
        log += worker.log();
        worker = await startWorker(place);
      } else if (!killChildOf(worker.child.pid!, COMMAND[victim])) continue;
      kills++;
    }
    await until(worker.url, id, completed);
    expect(await outputsOf(place, id), id).toEqual(wanted);
    expect(await leftoversOf(place, id), id).toEqual([]);
    const messages = receiver.received.filter(({ body }) => JSON.parse(body).audio_file_id === id);
    expect(new Set(messages.map(({ headers }) => headers['webhook-id'])).size, id).toBe(1);
    expect(messages.map(({ body }) => JSON.parse(body).status)).toEqual(messages.map(() => 'completed'));
    const separated = [...(log + worker.log()).matchAll(new RegExp(`'${id}'.*: 1 of the segments`, 'g'))];
    expect(separated.length).toBeLessThanOrEqual(SEGMENTS + WORKERS * (kills - before));
  }
  expect(await end(worker.child, 'SIGTERM')).toBe(0);
});
