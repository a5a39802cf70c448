import { describe, expect, it } from 'vitest';
import { SAMPLE_RATE, SongBuffer } from '../../../src/pipeline/audio/song.ts';
import type { SeparatedSegment } from '../../../src/pipeline/separation/separator.ts';
import { SpectralSeparator } from '../../../src/pipeline/separation/spectral/separator.ts';

const SECONDS = 13;
const [DRUMS, BASS, OTHER, VOCALS] = [0, 1, 2, 3];

/** A song of clicks, a bass tone, a wide pad and a centred voice with vibrato; each alone where `parts` says so. */
function song(parts: readonly number[] = [DRUMS, BASS, OTHER, VOCALS]): SongBuffer {
  const length = SECONDS * SAMPLE_RATE;
  const left = new Float32Array(length);
  const right = new Float32Array(length);
  let noise = 1;
  for (let i = 0; i < length; i++) {
    const t = i / SAMPLE_RATE;
    noise = (noise * 16_807) % 2_147_483_647;
    const click = (noise / 1_073_741_824 - 1) * 0.5 * Math.exp(-60 * (t % 0.5));
    const bass = 0.25 * Math.sin(2 * Math.PI * (t % 4 < 2 ? 55 : 73.4) * t);
    const pad = (side: number) =>
      0.06 * [330, 415, 494].reduce((sum, f, k) => sum + Math.sin(2 * Math.PI * f * t + side * k), 0);
    const phase = 2 * Math.PI * 440 * t + 4 * Math.sin(2 * Math.PI * 5.5 * t);
    const voice = t % 4 < 3 ? 0.1 * [1, 2, 3, 4].reduce((sum, k) => sum + Math.sin(k * phase) / k, 0) : 0;
    const part = [click, bass, 0, voice];
    for (const p of parts) {
      left[i] += p === OTHER ? pad(0) : part[p];
      right[i] += p === OTHER ? pad(2.1) : part[p];
    }
  }
  return new SongBuffer(left, right);
}

async function separate(
  source: SongBuffer,
  first: number,
  end: number,
  signal?: AbortSignal,
): Promise<SeparatedSegment[]> {
  const separator = new SpectralSeparator();
  const segments: SeparatedSegment[] = [];
  for await (const segment of separator.separate(source, { stems: separator.stems, first, end, signal }))
    segments.push(segment);
  await separator.close();
  return segments;
}

const energy = (samples: Float32Array) => samples.reduce((sum, x) => sum + x * x, 0);
/** Share of all stems' energy that lies in `stem`. */
function share([segment]: SeparatedSegment[], stem: number): number {
  const energies = Object.values(segment.stems).map(([left, right]) => energy(left) + energy(right));
  return energies[stem] / energies.reduce((sum, x) => sum + x);
}

describe('the spectral separator', { timeout: 60_000 }, () => {
  it('gives stems that add up to the mix, and the same samples for any range', async () => {
    const mix = song();
    const whole = await separate(mix, 0, 2);
    expect(whole.reduce((sum, { length }) => sum + length, 0)).toBe(mix.frames);
    for (const { start, length, stems: byName } of whole) {
      const stems = Object.values(byName);
      const [left] = mix.read(start, length);
      const error = left.map((x, i) => stems.reduce((sum, stem) => sum + stem[0][i], 0) - x);
      expect(10 * Math.log10(energy(error) / energy(left))).toBeLessThan(-80);
    }
    expect(await separate(mix, 1, 2)).toEqual([whole[1]]);
  });

  it.each([
    ['clicks', DRUMS],
    ['a low tone', BASS],
  ])('puts %s mostly where they belong', async (_, stem) => {
    expect(share(await separate(song([stem]), 0, 1), stem)).toBeGreaterThan(0.5);
  });

  it('leaves silence silent', async () => {
    const [segment] = await separate(new SongBuffer(new Float32Array(SAMPLE_RATE)), 0, 1);
    for (const [left, right] of Object.values(segment.stems)) expect(energy(left) + energy(right)).toBe(0);
  });

  it.each([1, 100, 5000])('takes a song of %d frames', async (frames) => {
    const samples = new Float32Array(frames).fill(0.1);
    const [segment] = await separate(new SongBuffer(samples), 0, 1);
    expect(segment.length).toBe(frames);
    const sum = Object.values(segment.stems).reduce((total, [left]) => total + left[0], 0);
    expect(sum).toBeCloseTo(0.1, 4);
  });

  it('stops between segments when it is told to', async () => {
    await expect(separate(song(), 0, 2, AbortSignal.abort(new Error('stop')))).rejects.toThrowError('stop');
  });
});
