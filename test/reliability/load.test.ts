import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { aPlace, end, type Place, startWorker } from '../support/commands.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { completed, leftoversOf, until } from '../support/runs.ts';
import { writeTone } from '../support/tone.ts';

const SONGS = 12;
const SECONDS = 90;
const WORKERS = 2;
const HEALTH_EVERY_MS = 100;
const HEALTH_LIMIT_MS = 100;
/** Share of the answers that other programs on the machine may hold up. A host whose thread is held for 200 ms of each second is late in twice as many. */
const MOST_LATE = 0.05;
/** A server that does nothing: where its answer takes longer than this, the machine is busy with other things. */
const IDLE_SERVER = `require('node:http').createServer((_, answer) => answer.end()).listen(0, '127.0.0.1', function () { console.log(this.address().port) })`;
const IDLE_LIMIT_MS = 30;
/** All processes of the worker together, Azurite among them: what one song alone takes, and one process more. */
const MEMORY_LIMIT = 2e9;
const KILOBYTE = 1024;

let place: Place;
let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
  place = await aPlace({
    DEMUCS_MODEL: 'spectral',
    WORKERS: String(WORKERS),
    CALLBACK_URL: receiver.url,
  });
});
afterAll(async () => {
  await receiver[Symbol.asyncDispose]();
  place.remove();
});

/** Resident memory in bytes of a process and all that it has started. */
function memoryOf(root: number): number {
  const list = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,rss='], { encoding: 'utf8' });
  const processes = list.split('\n').map((line) => line.trim().split(/\s+/).map(Number));
  const total = (pid: number): number =>
    processes.reduce(
      (sum, [id, parent, kilobytes]) =>
        sum + (id === pid ? kilobytes * KILOBYTE : 0) + (parent === pid ? total(id) : 0),
      0,
    );
  return total(root);
}

/** How many of a song's parts have been begun. */
const separationsOf = (log: string, id: string) =>
  [...log.matchAll(new RegExp(`'${id}', .*of the segments`, 'g'))].length;

/** Time until a request is answered, in ms. */
async function answerTime(url: string): Promise<number> {
  const asked = performance.now();
  expect((await fetch(url)).status).toBe(200);
  return performance.now() - asked;
}

it(`${SONGS} songs uploaded at once, ${WORKERS} computing processes: all complete, none twice, the first before the last is begun, memory bounded, health within ${HEALTH_LIMIT_MS} ms`, {
  timeout: 600_000,
}, async () => {
  const worker = await startWorker(place);
  const file = join(place.folder, 'song.wav');
  writeTone(file, { seconds: SECONDS, output: ['-ac', '2', '-af', 'volume=4,tremolo=f=2:d=0.9'] });
  const ids = Array.from({ length: SONGS }, (_, i) => `song-${i + 1}`);

  const watching = new AbortController();
  const idle = spawn(process.execPath, ['-e', IDLE_SERVER], { stdio: ['ignore', 'pipe', 'inherit'] });
  const idleUrl = `http://127.0.0.1:${String((await once(idle.stdout, 'data'))[0]).trim()}`;
  const answers: number[] = [];
  let memory = 0;
  const watch = (async () => {
    while (!watching.signal.aborted) {
      const [health, nothing] = await Promise.all([answerTime(`${worker.url}/health`), answerTime(idleUrl)]);
      if (nothing <= IDLE_LIMIT_MS) answers.push(health);
      memory = Math.max(memory, memoryOf(worker.child.pid!));
      await pause(HEALTH_EVERY_MS);
    }
  })();
  const started = performance.now();
  const upload = (id: string) =>
    place.container
      .getBlockBlobClient(`${id}/song.wav`)
      .uploadFile(file, { metadata: { audio_file_id: id } });
  await Promise.all(ids.map(upload));
  const all = Promise.all(ids.map((id) => until(worker.url, id, completed)));
  while (receiver.received.length === 0) await pause(20);
  const begunByThen = ids.filter((id) => separationsOf(worker.log(), id) > 0);
  await all;
  const seconds = (performance.now() - started) / 1000;
  watching.abort();
  await watch;
  idle.kill();

  const slowest = answers.toSorted((a, b) => a - b).at(-1)!;
  const late = answers.filter((ms) => ms > HEALTH_LIMIT_MS).length / answers.length;
  console.log(
    `${SONGS} songs of ${SECONDS} s in ${seconds.toFixed(0)} s, ${(memory / 1e9).toFixed(2)} GB, health at most ${slowest.toFixed(0)} ms`,
  );
  for (const id of ids) {
    const starts = [...worker.log().matchAll(new RegExp(`analysis started, as '${id}'`, 'g'))];
    expect(starts, id).toHaveLength(1);
    expect(separationsOf(worker.log(), id), id).toBeGreaterThan(0);
    expect(worker.log()).not.toMatch(new RegExp(`'${id}'.*, [1-9]\\d* were\\.`)); // No segment was there already.
    expect(await leftoversOf(place, id)).toEqual([]);
  }
  // Late stages that waited in the queue would come when every song's parts have been taken from it.
  expect(begunByThen.length).toBeLessThan(SONGS);
  expect(readdirSync(join(place.folder, 'work'))).toEqual([]);
  expect(memory).toBeLessThan(MEMORY_LIMIT);
  expect(answers.length).toBeGreaterThan(10);
  expect(late).toBeLessThan(MOST_LATE);
  expect(await end(worker.child, 'SIGTERM')).toBe(0);
});
