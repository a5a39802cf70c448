import type { DecoderEnd } from './decoder/process.ts';

/** Seconds that a whole file may lack of its promised length: what encoders put before and behind the sound. */
const PADDING = 0.25;
/** Of what it writes itself, ffmpeg complains where streams follow one another. A repetition is judged by its line. */
const OF_OUTPUT = /^\[(f32le|framecrc|out#|aost#)|^ +Last message repeated/;
/** Said where files were joined, and of tags or padding behind the last frame. */
const AT_SEAMS =
  /Header missing|invalid new backstep|invalid sync code|invalid frame header|decode_frame\(\) failed|Invalid block header|Packet mismatch|Invalid data found|Error number -16976906/;
/** Said of a last frame of samples that is not whole: less than can be heard. Where more is missing, the header tells it. */
const LAST_FRAME =
  /^\[pcm_.*Invalid PCM packet, data has size.*(\n.*Invalid data found when processing input)?/gm;
/** Seconds by which a length is rounded in the decoder's description. */
const ROUNDING = 0.02;

/** What is known of a file behind its decoding. */
export interface Evidence extends DecoderEnd {
  /** Length of what came out, and what the file promised, in seconds. */
  readonly seconds: number;
  readonly promised?: number;
  /** Whether the file was found to be frames from beginning to end, so that none was lost. */
  readonly isWhole: boolean;
  /** What other streams are in, whose faults are not the sound's: `mjpeg` of a cover. */
  readonly otherCodecs: readonly string[];
  /** Whether tags or zeros follow the sound. */
  readonly hasTrailer: boolean;
}

/** Whether something is missing or wrong in a file, as far as its decoding shows. */
export function isDamaged(evidence: Evidence): boolean {
  const { words, succeeded, seconds, promised, isWhole, hasTrailer, otherCodecs } = evidence;
  if (!succeeded || seconds < (promised ?? 0) - PADDING) return true;
  const isComplete = isWhole || (hasTrailer && promised !== undefined && seconds > promised - ROUNDING);
  const isOfOthers = (line: string) => otherCodecs.some((codec) => line.startsWith(`[${codec} @`));
  return words
    .replace(LAST_FRAME, '')
    .split('\n')
    .some(
      (line) => line && !OF_OUTPUT.test(line) && !isOfOthers(line) && !(isComplete && AT_SEAMS.test(line)),
    );
}
