import { setImmediate } from 'node:timers/promises';
import type { Song, StereoBlock } from '../../audio/song.ts';
import type { SeparatedSegment, SeparationRange, Separator } from '../separator.ts';
import { Stft } from '../stft.ts';
import { CUE_REACH, Cues } from './cues.ts';
import { BINS, FRAME_SIZE, HOP, STRIDE_FRAMES } from './grid.ts';
import { Masks, STEMS } from './masks.ts';

/** Frames that begin before a stride and reach into it. */
const LEAD_IN = FRAME_SIZE / HOP - 1;

/**
 * Separates by what can be heard without having learnt any sound: pulse against tone, centre against width, repetition
 * against novelty, and the partials of a followed bass and voice.
 *
 * Frames lie on one grid over the whole song and their cues look a bounded way around, so the masks either side of a
 * stride's border agree, and the stems add up to the song.
 */
export class SpectralSeparator implements Separator {
  readonly stems: readonly string[] = STEMS;
  readonly strideFrames = STRIDE_FRAMES;

  readonly #stft = new Stft(FRAME_SIZE);
  readonly #masks = new Masks();

  async *separate(song: Song, range: SeparationRange): AsyncGenerator<SeparatedSegment> {
    for (let index = range.first; index < range.end; index++) {
      await setImmediate();
      range.signal?.throwIfAborted();
      const start = index * this.strideFrames;
      const length = Math.min(this.strideFrames, song.frames - start);
      if (length <= 0) return;
      const blocks = this.#segment(song, start, length);
      const stems = Object.fromEntries(range.stems.map((stem) => [stem, blocks[this.stems.indexOf(stem)]]));
      yield { index, start, length, stems };
    }
  }

  async close(): Promise<void> {}

  #segment(song: Song, start: number, length: number): StereoBlock[] {
    const from = CUE_REACH;
    const to = from + LEAD_IN + Math.ceil(length / HOP);
    const frames = to + CUE_REACH;
    const first = start - (LEAD_IN + CUE_REACH) * HOP;
    const [left, right] = song.read(first, (frames - 1) * HOP + FRAME_SIZE);
    const spectra = [this.#stft.analyse(left, frames), this.#stft.analyse(right, frames)];
    const cues = new Cues(spectra[0], spectra[1], frames, from, to);

    const stems = STEMS.map((): StereoBlock => [new Float32Array(length), new Float32Array(length)]);
    const masks = STEMS.map(() => new Float32Array(BINS));
    const masked = new Float32Array(2 * BINS);
    for (let t = from; t < to; t++) {
      this.#masks.fill(cues, t, masks);
      for (let channel = 0; channel < spectra.length; channel++) {
        const spectrum = spectra[channel].subarray(t * 2 * BINS, (t + 1) * 2 * BINS);
        for (let stem = 0; stem < STEMS.length; stem++) {
          apply(masks[stem], spectrum, masked);
          this.#stft.overlapAdd(masked, stems[stem][channel], (t - from - LEAD_IN) * HOP);
        }
      }
    }
    return stems;
  }
}

function apply(mask: Float32Array, spectrum: Float32Array, out: Float32Array): void {
  for (let k = 0; k < BINS; k++) {
    out[2 * k] = mask[k] * spectrum[2 * k];
    out[2 * k + 1] = mask[k] * spectrum[2 * k + 1];
  }
}
