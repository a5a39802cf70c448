import { describe, expect, it } from 'vitest';
import { SAMPLE_RATE, SongBuffer } from '../../../src/pipeline/audio/song.ts';
import { LOW_BAND_RATE, lowBand } from '../../../src/pipeline/mir/features/low-band.ts';
import { forEachSpectrum, forEachStereoSpectrum } from '../../../src/pipeline/mir/features/spectra.ts';

/** Longer than what is read of a song at once, and no multiple of anything. */
const FRAMES = 150_001;
const sine = (hz: number, rate: number, count: number) =>
  Float32Array.from({ length: count }, (_, i) => Math.sin((2 * Math.PI * hz * i) / rate));
const silence = new Float32Array(FRAMES);

/** Largest difference of two signals, their first and last hundredths left out. */
function difference(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  const edge = Math.round(a.length / 100);
  return a.reduce(
    (most, v, i) => (i < edge || i >= a.length - edge ? most : Math.max(most, Math.abs(v - b[i]))),
    0,
  );
}

describe('the low band', () => {
  it.each([27.5, 440, 4186])('has a tone of %s Hz as it is, sample for sample', (hz) => {
    const low = lowBand(new SongBuffer(sine(hz, SAMPLE_RATE, FRAMES)));
    expect(difference(low, sine(hz, LOW_BAND_RATE, Math.ceil(FRAMES / 4)))).toBeLessThan(1.5e-3);
  });

  it.each([7000, 10_000, 15_000, 21_500])('has nothing of a tone of %s Hz', (hz) => {
    const low = lowBand(new SongBuffer(sine(hz, SAMPLE_RATE, FRAMES)));
    expect(difference(low, new Float32Array(low.length))).toBeLessThan(1e-3);
  });

  it('is of the middle of the stereo image', () => {
    const tone = sine(440, SAMPLE_RATE, FRAMES);
    const sides = lowBand(
      new SongBuffer(
        tone,
        tone.map((v) => -v),
      ),
    );
    expect(Math.max(...sides.map(Math.abs))).toBe(0);
    const left = lowBand(new SongBuffer(tone, silence));
    expect(
      difference(
        left,
        sine(440, LOW_BAND_RATE, left.length).map((v) => v / 2),
      ),
    ).toBeLessThan(1e-3);
  });

  it('is empty for an empty song', () => {
    expect(lowBand(new SongBuffer(new Float32Array(0)))).toHaveLength(0);
  });
});

describe('spectra', () => {
  const SIZE = 2048;
  const hz = (100 * SAMPLE_RATE) / SIZE;
  const tone = sine(hz, SAMPLE_RATE, FRAMES);

  it('show a sine at full scale as 1, in its bin, in every frame', () => {
    const peaks: number[] = [];
    forEachSpectrum(tone, { size: SIZE, hop: 1000 }, (t, magnitudes) => {
      expect(t).toBe(peaks.length);
      peaks.push(magnitudes[100]);
      expect(magnitudes.indexOf(Math.max(...magnitudes))).toBe(100);
    });
    expect(peaks).toHaveLength(Math.ceil(FRAMES / 1000));
    for (const peak of peaks.slice(2, -2)) expect(peak).toBeCloseTo(1, 3);
    expect(peaks[0]).toBeCloseTo(0.5, 1); // Half of the first frame lies before the song.
  });

  it('tell the middle from the sides', () => {
    const song = new SongBuffer(tone, silence);
    const frames: number[] = [];
    forEachStereoSpectrum(song, { size: SIZE, hop: 512 }, (t, middle, sides) => {
      frames.push(t);
      if (t < 2 || t > FRAMES / 512 - 2) return;
      expect(middle[100]).toBeCloseTo(0.5, 3);
      expect(sides()[100]).toBeCloseTo(0.5, 3);
    });
    expect(frames).toEqual(Array.from({ length: Math.ceil(FRAMES / 512) }, (_, i) => i));
    forEachStereoSpectrum(new SongBuffer(tone), { size: SIZE, hop: 512 }, (_, __, sides) =>
      expect(sides()[100]).toBe(0),
    );
  });
});
