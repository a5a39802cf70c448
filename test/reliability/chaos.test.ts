import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ResultDocument } from '../../src/pipeline/contracts.ts';
import { type Ask, FIRST, SECOND } from '../support/chaos/asks.ts';
import { Chaos } from '../support/chaos/chaos.ts';
import { doomsOf } from '../support/chaos/moments.ts';
import { Onlooker } from '../support/chaos/onlooker.ts';
import { orphansOf, processesOf } from '../support/chaos/processes.ts';
import { aPlace, type Place } from '../support/commands.ts';
import { installSmall } from '../support/models.ts';
import { wholeResult } from '../support/publication.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { completed, leftoversOf, outputsOf, until } from '../support/runs.ts';
import { writeTone } from '../support/tone.ts';

const SEED = Number(process.env.CHAOS_SEED ?? 1);
const KILLS = 60;
const KILLS_PER_RUN = 5;
const SECONDS = 35;
const ASKS = [FIRST, ...SECOND];
/** Computing processes, each of which may have a segment in flight when a kill comes. */
const WORKERS = 2;
/** Time in which what a killed host has left ends by itself. */
const ENDED_MS = 10_000;
const POLL_MS = 50;
/** All that is to be in the container in the end: what uploads began by themselves before the request is called off. */
const EXPECTED =
  /^(?:undisturbed|song)-\d+\/(?:song\.wav|other\.wav|stems\/\w+\.wav|analysis\/(?:result\.json|annotation\.jams))$/;

/** What an undisturbed run has left. */
interface Undisturbed {
  readonly result: ResultDocument;
  readonly outputs: Record<string, unknown>;
  readonly segments: number;
}

let place: Place;
let receiver: Receiver;
let chaos: Chaos;

beforeAll(async () => {
  const settings = { DEMUCS_MODEL: 'spectral', SEPARATION_PART_SEGMENTS: '1', STAGE_ATTEMPTS: '100' };
  place = await aPlace({ ...settings, WORKERS: String(WORKERS) });
  receiver = await startReceiver();
  await installSmall(place.env.MODELS_DIR, 'htdemucs');
  const output = ['-ac', '2', '-af', 'volume=4,tremolo=f=3:d=0.9'];
  writeTone(songFile('one'), { seconds: SECONDS, output });
  writeTone(songFile('other'), { seconds: SECONDS - 4, frequency: 330, output });
  chaos = await Chaos.start(place);
});
afterAll(async () => {
  await chaos.stop('SIGKILL');
  await receiver[Symbol.asyncDispose]();
  place.remove();
});

const songFile = (song: string) => join(place.folder, `${song}.wav`);

async function request(id: string, { song, blob, stems, model }: Ask, isThere = false): Promise<void> {
  const client = place.container.getBlockBlobClient(`${id}/${blob}`);
  if (!isThere) await client.uploadFile(songFile(song));
  const body = { audio_file_id: id, blob_uri: client.url, callback_url: receiver.url, stems, model };
  const answer = await fetch(`${chaos.url}/analyze`, { method: 'POST', body: JSON.stringify(body) });
  expect(answer.status, await answer.text()).toBe(202);
}

/** How often segments of a song were separated, since the log was as long as `from`. */
const separated = (id: string, from = 0): number =>
  [...chaos.log.slice(from).matchAll(new RegExp(`'${id}'.*: 1 of the segments`, 'g'))].length;

async function undisturbed(id: string, ask: Ask): Promise<Undisturbed> {
  await request(id, ask);
  const { result } = await until(chaos.url, id, completed);
  return { result: result!, outputs: await outputsOf(place, id), segments: separated(id) };
}

/** Disturbs a run until it ends. Returns how often. */
async function disturb(id: string, run: number, known: readonly ResultDocument[]): Promise<number> {
  const before = chaos.kills.length;
  await using onlooker = new Onlooker(place.container, id, () => chaos.url, known);
  const dooms = doomsOf(SEED, run);
  const goesOn = () => !onlooker.hasEnded && onlooker.faults.length === 0;
  while (goesOn() && chaos.kills.length < before + KILLS_PER_RUN)
    await chaos.strike(dooms.next().value, onlooker);
  while (goesOn()) await pause(POLL_MS);
  expect(onlooker.faults, `${id}, run ${run}`).toEqual([]);
  expect(onlooker.looks).toBeGreaterThan(0);
  return chaos.kills.length - before;
}

/** All blobs of the container, snapshots and staged ones among them, with their ETags. */
async function allBlobs(): Promise<Record<string, string>> {
  const blobs: Record<string, string> = {};
  const listing = { includeUncommitedBlobs: true, includeSnapshots: true };
  for await (const { name, snapshot = '', properties } of place.container.listBlobsFlat(listing))
    blobs[`${name}${snapshot}`] = properties.etag;
  return blobs;
}

/** Nothing is left but the results, in the container, on the disk and among the processes. */
async function expectNothingLeft(id: string, title: string): Promise<void> {
  expect(await leftoversOf(place, id), title).toEqual([]);
  const copies = () => (existsSync(place.env.WORK_DIR) ? readdirSync(place.env.WORK_DIR) : []);
  expect(copies(), title).toEqual([]);
  await expect.poll(() => orphansOf(place, chaos.pid), { timeout: ENDED_MS, message: title }).toEqual([]);
}

it(`14. Kill (-9) of host, child, decoder and Azurite at ${KILLS} random moments of first and second runs (seed ${SEED}) -> each run completes; same blobs, same bytes, at most one segment recomputed; nobody sees a mixture`, {
  timeout: KILLS * 30_000 + 120_000,
}, async () => {
  const wanted = await Promise.all(ASKS.map((ask, n) => undisturbed(`undisturbed-${n}`, ask)));
  const known = wanted.map(({ result }) => result);
  const seconds = ASKS.length - 1;
  let runs = 0;
  for (let n = 0; n < seconds || chaos.kills.length < KILLS; n++) {
    const id = `song-${n}`;
    for (const which of [0, 1 + (n % seconds)]) {
      const [ask, { result, outputs, segments }] = [ASKS[which], wanted[which]];
      const title = `${id}, ${JSON.stringify(ask)}, run ${runs}`;
      const [messages, log] = [receiver.received.length, chaos.log.length];
      await request(id, ask, which > 0 && ask.song === FIRST.song);
      const kills = await disturb(id, runs++, known);
      expect(await outputsOf(place, id), title).toEqual(outputs);
      expect(await wholeResult(place.container, id, { isEnded: true })).toBe(result.source.sha256);
      await expectNothingLeft(id, title);
      const told = receiver.received
        .slice(messages)
        .filter(({ body }) => JSON.parse(body).audio_file_id === id);
      expect(new Set(told.map(({ headers }) => headers['webhook-id'])).size, title).toBe(1);
      for (const { body } of told) expect(JSON.parse(body).source?.sha256, title).toBe(result.source.sha256);
      expect(separated(id, log), title).toBeLessThanOrEqual(segments + WORKERS * kills);
    }
  }

  const ended = await allBlobs();
  // What a start finds it does not publish again.
  expect(await chaos.restart('SIGTERM')).toBe(0);
  await undisturbed('afterwards', FIRST);
  expect(await allBlobs()).toMatchObject(ended);
  console.log(JSON.stringify({ seed: SEED, runs, kills: chaos.kills }));
  expect(await chaos.stop('SIGTERM')).toBe(0);
  expect(processesOf(place)).toEqual([]);
  expect(Object.keys(ended).filter((name) => !EXPECTED.test(name))).toEqual([]);
});
