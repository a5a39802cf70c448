import { RealFft } from '../audio/fft.ts';
import { SAMPLE_RATE, type Song } from '../audio/song.ts';

/** Frames that are read at once: bounds the memory, whatever the song's length. */
const BLOCK_FRAMES = 256;

/** Seconds at the centre of frame `index` of a spectrogram with this hop. */
export const frameTime = (index: number, hop: number) => (index * hop) / SAMPLE_RATE;

/** Frames of a spectrogram with this hop: one every `hop` samples, the first centred on the song's start. */
export const frameCount = (song: Song, hop: number) => Math.ceil(song.frames / hop);

interface Frames {
  /** Samples that a frame holds, and those from one frame to the next. */
  readonly size: number;
  readonly hop: number;
  /** Visits only each such frame. */
  readonly every?: number;
}

/** Visits the magnitude spectra of the song's mono mix, `(left + right) / 2`; see `forEachStereoSpectrum`. */
export function forEachSpectrum(
  song: Song,
  frames: Frames,
  visit: (frame: number, magnitudes: Float32Array) => void,
): void {
  forEachMixSpectrum(song, frames, [1], visit);
}

/**
 * Visits the magnitude spectra of the song's middle, `(left + right) / 2`, and of its sides, `(left - right) / 2`: Hann
 * windows of `size` samples, centred every `hop` samples, scaled so that a sine at full scale peaks at 1. Both hold
 * `size / 2 + 1` bins and are overwritten by the next frame.
 */
export function forEachStereoSpectrum(
  song: Song,
  frames: Frames,
  visit: (frame: number, middle: Float32Array, sides: Float32Array) => void,
): void {
  forEachMixSpectrum(song, frames, [1, -1], visit);
}

/** One spectrum per mix; a mix is the left channel and so much of the right one, halved. */
function forEachMixSpectrum<Mixes extends readonly number[]>(
  song: Song,
  { size, hop, every = 1 }: Frames,
  mixes: Mixes,
  visit: (frame: number, ...magnitudes: { [K in keyof Mixes]: Float32Array }) => void,
): void {
  const fft = new RealFft(size);
  const window = Float32Array.from(
    { length: size },
    (_, i) => (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size)) * (2 / size),
  );
  const frame = new Float32Array(size);
  const spectrum = new Float32Array(2 * fft.bins);
  const magnitudes = mixes.map(() => new Float32Array(fft.bins));
  const count = frameCount(song, hop);
  const stride = hop * every;
  const blockFrames = Math.max(1, Math.floor(BLOCK_FRAMES / every));
  for (let first = 0; first < count; first += blockFrames * every) {
    const last = Math.min(count, first + blockFrames * every);
    const start = first * hop - size / 2;
    const [left, right] = song.read(start, (blockFrames - 1) * stride + size);
    const signals = mixes.map((share) => left.map((v, i) => v + share * right[i]));
    for (let t = first; t < last; t += every) {
      const at = (t - first) * hop;
      signals.forEach((signal, m) => {
        for (let i = 0; i < size; i++) frame[i] = signal[at + i] * window[i];
        fft.forward(frame, spectrum);
        // Not Math.hypot, which takes ten times as long to guard against overflows that samples can't cause.
        for (let k = 0; k < fft.bins; k++)
          magnitudes[m][k] = Math.sqrt(spectrum[2 * k] ** 2 + spectrum[2 * k + 1] ** 2);
      });
      visit(t, ...(magnitudes as { [K in keyof Mixes]: Float32Array }));
    }
  }
}
