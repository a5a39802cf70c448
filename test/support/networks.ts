import type { StereoBlock } from '../../src/pipeline/audio/song.ts';
import type { Network } from '../../src/pipeline/separation/demucs/separator.ts';

/** Stands for a network of two stems: each is what `answer` makes of a segment. */
export class StandInNetwork implements Network {
  readonly shape;
  /** The segments that it was given. */
  readonly mixes: StereoBlock[] = [];
  closed = false;

  readonly #answer: (samples: Float32Array, stem: number) => Float32Array;

  constructor(segmentFrames: number, answer: (samples: Float32Array, stem: number) => Float32Array) {
    this.shape = { sources: ['voice', 'band'], segment_frames: segmentFrames, nfft: 4 };
    this.#answer = answer;
  }

  async run(mix: StereoBlock, stems: readonly string[]): Promise<Record<string, StereoBlock>> {
    this.mixes.push(mix);
    return Object.fromEntries(
      stems.map((stem): [string, StereoBlock] => {
        const s = this.shape.sources.indexOf(stem);
        return [stem, [this.#answer(mix[0], s), this.#answer(mix[1], s)]];
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closed = true;
  }
}

/** Every stem is the mix. */
export const identity = (samples: Float32Array) => samples.slice();

/**
 * Stems that depend on all of the segment's samples, so that the segments that overlap disagree: each is weighed with the one
 * at the mirrored place.
 */
export const mirroring = (samples: Float32Array, stem: number) =>
  samples.map((x, i) => x * Math.tanh(samples[samples.length - 1 - i] + stem));
