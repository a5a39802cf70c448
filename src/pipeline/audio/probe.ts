import { WorkerError } from '../errors.ts';
import { runFfmpeg } from './ffmpeg.ts';

/** What a file says of its sound before it is decoded. None of it need be true. */
export interface AudioDescription {
  readonly isMono: boolean;
  /** Seconds, where the file tells or its size suggests a length. */
  readonly duration?: number;
  /** Seconds of sound that the file promises; absent where the length is guessed, or may be that of its pictures. */
  readonly promised?: number;
}

/** Playlists and scripts are text that makes ffmpeg open other files: audio comes in these containers only. */
const FORMATS = 'mp3,wav,w64,flac,ogg,mov,mp4,m4a,aac,aiff,asf,matroska,webm,caf,ac3,eac3,amr,au,wv,ape,mpc';

/** The decoder may open the file it is given and its own pipes: no network, no playlist's entries elsewhere. */
export const inputOf = (source: string): string[] => [
  '-protocol_whitelist',
  'file,pipe',
  '-format_whitelist',
  FORMATS,
  // Damage that checksums tell is to be heard of.
  '-err_detect',
  'crccheck',
  '-i',
  `file:${source}`,
];

// Tags may hold the same words, but never at the beginning of a line.
const AUDIO = /^ +Stream #\d+:\d+.*?: Audio: .*?, \d+ Hz, ([^,]+)/m;
const PICTURES = /^ +Stream #\d+:\d+.*?: Video: (?!.*\(attached pic\))/m;
const LENGTH = /^ +Duration: (\d+):(\d+):([\d.]+)(?:, start: (-?[\d.]+))?/m;

/**
 * Reads ffmpeg's own description of a file.
 *
 * @throws WorkerError `unsupported_media`, `timed_out`, `interrupted` or `compute_crashed`.
 */
export async function probe(source: string, timeoutMs: number): Promise<AudioDescription> {
  const { stdout, ended } = runFfmpeg(inputOf(source), timeoutMs);
  stdout.resume();
  const { words } = await ended;
  const [, layout] = AUDIO.exec(words) ?? [];
  if (!layout) throw unsupported(words, words.includes('Input #0'));
  const [, hours, minutes, seconds, start] = LENGTH.exec(words) ?? [];
  const duration = hours ? Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds) : undefined;
  const isGuess = words.includes('Estimating duration') || PICTURES.test(words);
  return {
    isMono: /^(mono|1 channels?)\b/.test(layout),
    duration,
    promised: duration === undefined || isGuess ? undefined : duration - Math.max(0, Number(start ?? 0)),
  };
}

/** What some of ffmpeg's words mean for the one who sent the file. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/Format not on whitelist/, 'it is a playlist, a picture or something else that is no audio file'],
  [
    /moov atom not found/,
    'its index is missing, which mostly stands at the end, so it may have been cut short',
  ],
  [
    /Rematrix is needed/,
    'it does not tell where its channels belong, so they can not be mixed down to stereo',
  ],
  [PICTURES, 'it has pictures and no sound'],
];
const NOT_AUDIO = 'it is not audio, or its beginning is damaged';
const NO_SOUND = 'it begins like an audio file, but no sound follows';

/** `words`: what ffmpeg said, which becomes the error's cause; `begins`: that it knew the file's format. */
export function unsupported(words: string, begins: boolean): WorkerError {
  const reason = REASONS.find(([pattern]) => pattern.test(words))?.[1] ?? (begins ? NO_SOUND : NOT_AUDIO);
  return new WorkerError(
    'unsupported_media',
    `The file holds no audio that can be decoded: ${reason}. Send an mp3, wav, flac, ogg, opus, m4a, aiff or wma file.`,
    { cause: new Error(words) },
  );
}
