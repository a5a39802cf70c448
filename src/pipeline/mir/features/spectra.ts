import { RealFft } from '../../audio/fft.ts';
import { blank, type Song } from '../../audio/song.ts';

/** Frames of a song that are read at once: bounds the memory, whatever its length. */
const BLOCK_FRAMES = 256;

interface Frames {
  /** Samples that a frame holds, and those from one frame to the next. */
  readonly size: number;
  readonly hop: number;
}

/**
 * Visits the magnitude spectra of `samples`: Hann windows of `size` samples, centred every `hop` samples from the first
 * one on, scaled so that a sine at full scale peaks at 1. Each holds `size / 2 + 1` bins and is overwritten by the next.
 */
export function forEachSpectrum(
  samples: Float32Array,
  { size, hop }: Frames,
  visit: (frame: number, magnitudes: Float32Array) => void,
): void {
  const spectrumAt = spectrometer(size);
  for (let t = 0; t * hop < samples.length; t++) visit(t, spectrumAt(samples, t * hop - size / 2));
}

/**
 * Visits the magnitude spectra of a song's middle, `(left + right) / 2`, as `forEachSpectrum` does. Those of its sides,
 * `(left - right) / 2`, are computed where they are asked for.
 */
export function forEachStereoSpectrum(
  song: Song,
  { size, hop }: Frames,
  visit: (frame: number, middle: Float32Array, sides: () => Float32Array) => void,
): void {
  const middleAt = spectrometer(size);
  const sidesAt = spectrometer(size);
  const count = Math.ceil(song.frames / hop);
  const samples = (BLOCK_FRAMES - 1) * hop + size;
  const block = blank(samples);
  for (let first = 0; first < count; first += BLOCK_FRAMES) {
    const [left, right] = song.read(first * hop - size / 2, samples, block);
    for (let i = 0; i < left.length; i++) {
      const [l, r] = [left[i], right[i]];
      left[i] = 0.5 * (l + r);
      right[i] = 0.5 * (l - r);
    }
    for (let t = first; t < Math.min(count, first + BLOCK_FRAMES); t++) {
      const at = (t - first) * hop;
      visit(t, middleAt(left, at), () => sidesAt(right, at));
    }
  }
}

/** Computes the spectrum of the frame that starts at a sample; what lies outside of `samples` is 0. */
function spectrometer(size: number): (samples: Float32Array, start: number) => Float32Array {
  const fft = new RealFft(size);
  const window = Float32Array.from(
    { length: size },
    (_, i) => (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size)) * (4 / size),
  );
  const frame = new Float32Array(size);
  const spectrum = new Float32Array(2 * fft.bins);
  const magnitudes = new Float32Array(fft.bins);
  return (samples, start) => {
    frame.fill(0);
    const end = Math.min(size, samples.length - start);
    for (let i = Math.max(0, -start); i < end; i++) frame[i] = samples[start + i] * window[i];
    fft.forward(frame, spectrum);
    // Not Math.hypot, which takes ten times as long to guard against overflows that samples can't cause.
    for (let k = 0; k < fft.bins; k++)
      magnitudes[k] = Math.sqrt(spectrum[2 * k] ** 2 + spectrum[2 * k + 1] ** 2);
    return magnitudes;
  };
}
