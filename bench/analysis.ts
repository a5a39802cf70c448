/**
 * `npm run bench:analysis`: the analysis stage alone, as it is built and deployed, in the child process that the worker
 * runs it in, on a song of three minutes and on one of an hour: seconds, share of real time, and the most memory that the
 * child takes.
 *
 * With a Python that has librosa (`--python`), the usual analysis by that library runs by turns with ours on the same
 * samples, so that what else the machine does meets both alike; the ratio is what counts. Both start a process for each
 * song and begin with decoded samples. The library is also timed in a process that has analysed a song already.
 */
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DEMO_PLAN } from '../scripts/demo-song.ts';
import { renderSong } from '../scripts/synth/song.ts';
import { decode } from '../src/pipeline/audio/decode.ts';
import { CHANNELS, SAMPLE_RATE, type Song, SongBuffer, SongFile } from '../src/pipeline/audio/song.ts';
import type { runInChild } from '../src/pipeline/compute/run.ts';

/** The built one: a process that compiles types away first takes longer. */
const built: { runInChild: typeof runInChild } = await import(
  new URL('../dist/pipeline/compute/run.js', import.meta.url).href
);
const BASELINE = fileURLToPath(new URL('librosa_baseline.py', import.meta.url));
const SONG_SECONDS = 180;
const SECONDS_PER_MINUTE = 60;
const MEGABYTE = 1e6;

const { values: options } = parseArgs({
  options: {
    /** An audio file in place of the made-up song. */
    song: { type: 'string' },
    /** A Python with librosa; none: no comparison. */
    python: { type: 'string' },
    baseline: { type: 'string', default: BASELINE },
    rounds: { type: 'string', default: '5' },
    /** Length of the long song; 0 leaves it out. */
    minutes: { type: 'string', default: '60' },
  },
});

interface Run {
  readonly seconds: number;
  /** Of the child, the most that it took. */
  readonly peakBytes: number;
}

/** The worker's own way: a child process that ends afterwards. */
async function analyseInChild(song: string): Promise<Run> {
  const started = performance.now();
  const work = built.runInChild({ kind: 'analyze', song });
  let step = await work.next();
  while (!step.done) step = await work.next();
  return { seconds: (performance.now() - started) / 1000, peakBytes: step.value.peakBytes };
}

interface BaselineRun {
  /** From the start of the process to the first analysis: what ours is measured as. */
  readonly seconds: number;
  /** Of a second analysis in the same process. */
  readonly warmSeconds: number;
}

async function analyseByBaseline(python: string, song: string): Promise<BaselineRun> {
  const started = performance.now();
  const child = spawn(python, [options.baseline, song], { stdio: ['ignore', 'pipe', 'inherit'] });
  const times: number[] = [];
  let seconds = Number.NaN;
  for await (const line of createInterface(child.stdout)) {
    if (times.length === 0) seconds = (performance.now() - started) / 1000;
    times.push(Number(line));
  }
  if (times.length < 2) throw new Error('The baseline did not analyse the song twice.');
  return { seconds, warmSeconds: times[1] };
}

/** Prints the medians over all rounds. */
async function compare(song: string): Promise<void> {
  const duration = secondsOf(song);
  const ours: Run[] = [];
  const theirs: BaselineRun[] = [];
  for (let round = 0; round < Number(options.rounds); round++) {
    ours.push(await analyseInChild(song));
    if (options.python) theirs.push(await analyseByBaseline(options.python, song));
  }
  const seconds = median(ours.map((run) => run.seconds));
  console.log(`${duration.toFixed(0)} s of song, medians of ${options.rounds} rounds`);
  console.log(`this            ${describe(seconds, duration)}, ${megabytes(ours)} MB`);
  if (theirs.length === 0) return;
  for (const [name, key] of [
    ['librosa', 'seconds'],
    ['librosa, warm', 'warmSeconds'],
  ] as const) {
    const baseline = median(theirs.map((run) => run[key]));
    const ratio = (baseline / seconds).toFixed(2);
    console.log(`${name.padEnd(16)}${describe(baseline, duration)}, ${ratio} times as long as this`);
  }
}

async function analyseLong(song: string, minutes: number): Promise<void> {
  const duration = minutes * SECONDS_PER_MINUTE;
  const path = join(folder, 'long.f32');
  using source = new SongFile(song);
  writeOverAndOver(path, source, duration);
  const run = await analyseInChild(path);
  console.log(
    `${`this, ${minutes} min`.padEnd(16)}${describe(run.seconds, duration)}, ${megabytes([run])} MB`,
  );
}

const describe = (seconds: number, duration: number) =>
  `${seconds.toFixed(2).padStart(6)} s   ${(seconds / duration).toFixed(4)} of real time`;

const megabytes = (runs: readonly Run[]) =>
  (Math.max(...runs.map(({ peakBytes }) => peakBytes)) / MEGABYTE).toFixed(0);

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
}

function secondsOf(path: string): number {
  using song = new SongFile(path);
  return song.frames / SAMPLE_RATE;
}

/** A decoded song of this length: `source` as often as it takes. */
function writeOverAndOver(path: string, source: Song, seconds: number): void {
  const file = openSync(path, 'w');
  const end = Math.round(seconds * SAMPLE_RATE);
  for (let written = 0; written < end; ) {
    const at = written % source.frames;
    const count = Math.min(SAMPLE_RATE, source.frames - at, end - written);
    const [left, right] = source.read(at, count);
    const block = new Float32Array(count * CHANNELS);
    for (let i = 0; i < count; i++) {
      block[CHANNELS * i] = left[i];
      block[CHANNELS * i + 1] = right[i];
    }
    writeSync(file, block);
    written += count;
  }
  closeSync(file);
}

const folder = mkdtempSync(join(tmpdir(), 'bench-analysis-'));
try {
  const song = join(folder, 'song.f32');
  if (options.song) await decode(options.song, song, { maxDurationSeconds: 3600, timeoutMs: 600_000 });
  else {
    const { left, right } = renderSong(DEMO_PLAN).mix;
    writeOverAndOver(song, new SongBuffer(left, right), SONG_SECONDS);
  }
  await compare(song);
  if (Number(options.minutes) > 0) await analyseLong(song, Number(options.minutes));
} finally {
  rmSync(folder, { recursive: true });
}
