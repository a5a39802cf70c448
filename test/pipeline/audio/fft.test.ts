import { describe, expect, it } from 'vitest';
import { RealFft } from '../../../src/pipeline/audio/fft.ts';
import { noiseSource } from '../../support/reference-song.ts';

const SIZE = 32;

function noise(length: number): Float32Array {
  const next = noiseSource();
  return Float32Array.from({ length }, () => next() / 2 ** 15);
}

const closeTo = (values: Iterable<number>) => Array.from(values, (x) => expect.closeTo(x, 5));

describe('the transform of real signals', () => {
  it('is the discrete Fourier transform by its definition', () => {
    const samples = noise(SIZE);
    const fft = new RealFft(SIZE);
    const spectrum = new Float32Array(2 * fft.bins);
    fft.forward(samples, spectrum);
    const expected = Array.from({ length: fft.bins }, (_, k) => {
      const angle = (n: number) => (2 * Math.PI * k * n) / SIZE;
      return [
        samples.reduce((sum, x, n) => sum + x * Math.cos(angle(n)), 0),
        samples.reduce((sum, x, n) => sum - x * Math.sin(angle(n)), 0),
      ];
    });
    expect(Array.from(spectrum)).toEqual(closeTo(expected.flat()));
  });

  it.each([SIZE, 64, 4096])('of %d samples is undone by its inverse', (size) => {
    const samples = noise(size);
    const fft = new RealFft(size);
    const spectrum = new Float32Array(2 * fft.bins);
    fft.forward(samples, spectrum);
    const back = new Float32Array(size);
    fft.inverse(spectrum, back);
    expect(Array.from(back)).toEqual(closeTo(samples));
  });

  it('has an inverse that passes over imaginary parts of the first and the last bin', () => {
    const fft = new RealFft(SIZE);
    const spectrum = noise(2 * fft.bins);
    const [with_, without] = [new Float32Array(SIZE), new Float32Array(SIZE)];
    fft.inverse(spectrum, with_);
    fft.inverse(spectrum.with(1, 0).with(2 * fft.bins - 1, 0), without);
    expect(with_).toEqual(without);
    expect(without.some((x) => x !== 0)).toBe(true);
  });

  it.each([0, 2, 16, 1000])('is not made for %d samples', (size) => {
    expect(() => new RealFft(size)).toThrow(`got ${size}`);
  });
});
