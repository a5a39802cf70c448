import type { Song, StereoBlock } from '../../audio/song.ts';
import { WorkerError } from '../../errors.ts';
import type { SeparatedSegment, SeparationRange, Separator } from '../separator.ts';
import { type Level, levelOf } from './level.ts';
import type { NetworkShape } from './network-files.ts';
import { Segmentation, WeightedOverlap } from './segments.ts';

/** What separates one segment, see `NetworkSession`. */
export interface Network extends AsyncDisposable {
  readonly shape: NetworkShape;
  run(mix: StereoBlock, stems: readonly string[]): Promise<Record<string, StereoBlock>>;
}

/**
 * Separates with an HTDemucs network as its reference does (`demucs.apply`, without random shifts): the song at mean 0 and
 * deviation 1, in overlapping segments that are weighted by a triangle.
 */
export class DemucsSeparator implements Separator {
  readonly stems: readonly string[];
  readonly strideFrames: number;

  readonly #network: Network;
  readonly #segmentation: Segmentation;

  /** `overlap`: share of a segment that it has in common with the next, 0..0.9. The network is closed with the separator. */
  constructor(network: Network, overlap: number) {
    this.#network = network;
    const { sources, segment_frames } = network.shape;
    this.#segmentation = new Segmentation(segment_frames, overlap);
    this.stems = sources;
    this.strideFrames = this.#segmentation.stride;
  }

  async *separate(song: Song, range: SeparationRange): AsyncGenerator<SeparatedSegment> {
    const { lead, stride } = this.#segmentation;
    const level = levelOf(song);
    const mean = new WeightedOverlap(this.#segmentation, 2 * range.stems.length);
    for (let index = Math.max(0, range.first - lead); index < range.end; index++) {
      range.signal?.throwIfAborted();
      const start = index * stride;
      if (start >= song.frames) return;
      const finished = mean.add(await this.#segment(song, start, level, range.stems));
      if (index < range.first) continue;
      const stems = Object.fromEntries(
        range.stems.map((stem, s): [string, StereoBlock] => [
          stem,
          [restored(finished[2 * s], level), restored(finished[2 * s + 1], level)],
        ]),
      );
      yield { index, start, length: finished[0].length, stems };
    }
  }

  async close(): Promise<void> {
    await this.#network[Symbol.asyncDispose]();
  }

  /** The channels of every stem of the segment that starts at frame `start`, no longer than the song. */
  async #segment(song: Song, start: number, level: Level, stems: readonly string[]): Promise<Float32Array[]> {
    const full = this.#segmentation.length;
    const length = Math.min(full, song.frames - start);
    // A segment that the song's end cuts short is centred, with the audio before it where there is some.
    const margin = Math.floor((full - length) / 2);
    const separated = await this.#network.run(normalised(song, start - margin, full, level), stems);
    return stems.flatMap((stem) =>
      separated[stem].map((samples) => samples.subarray(margin, margin + length)),
    );
  }
}

/** The song from frame `start`, at mean 0 and deviation 1; what lies beyond its ends is zero. */
function normalised(song: Song, start: number, count: number, { mean, deviation }: Level): StereoBlock {
  const channels = song.read(start, count);
  const from = Math.max(0, -start);
  const to = Math.min(count, song.frames - start);
  for (const samples of channels) {
    for (let i = from; i < to; i++) samples[i] = (samples[i] - mean) / deviation;
  }
  return channels;
}

/** Undoes the normalisation. @throws WorkerError `model_output_invalid` where the network gave no numbers */
function restored(samples: Float32Array, { mean, deviation }: Level): Float32Array {
  let sum = 0;
  for (let i = 0; i < samples.length; i++) {
    samples[i] = samples[i] * deviation + mean;
    sum += samples[i];
  }
  if (Number.isFinite(sum)) return samples;
  throw new WorkerError(
    'model_output_invalid',
    'The network gave values that are no numbers. Run "npm run models -- verify"; with ORT_EXECUTION_PROVIDER set, try cpu.',
  );
}
