import { CUE_COUNT, type Cues } from './cues.ts';
import { BINS } from './grid.ts';
import { CUE_WEIGHTS } from './weights.ts';

/** Stems in the order of the weights' columns. */
export const STEMS = ['drums', 'bass', 'other', 'vocals'] as const;

/**
 * Soft masks of one frame: per bin the stems' shares, positive and summing to one.
 *
 * As in a Wiener filter, a stem's share is its expected power over that of all; the expected powers are products of
 * powers of the cues, so the shares are a softmax over weighted sums of logarithms.
 */
export class Masks {
  readonly #cues = new Float32Array(CUE_COUNT);
  readonly #weights = Float64Array.from(CUE_WEIGHTS.flat());

  /** Fills `masks[stem][bin]` for frame `t` of `cues`. */
  fill(cues: Cues, t: number, masks: readonly Float32Array[]): void {
    const w = this.#weights;
    const [drums, bass, other, vocals] = masks;
    for (let k = 0; k < BINS; k++) {
      cues.cuesAt(t, k, this.#cues);
      let d = 0;
      let b = 0;
      let o = 0;
      let v = 0;
      for (let c = 0; c < CUE_COUNT; c++) {
        const cue = this.#cues[c];
        d += cue * w[4 * c];
        b += cue * w[4 * c + 1];
        o += cue * w[4 * c + 2];
        v += cue * w[4 * c + 3];
      }
      const top = Math.max(d, b, o, v);
      d = Math.exp(d - top);
      b = Math.exp(b - top);
      o = Math.exp(o - top);
      v = Math.exp(v - top);
      const sum = d + b + o + v;
      drums[k] = d / sum;
      bass[k] = b / sum;
      other[k] = o / sum;
      vocals[k] = v / sum;
    }
  }
}
