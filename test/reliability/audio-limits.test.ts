import { existsSync, readdirSync, statSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { decode } from '../../src/pipeline/audio/decode.ts';
import { FRAME_BYTES, SAMPLE_RATE, SongFile } from '../../src/pipeline/audio/song.ts';
import { assembleJams } from '../../src/pipeline/jams/assemble.ts';
import { validateJams } from '../../src/pipeline/jams/validate.ts';
import { analyse } from '../../src/pipeline/mir/analyse.ts';
import { AudioFolder, LONG_SILENCE, peakOf, samplesOf } from '../support/audio.ts';
import { DiskWatch } from '../support/disk.ts';

const HOUR = 3600;
/** Duration cap in seconds. */
const CAP = 100;
const MEGABYTE = 1_000_000;

const folder = new AudioFolder();
afterAll(() => folder.remove());

const decoded = (source: string, maxDurationSeconds = 60) =>
  decode(source, folder.at('song.f32'), { maxDurationSeconds, timeoutMs: 60_000 });
/** The same file for all that ask for its name. */
const silence = (name: string, seconds: number) =>
  existsSync(folder.at(name))
    ? folder.at(name)
    : folder.make(name, LONG_SILENCE.source, LONG_SILENCE.output(seconds));

describe('11. A small file that decodes to hours -> stopped at the duration cap while decoding; memory bounded', () => {
  /** FLAC's STREAMINFO keeps the number of samples in 36 bits, RFC 9639. */
  const telling = (samples: number) => (bytes: Buffer) => {
    bytes[21] &= 0xf0;
    bytes.writeUInt32BE(samples, 22);
  };

  const tooLong = (cap: number) => ({
    code: 'too_long',
    retryable: false,
    message: expect.stringMatching(new RegExp(`longer than ${cap} s, .*MAX_DURATION_SECONDS`)),
  });

  it.each<[string, string, () => string]>([
    ['two hours of flac', 'bomb.flac', () => silence('bomb.flac', 2 * HOUR)],
    [
      'two hours of flac that tell of one second',
      'liar.flac',
      () => folder.changed('liar.flac', silence('bomb.flac', 2 * HOUR), telling(8000)),
    ],
    [
      'twenty minutes of opus',
      'bomb.opus',
      () =>
        folder.make(
          'bomb.opus',
          'anullsrc=r=48000:cl=mono',
          '-t 1200 -c:a libopus -b:a 500 -frame_duration 60'.split(' '),
        ),
    ],
  ])('%s', async (_, name, make) => {
    const source = make();
    expect(statSync(folder.at(name)).size).toBeLessThan(0.2 * MEGABYTE);
    let written = 0;
    using _disk = new DiskWatch((bytes) => {
      written += bytes;
      return undefined;
    });
    await expect(decoded(source, CAP)).rejects.toMatchObject(tooLong(CAP));
    const most = CAP * SAMPLE_RATE * FRAME_BYTES;
    expect(written).toBeLessThanOrEqual(most);
    expect(written).toBeGreaterThan(0.9 * most);
    expect(readdirSync(folder.path).filter((file) => file.startsWith('song.f32'))).toEqual([]);
  });

  it('half a gigabyte passes through a fraction of the memory', async () => {
    const source = silence('bomb.flac', 2 * HOUR);
    const memory = () => process.memoryUsage().external + process.memoryUsage().heapUsed;
    const before = memory();
    let most = before;
    using _disk = new DiskWatch(() => {
      most = Math.max(most, memory());
      return 'discard';
    });
    const cap = 1500;
    await expect(decoded(source, cap)).rejects.toMatchObject(tooLong(cap));
    expect(most - before).toBeLessThan((cap * SAMPLE_RATE * FRAME_BYTES) / 2);
  });

  it.each<[string, (bytes: Buffer) => void]>([
    ['wav', (bytes) => bytes.writeUInt32LE(2_000_000_000, bytes.indexOf('data') + 4)],
    ['aiff', (bytes) => bytes.writeUInt32BE(1_000_000_000, bytes.indexOf('COMM') + 10)],
  ])('a short %s file whose header tells of hours is what it is, and damaged', async (ending, lie) => {
    const source = folder.make(`short.${ending}`, 'sine=duration=1');
    expect(await decoded(folder.changed(`lying.${ending}`, source, lie))).toEqual({
      frames: SAMPLE_RATE,
      damaged: true,
    });
  });
});

describe('12. 0.2 s; mono; 5.1; 8 kHz; 192 kHz; 24-bit; float; hours long within the cap -> a defined result or a typed error', () => {
  /** A sine of amplitude 0.8 on each channel of a layout. */
  const tone = (layout: string, rate: number, seconds = 1) => {
    const channels = { mono: 1, stereo: 2, '5.1': 6, '7.1': 8 }[layout];
    const sine = Array.from({ length: channels! }, () => '0.8*sin(2*PI*440*t)').join('|');
    return `aevalsrc=${sine}:c=${layout}:s=${rate}:d=${seconds}`;
  };

  it.each<[string, string, string, string[], number]>([
    ['0.2 s', 'short.wav', tone('stereo', 44_100, 0.2), [], 0.2],
    ['mono', 'mono.wav', tone('mono', 44_100), [], 1],
    ['5.1', 'surround.wav', tone('5.1', 44_100), [], 1],
    ['7.1 at 96 kHz', 'surround.flac', tone('7.1', 96_000), [], 1],
    ['8 kHz', 'low.wav', tone('mono', 8000), [], 1],
    ['8 bit at 11 kHz', 'old.wav', tone('mono', 11_025), ['-c:a', 'pcm_u8'], 1],
    ['192 kHz', 'high.wav', tone('stereo', 192_000), [], 1],
    ['24-bit', 'deep.flac', tone('stereo', 48_000), ['-sample_fmt', 's32'], 1],
    ['float', 'float.wav', tone('stereo', 44_100), ['-c:a', 'pcm_f32le'], 1],
    ['double', 'double.wav', tone('stereo', 44_100), ['-c:a', 'pcm_f64le'], 1],
  ])('%s: its length and its level', async (_, name, source, output, seconds) => {
    const { frames, damaged } = await decoded(folder.make(name, source, output));
    expect(damaged).toBe(false);
    expect(Math.abs(frames - seconds * SAMPLE_RATE)).toBeLessThan(50);
    const samples = samplesOf(folder.at('song.f32'));
    const inner = samples.subarray(samples.length / 4, (3 * samples.length) / 4);
    expect(peakOf(inner)).toBeGreaterThan(0.78);
    expect(peakOf(inner)).toBeLessThan(0.82);
    expect(peakOf(inner.filter((_, i) => i % 2 === 0))).toBeCloseTo(
      peakOf(inner.filter((_, i) => i % 2 === 1)),
      2,
    );
  });

  it('of 5.1, the front left channel alone comes out left, the LFE nowhere', async () => {
    const alone = async (channel: number) => {
      const channels = Array.from({ length: 6 }, (_, c) => (c === channel ? '0.8*sin(2*PI*440*t)' : '0'));
      await decoded(folder.make('alone.wav', `aevalsrc=${channels.join('|')}:c=5.1:s=44100:d=1`));
      const samples = samplesOf(folder.at('song.f32'));
      return [0, 1].map((side) => peakOf(samples.filter((_, i) => i % 2 === side)));
    };
    const full = 0.8 / (1 + 2 * Math.SQRT1_2);
    const [frontLeft, right] = await alone(0);
    expect(frontLeft).toBeCloseTo(full, 2);
    expect(right).toBe(0);
    const [left] = await alone(2);
    expect(left).toBeCloseTo(full * Math.SQRT1_2, 2);
    expect(await alone(3)).toEqual([0, 0]);
  });

  it('what tags tell, however long, is not taken for the sound', async () => {
    const lyrics = 'And all that we sang\n'.repeat(3000);
    const title = 'Song\n  Stream #0:0: Audio: mp3, 44100 Hz, mono, fltp';
    const tags = ['-metadata', `lyrics=${lyrics}`, '-metadata', `title=${title}`];
    await decoded(folder.make('tags.flac', 'aevalsrc=0|0.8*sin(2*PI*440*t):c=stereo:s=44100:d=1', tags));
    const samples = samplesOf(folder.at('song.f32'));
    expect(peakOf(samples.filter((_, i) => i % 2 === 1))).toBeCloseTo(0.8, 2);
  });

  it('float over full scale keeps its level', async () => {
    await decoded(folder.make('hot.wav', 'aevalsrc=4*sin(2*PI*440*t):s=44100:d=1', ['-c:a', 'pcm_f32le']));
    expect(peakOf(samplesOf(folder.at('song.f32')))).toBeCloseTo(4, 2);
  });

  it('nine channels that nobody told the places of sound alike on both sides', async () => {
    const channels = Array.from({ length: 9 }, (_, c) => (c === 3 ? '0.9*sin(2*PI*440*t)' : '0'));
    const source = folder.make('nine.wav', `aevalsrc=${channels.join('|')}:s=44100:d=1`);
    expect(await decoded(source)).toEqual({ frames: SAMPLE_RATE, damaged: false });
    const samples = samplesOf(folder.at('song.f32'));
    for (const side of [0, 1]) expect(peakOf(samples.filter((_, i) => i % 2 === side))).toBeCloseTo(0.1, 2);
  });

  it('0.2 s have an analysis and a valid annotation', async () => {
    await decoded(folder.make('blink.wav', tone('stereo', 44_100, 0.2)));
    using song = new SongFile(folder.at('song.f32'));
    const analysis = analyse(song);
    expect(analysis).toMatchObject({ tempo: null, beats: [] });
    validateJams(
      assembleJams({
        analysis,
        chordSource: 'mix',
        title: '',
        identifiers: {},
        tool: { name: 't', version: '1' },
        separation: {},
      }),
    );
  });

  it('an hour is within a cap of an hour', async () => {
    using _disk = new DiskWatch(() => 'discard');
    expect(await decoded(silence('long.flac', HOUR), HOUR)).toEqual({
      frames: HOUR * SAMPLE_RATE,
      damaged: false,
    });
  });
});
