import { describe, expect, it } from 'vitest';
import { Spectrogram } from '../../../../src/pipeline/separation/demucs/spectrogram.ts';
import { noiseSource } from '../../../support/reference-song.ts';

const NFFT = 64;
const HOP = NFFT / 4;

function noise(length: number): Float32Array {
  const next = noiseSource();
  return Float32Array.from({ length }, () => next() / 2 ** 15);
}

function analysed(samples: Float32Array) {
  const spectrogram = new Spectrogram(NFFT, samples.length);
  const size = spectrogram.bins * spectrogram.spectra;
  const [real, imaginary] = [new Float32Array(size), new Float32Array(size)];
  spectrogram.analyse(samples, real, imaginary);
  return { spectrogram, real, imaginary };
}

describe('a spectrogram', () => {
  // With and without a rest to a whole number of hops, and the shortest.
  const lengths = [NFFT, 10 * HOP, 10 * HOP + 1, 10 * HOP + 15];

  it.each(lengths)("of %d samples has a spectrum for each hop, without Nyquist's bin", (length) => {
    const { bins, spectra } = analysed(noise(length)).spectrogram;
    expect([bins, spectra]).toEqual([NFFT / 2, Math.ceil(length / HOP)]);
  });

  it.each(lengths)('of %d samples is the discrete Fourier transform by its definition', (length) => {
    const samples = noise(length);
    const { spectrogram, real, imaginary } = analysed(samples);
    for (const t of [0, 1, 3, spectrogram.spectra - 1])
      for (const k of [0, 1, 7, NFFT / 2 - 1]) {
        const at = k * spectrogram.spectra + t;
        const [re, im] = bin(samples, t, k);
        expect(real[at]).toBeCloseTo(re, 5);
        expect(imaginary[at]).toBeCloseTo(im, 5);
      }
  });

  it.each([20 * HOP, 20 * HOP + 1, 21 * HOP - 1])('of %d samples gives them back', (length) => {
    const samples = tones(length);
    const { spectrogram, real, imaginary } = analysed(samples);
    const out = new Float32Array(length);
    spectrogram.synthesise(real, imaginary, out);
    // At the ends there are fewer than four spectra to a sample, and the reflection holds Nyquist's frequency.
    const inner = [4 * HOP, (spectrogram.spectra - 5) * HOP];
    expect(Array.from(out).slice(...inner)).toEqual(closeTo(samples.subarray(...inner)));
  });

  it('is added to what is there', () => {
    const { spectrogram, real, imaginary } = analysed(noise(160));
    const once = new Float32Array(160);
    spectrogram.synthesise(real, imaginary, once);
    const added = new Float32Array(160).fill(1);
    spectrogram.synthesise(real, imaginary, added);
    expect(Array.from(added)).toEqual(closeTo(once.map((x) => x + 1)));
  });
});

/** Bin `k` of the window that is centred half a hop behind the start of hop `t`, over the reflected samples. */
function bin(samples: Float32Array, t: number, k: number): [real: number, imaginary: number] {
  const last = samples.length - 1;
  let [real, imaginary] = [0, 0];
  for (let n = 0; n < NFFT; n++) {
    const at = Math.abs(t * HOP - (3 * HOP) / 2 + n);
    const sample = samples[at > last ? 2 * last - at : at];
    const window = 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / NFFT);
    const angle = (2 * Math.PI * k * n) / NFFT;
    real += (sample * window * Math.cos(angle)) / Math.sqrt(NFFT);
    imaginary -= (sample * window * Math.sin(angle)) / Math.sqrt(NFFT);
  }
  return [real, imaginary];
}

/** Noise of all frequencies that a spectrum has, each with an amplitude and a phase of its own. */
function tones(length: number): Float32Array {
  const next = noiseSource();
  const out = new Float32Array(length);
  // The window spreads a tone over its neighbours: the highest leaves Nyquist's bin empty.
  for (let k = 0; k <= NFFT / 2 - 2; k++) {
    const [amplitude, phase] = [next() / 2 ** 15, next()];
    for (let i = 0; i < length; i++) out[i] += amplitude * Math.cos((2 * Math.PI * k * i) / NFFT + phase);
  }
  return out;
}

const closeTo = (samples: Float32Array) => Array.from(samples, (x) => expect.closeTo(x, 4));
