import { describe, expect, it } from 'vitest';
import { type Song, SongBuffer } from '../../../../src/pipeline/audio/song.ts';
import { DemucsSeparator } from '../../../../src/pipeline/separation/demucs/separator.ts';
import type { SeparatedSegment, SeparationRange } from '../../../../src/pipeline/separation/separator.ts';
import { identity, mirroring, StandInNetwork } from '../../../support/networks.ts';
import { noiseSource } from '../../../support/reference-song.ts';

const SEGMENT = 1001;
const STEMS = ['voice', 'band'];

/** Noise of 16 bits: its sums are exact, so that the level does not depend on the samples' order. */
function noise(frames: number): { left: Float32Array; right: Float32Array } {
  const next = noiseSource();
  const channel = () => Float32Array.from({ length: frames }, () => next() / 2 ** 16 + 0.125);
  return { left: channel(), right: channel() };
}

function noiseSong(frames: number): SongBuffer {
  const { left, right } = noise(frames);
  return new SongBuffer(left, right);
}

async function strides(
  separator: DemucsSeparator,
  song: Song,
  range: Partial<SeparationRange> = {},
): Promise<SeparatedSegment[]> {
  return Array.fromAsync(separator.separate(song, { stems: STEMS, first: 0, end: Infinity, ...range }));
}

describe('a network that gives the mix', () => {
  const lengths = [1, 17, SEGMENT - 1, SEGMENT, SEGMENT + 1, 2 * SEGMENT, 10 * SEGMENT + 3];
  const overlaps = [0, 0.1, 0.25, 0.5, 0.75];

  it.each(overlaps.flatMap((overlap) => lengths.map((frames) => ({ overlap, frames }))))(
    'gives the song of $frames frames at an overlap of $overlap',
    async ({ overlap, frames }) => {
      const song = noiseSong(frames);
      const separator = new DemucsSeparator(new StandInNetwork(SEGMENT, identity), overlap);
      const given = await strides(separator, song);
      expect(given.map(({ index }) => index)).toEqual(given.map((_, i) => i));
      let end = 0;
      for (const { start, length, stems } of given) {
        expect(start).toBe(end);
        const wanted = song.read(start, length);
        for (const stem of STEMS)
          for (const c of [0, 1]) {
            expect(stems[stem][c]).toHaveLength(length);
            expect(furthest(stems[stem][c], wanted[c])).toBeLessThanOrEqual(1e-5);
          }
        end += length;
      }
      expect(end).toBe(frames);
      for (const { length } of given.slice(0, -1)) expect(length).toBe(separator.strideFrames);
    },
  );

  it('gives silence for silence', async () => {
    const separator = new DemucsSeparator(new StandInNetwork(SEGMENT, identity), 0.25);
    const [{ stems }] = await strides(separator, new SongBuffer(new Float32Array(500)));
    expect(stems.voice[0]).toEqual(new Float32Array(500));
  });
});

describe('the network', () => {
  it('is given the song at mean 0 and unbiased deviation 1 of its middle channel', async () => {
    const network = new StandInNetwork(4, identity);
    const song = new SongBuffer(Float32Array.of(1, 2, 3, 6), Float32Array.of(3, 4, 5, 8));
    await strides(new DemucsSeparator(network, 0), song);
    // The middle is 2, 3, 4, 7: mean 4, squares 4 + 1 + 0 + 9 over 3.
    const deviation = Math.sqrt(14 / 3);
    const [[left, right]] = network.mixes;
    for (const [i, x] of [-3, -2, -1, 2].entries()) {
      expect(left[i]).toBeCloseTo(x / deviation, 6);
      expect(right[i]).toBeCloseTo((x + 2) / deviation, 6);
    }
  });

  it("is given what lies before a segment that the song's end cuts short, and zeros beyond the song", async () => {
    const network = new StandInNetwork(8, identity);
    const frames = 6;
    const ramp = Float32Array.from({ length: frames }, (_, i) => i);
    await strides(new DemucsSeparator(network, 0.5), new SongBuffer(ramp));
    const mean = (frames - 1) / 2;
    const deviation = Math.sqrt((frames * (frames + 1)) / 12);
    const frameOf = (x: number) => (x === 0 ? 'zero' : Math.floor(x * deviation + mean + 0.5));
    expect(network.mixes.map(([left]) => Array.from(left, frameOf))).toEqual([
      ['zero', 0, 1, 2, 3, 4, 5, 'zero'],
      [1, 2, 3, 4, 5, 'zero', 'zero', 'zero'],
    ]);
  });

  it('is asked for the wanted stems alone', async () => {
    const separator = new DemucsSeparator(new StandInNetwork(SEGMENT, mirroring), 0.25);
    const both = await strides(separator, noiseSong(3000));
    const one = await strides(separator, noiseSong(3000), { stems: ['band'] });
    expect(one.map(({ stems }) => stems)).toEqual(both.map(({ stems: { band } }) => ({ band })));
  });

  it('is closed with the separator', async () => {
    const network = new StandInNetwork(SEGMENT, identity);
    await new DemucsSeparator(network, 0.25).close();
    expect(network.closed).toBe(true);
  });

  it.each([NaN, Infinity])('is refused with a value of %d', async (value) => {
    const network = new StandInNetwork(SEGMENT, (samples) => samples.with(700, value));
    await expect(strides(new DemucsSeparator(network, 0.25), noiseSong(3000))).rejects.toMatchObject({
      name: 'WorkerError',
      code: 'model_output_invalid',
    });
  });
});

describe('a stride', () => {
  it.each([
    { segment: 4, overlap: 0.5, frames: [0, 0, 1 / 3, 2 / 3, 4 / 3, 5 / 3] },
    { segment: 5, overlap: 0.4, frames: [0, 0, 0, 1 / 3, 2 / 3, 1, 4 / 3, 5 / 3] },
  ])('weighs its segments by triangles of $segment frames', async ({ segment, overlap, frames }) => {
    // The segments are all 0, all 1, all 2; silence has the deviation 1e-8.
    const network = new StandInNetwork(segment, (samples) => samples.fill(1e8 * (network.mixes.length - 1)));
    const silence = new SongBuffer(new Float32Array(frames.length));
    const given = await strides(new DemucsSeparator(network, overlap), silence);
    const voice = given.flatMap(({ stems }) => Array.from(stems.voice[0]));
    expect(voice).toEqual(frames.map((x) => expect.closeTo(x, 5)));
  });

  it.each([0, 0.25, 0.5, 0.75, 0.9])(
    'is the same to the last bit in any range (overlap %d)',
    async (overlap) => {
      const song = noiseSong(6 * SEGMENT + 123);
      const separator = new DemucsSeparator(new StandInNetwork(SEGMENT, mirroring), overlap);
      const whole = await strides(separator, song);
      for (const parts of [1, 3])
        for (let first = 0; first < whole.length; first += parts)
          expect(await strides(separator, song, { first, end: first + parts })).toEqual(
            whole.slice(first, first + parts),
          );
    },
  );

  it.each([0, 0.25, 0.6])(
    'depends on the audio alone, not on where it lies (overlap %d)',
    async (overlap) => {
      const separator = new DemucsSeparator(new StandInNetwork(SEGMENT, mirroring), overlap);
      const stride = separator.strideFrames;
      const { left, right } = noise(20 * stride);
      // The song turned round by whole strides has the same level, and the same segments but at the seam and the ends.
      const turn = 3;
      const turned = (samples: Float32Array) =>
        Float32Array.from([...samples.subarray(-turn * stride), ...samples.subarray(0, -turn * stride)]);
      const before = await strides(separator, new SongBuffer(left, right));
      const after = await strides(separator, new SongBuffer(turned(left), turned(right)));
      const reach = Math.ceil(SEGMENT / stride);
      const compared = before.slice(reach, before.length - turn - reach);
      expect(compared.length).toBeGreaterThan(8);
      for (const { index, stems } of compared) expect(after[index + turn].stems).toEqual(stems);
    },
  );
});

describe('parts of two machines that compute a little differently', () => {
  it.each([0, 0.25, 0.5, 0.75])(
    'fit together: no step is greater than the difference (overlap %d)',
    async (overlap) => {
      const song = noiseSong(12 * SEGMENT + 123);
      // As with other instructions: another rounding everywhere, and another level.
      const rounded = (samples: Float32Array, stem: number) =>
        mirroring(samples, stem).map((x, i) => x * (1 + 1e-4 * Math.sin(i * i)) + 1e-5);
      const machines = [mirroring, rounded].map(
        (answer) => new DemucsSeparator(new StandInNetwork(SEGMENT, answer), overlap),
      );
      const [here, there] = await Promise.all(machines.map((machine) => strides(machine, song)));
      for (const part of [1, 3]) {
        const joined: SeparatedSegment[] = [];
        for (let first = 0; first < here.length; first += part)
          joined.push(...(await strides(machines[(first / part) % 2], song, { first, end: first + part })));
        for (const stem of STEMS)
          for (const c of [0, 1]) {
            const [a, b, both] = [here, there, joined].map((segments) =>
              Float32Array.from(segments.flatMap(({ stems }) => Array.from(stems[stem][c]))),
            );
            const difference = furthest(a, b);
            expect(difference).toBeGreaterThan(0);
            expect(furthest(both, a)).toBeLessThanOrEqual(difference);
            expect(furthest(both, b)).toBeLessThanOrEqual(difference);
            for (const { start } of joined.slice(1).filter(({ index }) => index % part === 0)) {
              const step = (x: Float32Array) => x[start] - x[start - 1];
              expect(Math.abs(step(both) - step(a))).toBeLessThanOrEqual(difference);
            }
          }
      }
    },
  );
});

describe('cancelling', () => {
  it('ends between two segments, with the reason', async () => {
    const cancel = new AbortController();
    const network = new StandInNetwork(SEGMENT, (samples) => {
      if (network.mixes.length === 2) cancel.abort(new Error('enough'));
      return samples.slice();
    });
    const separator = new DemucsSeparator(network, 0.25);
    const failure = strides(separator, noiseSong(9 * SEGMENT), { signal: cancel.signal });
    await expect(failure).rejects.toThrow('enough');
    expect(network.mixes).toHaveLength(2);
  });
});

describe('memory', () => {
  /** A song that notes which frames were read. */
  function watched(frames: number): { song: Song; reads: [start: number, count: number][] } {
    const reads: [number, number][] = [];
    const inner = noiseSong(frames);
    return {
      reads,
      song: {
        frames,
        read: (start, count, into) => {
          reads.push([start, count]);
          return inner.read(start, count, into);
        },
      },
    };
  }

  it('does not depend on the length: the level takes blocks of 2^16 frames, the rest a segment each', async () => {
    const { song, reads } = watched(2 ** 17 + 5);
    const separator = new DemucsSeparator(new StandInNetwork(SEGMENT, identity), 0.5);
    await strides(separator, song, { first: 200, end: 202 });
    const block = 2 ** 16;
    // Two segments reach into stride 200 from before, the first of them with a single frame.
    expect(reads).toEqual([
      [0, block],
      [block, block],
      [2 * block, block],
      ...[198, 199, 200, 201].map((index) => [index * separator.strideFrames, SEGMENT]),
    ]);
  });
});

function furthest(a: Float32Array, b: Float32Array): number {
  return a.reduce((far, x, i) => Math.max(far, Math.abs(x - b[i])), 0);
}
