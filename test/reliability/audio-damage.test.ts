import { chmodSync, readdirSync } from 'node:fs';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { decode } from '../../src/pipeline/audio/decode.ts';
import { ffmpegPath } from '../../src/pipeline/audio/ffmpeg.ts';
import { SAMPLE_RATE } from '../../src/pipeline/audio/song.ts';
import { WorkerError } from '../../src/pipeline/errors.ts';
import { AudioFolder, flipBits, LONG_SILENCE, peakOf, samplesOf } from '../support/audio.ts';

const SENTENCE =
  '10. Truncated or bit-flipped file: what decodes is analysed and the result says so, or a typed error; never a hang';
const SECONDS = 8;
const LIMITS = { maxDurationSeconds: 60, timeoutMs: 20_000 };
const FASTSTART = ['-movflags', '+faststart'];
/** 24 dB over full scale. */
const LOUDEST = 16;

const folder = new AudioFolder();
afterEach(() => {
  vi.unstubAllEnvs();
  expect(readdirSync(folder.path).filter((name) => name.endsWith('.partial'))).toEqual([]);
});
afterAll(() => folder.remove());

const whole = (name: string, output: readonly string[] = []) =>
  folder.make(name, `anoisesrc=duration=${SECONDS}:amplitude=0.3:seed=3:sample_rate=44100`, [
    '-ac',
    '2',
    ...output,
  ]);
const decoded = (source: string, limits = LIMITS) => decode(source, folder.at('song.f32'), limits);

describe(SENTENCE, () => {
  it.each([
    ['a.mp3', []],
    ['a.flac', []],
    ['a.ogg', ['-c:a', 'libvorbis']],
    ['a.opus', ['-c:a', 'libopus']],
    ['a.m4a', FASTSTART],
    ['a.wav', []],
    ['a.aiff', []],
    ['a.wma', []],
    ['a.webm', ['-c:a', 'libopus']],
  ])('%s, whole and cut', async (name, output) => {
    const source = whole(name, output);
    expect(await decoded(source)).toMatchObject({ damaged: false });
    for (const share of [0.5, 0.7]) {
      const cut = folder.changed(`cut-${name}`, source, (bytes) => bytes.subarray(0, bytes.length * share));
      const { frames, damaged } = await decoded(cut);
      expect(damaged).toBe(true);
      expect(frames / SAMPLE_RATE / SECONDS).toBeGreaterThan(share - 0.15);
      expect(frames / SAMPLE_RATE / SECONDS).toBeLessThan(share + 0.05);
      expect(samplesOf(folder.at('song.f32'))).toHaveLength(2 * frames);
    }
  });

  it.each([
    ['b.mp3', []],
    ['b.flac', []],
    ['b.ogg', ['-c:a', 'libvorbis']],
    ['b.m4a', FASTSTART],
    ['b.wav', []],
    ['b-float.wav', ['-c:a', 'pcm_f32le']],
  ])('%s with bits turned over', async (name, output) => {
    const source = whole(name, output);
    for (const [seed, { flips, from }] of [
      { flips: 1, from: 0 },
      { flips: 40, from: 0 },
      { flips: 100, from: 8000 },
      { flips: 1000, from: 8000 },
    ].entries()) {
      const flipped = folder.changed(`flipped-${name}`, source, (bytes) =>
        flipBits(bytes, flips, seed, from),
      );
      const result = await decoded(flipped).catch((error) => error);
      if (result instanceof WorkerError) {
        expect(result.code).toMatch(/^(unsupported_media|too_long)$/);
        continue;
      }
      expect(result.frames / SAMPLE_RATE).toBeLessThan(3 * SECONDS);
      const samples = samplesOf(folder.at('song.f32'));
      expect(samples).toHaveLength(2 * result.frames);
      expect(peakOf(samples)).toBeLessThanOrEqual(LOUDEST);
    }
  });

  it('one bit of a flac file is enough to be told', async () => {
    const source = whole('c.flac');
    for (const seed of [1, 2, 3]) {
      const flipped = folder.changed('flipped.flac', source, (bytes) => flipBits(bytes, 1, seed, 10_000));
      expect(await decoded(flipped)).toMatchObject({ damaged: true });
    }
  });

  it('samples that are no numbers, or beyond all bounds, become silence', async () => {
    const source = whole('d.wav', ['-c:a', 'pcm_f32le']);
    const broken = folder.changed('broken.wav', source, (bytes) => {
      for (const [i, value] of [Number.NaN, Number.POSITIVE_INFINITY, -1e37, 17].entries())
        bytes.writeFloatLE(value, bytes.length - 400_000 + 4 * i);
    });
    expect(await decoded(broken)).toEqual({ frames: SECONDS * SAMPLE_RATE, damaged: true });
    const samples = samplesOf(folder.at('song.f32'));
    expect([...samples.subarray(-100_000, -99_996)]).toEqual([0, 0, 0, 0]);
    expect(peakOf(samples)).toBeLessThan(1);
  });

  it('a file that takes too long is given up, and the message names limit and setting', async () => {
    const endless = folder.make('endless.flac', LONG_SILENCE.source, LONG_SILENCE.output(7200));
    const started = performance.now();
    const limits = { maxDurationSeconds: 7200, timeoutMs: 500 };
    await expect(decoded(endless, limits)).rejects.toMatchObject({
      code: 'timed_out',
      message: expect.stringMatching(/0\.5 s.*DECODE_TIMEOUT_SECONDS/),
    });
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it.skipIf(process.platform === 'win32').each([
    ['kill -TERM $$', 'interrupted'],
    // How ffmpeg itself answers SIGTERM and SIGINT.
    ['exit 255', 'interrupted'],
    ['kill -KILL $$', 'compute_crashed'],
  ])('what a stopped ffmpeg wrote (%s) is not taken for the song', async (end, code) => {
    const source = whole('e.wav');
    const script = `#!/bin/sh\n'${ffmpegPath()}' "$@" | head -c 1000000\ncase "$*" in *pipe:1) ${end};; esac\n`;
    chmodSync(folder.write('stopped-ffmpeg', script), 0o755);
    vi.stubEnv('FFMPEG_PATH', folder.at('stopped-ffmpeg'));
    await expect(decoded(source)).rejects.toMatchObject({ code, retryable: true });
  });
});
