/**
 * `npm run bench:separation`: HTDemucs here against PyTorch, on the same random full-size network and the same song.
 *
 * Needs a Python with the packages torch and demucs (`--python`). All run by turns, so that what else the machine does
 * meets all alike; the ratios are what counts. A long song then shows that memory doesn't depend on the length.
 */
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CHANNELS, SAMPLE_RATE, SongFile } from '../src/pipeline/audio/song.ts';
import { endIdleProcesses } from '../src/pipeline/compute/pool.ts';
import { runInChild } from '../src/pipeline/compute/run.ts';
import { PRECISIONS, type Precision, readConfig } from '../src/pipeline/config.ts';
import { importModel } from '../src/pipeline/models/install.ts';
import { openSeparator } from '../src/pipeline/separation/open.ts';
import { chooseSeparator, type SeparatorSettings } from '../src/pipeline/separation/registry.ts';

const REFERENCE = fileURLToPath(new URL('reference.py', import.meta.url));
const MODEL = 'random';
/** glibc's allocator told to keep what it has: without this, PyTorch spends much of its time on page faults. */
const TUNED_ALLOCATOR = {
  MALLOC_MMAP_MAX_: '0',
  MALLOC_TRIM_THRESHOLD_: `${2 ** 40}`,
  MALLOC_TOP_PAD_: `${2 ** 28}`,
};
const SECONDS_PER_MINUTE = 60;
const NAME_WIDTH = 26;
/** Hz. */
const TONES = [110, 440, 2637];

/** Something that can separate the song, timed. */
interface Contestant {
  readonly name: string;
  /** Separates the song once; the seconds that it took. */
  separate(): Promise<number>;
}

const { values: options } = parseArgs({
  options: {
    python: { type: 'string', default: 'python3' },
    seconds: { type: 'string', default: '60' },
    rounds: { type: 'string', default: '3' },
    /** Length of the long song; 0 leaves it out. */
    minutes: { type: 'string', default: '60' },
    threads: { type: 'string', default: '2' },
  },
});
const folder = mkdtempSync(join(tmpdir(), 'bench-separation-'));
Object.assign(process.env, {
  MODELS_DIR: join(folder, 'models'),
  ORT_THREADS: options.threads,
  WORKERS: '2',
});
/** Prints how near ours come to the reference, then all medians and ratios. */
async function compare(checkpoint: string, song: string): Promise<void> {
  using plain = new PyTorch('PyTorch', checkpoint, song, {});
  using tuned = new PyTorch('PyTorch, tuned allocator', checkpoint, song, TUNED_ALLOCATOR);
  const ours = PRECISIONS.map((precision) => new Ours(precision, song));
  const stems = join(folder, 'stems.f32');
  await plain.separate(stems);
  for (const { name, separator } of ours)
    console.log(
      `${name.padEnd(NAME_WIDTH)}${(await agreement(song, separator, stems)).toFixed(1)} dB to PyTorch`,
    );

  const contestants: Contestant[] = [plain, tuned, ...ours];
  const times = contestants.map((): number[] => []);
  for (const contestant of contestants) await contestant.separate(); // Networks and memory are there afterwards.
  for (let round = 0; round < Number(options.rounds); round++)
    for (const [i, contestant] of contestants.entries()) times[i].push(await contestant.separate());
  console.log(
    `\n${options.seconds} s of song, ${options.threads} threads, medians of ${options.rounds} rounds`,
  );
  for (const [i, { name }] of contestants.entries()) {
    const [toPlain, toTuned] = [times[0], times[1]].map((base) =>
      (median(base) / median(times[i])).toFixed(2),
    );
    const time = median(times[i]).toFixed(1).padStart(6);
    console.log(`${name.padEnd(NAME_WIDTH)}${time} s   ${toPlain}x PyTorch   ${toTuned}x tuned`);
  }
  for (const { name, peakBytes } of ours)
    console.log(`${name.padEnd(NAME_WIDTH)}peak memory ${gigabytes(peakBytes)} GB`);
}

/** Separates a song of `minutes` in parts, as the worker does, and prints what memory that took. */
async function separateLong(minutes: number): Promise<void> {
  const song = join(folder, 'long.f32');
  writeSong(song, minutes * SECONDS_PER_MINUTE);
  const ours = new Ours('fp32', song);
  const started = performance.now();
  await ours.separate((done) => process.stderr.write(`\r${(100 * done).toFixed(0)} % of ${minutes} minutes`));
  const took = (performance.now() - started) / 1000 / SECONDS_PER_MINUTE;
  console.log(
    `\n${minutes} minutes of song took ${took.toFixed(1)}, peak memory ${gigabytes(ours.peakBytes)} GB`,
  );
}

/** The worker's own way: a child process with the network open. */
class Ours implements Contestant {
  readonly name: string;
  readonly separator: SeparatorSettings;
  /** The most memory that its process has taken. */
  peakBytes = 0;

  readonly #song: string;

  constructor(precision: Precision, song: string) {
    const config = readConfig();
    this.name = `this, ${precision}`;
    this.separator = chooseSeparator(MODEL, undefined, {
      ...config,
      network: { ...config.network, precision },
    });
    this.#song = song;
  }

  async separate(onProgress?: (share: number) => void): Promise<number> {
    const { part_segments } = this.separator;
    const segments = segmentsOf(this.#song, this.separator);
    await this.#work([0]); // A process that waited long for work has ended; the network is open again now.
    const started = performance.now();
    for (let first = 0; first < segments.length; first += part_segments) {
      const part = segments.slice(first, first + part_segments);
      await this.#work(part);
      onProgress?.((first + part.length) / segments.length);
    }
    return (performance.now() - started) / 1000;
  }

  async #work(segments: readonly number[]): Promise<void> {
    const work = runInChild({ kind: 'separate', song: this.#song, separator: this.separator, segments });
    let step = await work.next();
    while (!step.done) step = await work.next();
    this.peakBytes = step.value.peakBytes;
  }
}

/** The reference implementation, in a Python process with the network open. */
class PyTorch implements Contestant, Disposable {
  readonly name: string;

  readonly #process;
  readonly #answers: AsyncIterator<string>;

  constructor(name: string, checkpoint: string, song: string, env: Readonly<Record<string, string>>) {
    this.name = name;
    this.#process = spawn(options.python, [REFERENCE, 'serve', checkpoint, song, options.threads], {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#answers = createInterface(this.#process.stdout)[Symbol.asyncIterator]();
  }

  /** Leaves the stems in the file `target` where one is named. */
  async separate(target = ''): Promise<number> {
    this.#process.stdin.write(`${target}\n`);
    const { done, value } = await this.#answers.next();
    if (done) throw new Error('The reference ended by itself.');
    return Number(value);
  }

  [Symbol.dispose](): void {
    this.#process.kill();
  }
}

/** Signal-to-noise ratio in dB of our stems, the reference's (`[stems, channels, frames]` in a file) being the signal. */
async function agreement(path: string, settings: SeparatorSettings, stems: string): Promise<number> {
  using song = new SongFile(path);
  const truth = new Float32Array(readFileSync(stems).buffer);
  const separator = await openSeparator(settings, readConfig());
  let signal = 0;
  let noise = 0;
  for await (const segment of separator.separate(song, { stems: settings.stems, first: 0, end: Infinity })) {
    for (const [s, stem] of settings.stems.entries()) {
      for (const [c, samples] of segment.stems[stem].entries()) {
        const from = (s * CHANNELS + c) * song.frames + segment.start;
        for (let i = 0; i < samples.length; i++) {
          signal += truth[from + i] ** 2;
          noise += (truth[from + i] - samples[i]) ** 2;
        }
      }
    }
  }
  await separator.close();
  return 10 * Math.log10(signal / noise);
}

function segmentsOf(path: string, { stride_frames }: SeparatorSettings): number[] {
  using song = new SongFile(path);
  return Array.from({ length: Math.ceil(song.frames / stride_frames) }, (_, i) => i);
}

/** A decoded song: three tones that come and go in noise, its sides unlike. */
function writeSong(path: string, seconds: number): void {
  const file = openSync(path, 'w');
  let state = 1;
  for (let second = 0; second < seconds; second++) {
    const block = new Float32Array(SAMPLE_RATE * CHANNELS);
    for (let i = 0; i < block.length; i++) {
      const time = second + Math.floor(i / CHANNELS) / SAMPLE_RATE;
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      const tone = TONES.reduce(
        (sum, hz, k) => sum + Math.sin(2 * Math.PI * hz * time) * Math.sin(time / (k + 1)),
        0,
      );
      block[i] = 0.1 * tone * (i % CHANNELS ? 1 : 0.7) + 0.1 * (state / 2 ** 32 - 0.5);
    }
    writeSync(file, block);
  }
  closeSync(file);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
}

const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(2);

try {
  const checkpoint = join(folder, 'random.th');
  execFileSync(options.python, [REFERENCE, 'make', checkpoint], { stdio: 'inherit' });
  await importModel([checkpoint], MODEL, readConfig());
  const song = join(folder, 'song.f32');
  writeSong(song, Number(options.seconds));
  await compare(checkpoint, song);
  if (Number(options.minutes) > 0) await separateLong(Number(options.minutes));
} finally {
  endIdleProcesses();
  rmSync(folder, { recursive: true });
}
