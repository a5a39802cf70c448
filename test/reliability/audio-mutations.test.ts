import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, expect, it } from 'vitest';
import { decode } from '../../src/pipeline/audio/decode.ts';
import { SAMPLE_RATE } from '../../src/pipeline/audio/song.ts';
import { WorkerError } from '../../src/pipeline/errors.ts';
import { AudioFolder, peakOf, samplesOf } from '../support/audio.ts';
import { random } from '../support/random.ts';

const FULL = process.env.CHAOS === 'full';
/** Mutated copies of each format. */
const COPIES = FULL ? 25 : 2;
const SEED = Number(process.env.CHAOS_SEED ?? 1);
const SECONDS = 4;
const LIMITS = { maxDurationSeconds: 60, timeoutMs: 20_000 };
/** 24 dB over full scale, see `SampleGuard`. */
const MAX_AMPLITUDE = 16;
/** What a damaged file may end with: it is no music, it claims too much, or decoding it costs too much. */
const EXPECTED_CODES = ['unsupported_media', 'too_long', 'timed_out', 'out_of_memory'];

type Draw = (end: number) => number;

/** Kinds of damage that disks, networks and programs do to files. */
const MUTATIONS: readonly ((bytes: Buffer, draw: Draw) => Buffer)[] = [
  function bitsFlipped(bytes, draw) {
    for (let i = 0; i < 20; i++) bytes[draw(bytes.length)] ^= 1 << draw(8);
    return bytes;
  },
  function headerOverwritten(bytes, draw) {
    for (let i = 0; i < 4; i++) bytes[draw(Math.min(200, bytes.length))] = draw(256);
    return bytes;
  },
  function cutOff(bytes, draw) {
    return bytes.subarray(0, 1 + draw(bytes.length - 1));
  },
  function blockZeroed(bytes, draw) {
    const start = draw(bytes.length);
    return bytes.fill(0, start, Math.min(bytes.length, start + draw(8192)));
  },
  function blockMissing(bytes, draw) {
    const start = draw(bytes.length);
    return Buffer.concat([bytes.subarray(0, start), bytes.subarray(start + 1 + draw(4096))]);
  },
  function blockRepeated(bytes, draw) {
    const start = draw(bytes.length);
    const end = start + draw(8192);
    return Buffer.concat([bytes.subarray(0, end), bytes.subarray(start)]);
  },
  function rubbishInserted(bytes, draw) {
    const start = draw(bytes.length);
    const rubbish = Buffer.from(Array.from({ length: 1 + draw(2000) }, () => draw(256)));
    return Buffer.concat([bytes.subarray(0, start), rubbish, bytes.subarray(start)]);
  },
];

const folder = new AudioFolder();
afterAll(() => folder.remove());

it.concurrent.each([
  ['mp3', []],
  ['wav', []],
  ['flac', []],
  ['ogg', ['-c:a', 'libvorbis']],
  ['opus', ['-c:a', 'libopus']],
  ['m4a', []],
  ['aiff', []],
  ['wma', []],
] as const)(
  `10. ${COPIES} mutated copies of a .%s (seed ${SEED}): sound within bounds or a typed error, nothing left over`,
  { timeout: COPIES * 10_000 },
  async (ending, output) => {
    const source = folder.make(
      `song.${ending}`,
      `anoisesrc=duration=${SECONDS}:amplitude=0.3:seed=3:sample_rate=44100`,
      ['-ac', '2', ...output],
    );
    const next = random(SEED + ending.length);
    const draw: Draw = (end) => Math.floor(next() * end);
    const place = folder.folder(`decoded-${ending}`);
    for (let copy = 0; copy < COPIES; copy++) {
      const mutate = MUTATIONS[copy % MUTATIONS.length];
      const name = `${copy}-${mutate.name}.${ending}`;
      const file = folder.write(name, mutate(readFileSync(source), draw));
      const target = `${place}/song.f32`;
      const result = await decode(file, target, LIMITS).catch((error: unknown) => error);
      expect(
        readdirSync(place).filter((each) => each !== 'song.f32'),
        name,
      ).toEqual([]);
      if (result instanceof Error) {
        expect(result, `${name}: ${result.stack}`).toBeInstanceOf(WorkerError);
        expect(EXPECTED_CODES, `${name}: ${result.message}`).toContain((result as WorkerError).code);
        continue;
      }
      const { frames } = result as { frames: number };
      expect(frames / SAMPLE_RATE, name).toBeLessThanOrEqual(LIMITS.maxDurationSeconds);
      const samples = samplesOf(target);
      expect(samples, name).toHaveLength(2 * frames);
      expect(peakOf(samples), name).toBeLessThanOrEqual(MAX_AMPLITUDE);
    }
  },
);
