import { mixFilter } from './channel-mix.ts';
import { isDamaged } from './damage.ts';
import type { Decoder } from './decoder/choose.ts';
import { type DecoderLimits, runDecoder } from './decoder/process.ts';
import { trimEnd } from './end-trim.ts';
import { timeRules } from './formats.ts';
import type { AudioDescription } from './probe.ts';
import { FRAME_BYTES, SAMPLE_RATE } from './song.ts';
import type { PreparedSource, SourcePart } from './source/prepare.ts';
import { onTimeline, stretchesIn, Timeline } from './timeline.ts';

/** A part of a song as it is to be decoded. */
export interface PartTask {
  readonly part: SourcePart;
  readonly audio: AudioDescription;
  readonly source: Pick<PreparedSource, 'declaresChannels' | 'hasTrailer'>;
  /** See `Evidence`. */
  readonly isWhole: boolean;
  /** Longest song, in seconds. */
  readonly maxSeconds: number;
}

/** What became of a part. */
export interface PartEnd {
  readonly damaged: boolean;
  /** What the decoder said. */
  readonly words: string;
}

/** Times in a file go on beyond the length that it tells by so much, in seconds. */
const END_TOLERANCE = 1;

/** Decodes a part of a song, as it is heard: on its own time line, without what its container cuts from its end. */
export async function* decodePart(
  decoder: Decoder,
  { part, audio, source, isWhole, maxSeconds }: PartTask,
  limits: DecoderLimits,
): AsyncGenerator<Buffer, PartEnd> {
  const mix = mixFilter(audio.layout, audio.codec, source.declaresChannels);
  const rules = timeRules(audio.format, audio.start);
  const end = Math.min(maxSeconds, (audio.duration ?? maxSeconds) + END_TOLERANCE);
  const timeline = new Timeline(rules, end);
  const { track, otherCodecs, promised } = audio;
  // A container's end was read of its first track of sound.
  const isEndKnown = part.endTime !== undefined && track === 0;
  const endTime = isEndKnown ? part.endTime - (rules?.origin ?? 0) : undefined;
  const { samples, stretches, ended, kill } = runDecoder(decoder, { input: part, mix, track }, limits);
  try {
    let bytes = 0;
    for await (const piece of trimEnd(onTimeline(samples, stretchesIn(stretches), timeline), endTime)) {
      bytes += piece.length;
      yield piece;
    }
    const { words, succeeded } = await ended;
    const seconds = bytes / FRAME_BYTES / SAMPLE_RATE;
    const { hasTrailer } = source;
    const evidence = { words, succeeded, seconds, promised, isWhole, hasTrailer, otherCodecs };
    return { damaged: isDamaged(evidence), words };
  } finally {
    kill();
    await ended.catch(() => {});
  }
}
