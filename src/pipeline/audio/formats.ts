/**
 * Containers that sound comes in, by ffmpeg's names. Playlists and scripts are text that makes ffmpeg open other files,
 * pictures and subtitles hold no sound: none of them is here.
 */
const FORMATS = [
  ...['mp3', 'aac', 'loas', 'ac3', 'eac3', 'dts', 'dtshd', 'truehd', 'mlp', 'amr'],
  ...['wav', 'w64', 'aiff', 'au', 'caf', 'voc', 'iff', 'dsf', 'sox'],
  ...['flac', 'tta', 'tak', 'ape', 'wv', 'shn', 'mpc', 'mpc8', 'oma'],
  ...[
    'ogg',
    'mov',
    'mp4',
    'm4a',
    'matroska',
    'webm',
    'asf',
    'xwma',
    'avi',
    'flv',
    'mpegts',
    'mpeg',
    'rm',
    'mxf',
  ],
];
export const FORMAT_WHITELIST = FORMATS.join(',');

/** Containers whose times count from the beginning of the song, whenever their first packet comes. */
const FROM_ZERO = new Set(['mov', 'matroska', 'avi', 'flv', 'asf', 'rm', 'mxf']);
/** Containers that tell times from a beginning of their own: what they begin with is the beginning. */
const FROM_FIRST = new Set(['ogg', 'mpegts', 'mpeg']);
/** A transport stream that jumps by more than this many seconds is one joined from several. */
const LONGEST_JUMP: Readonly<Record<string, number>> = { mpegts: 10, mpeg: 10 };
/** Times later than this, in seconds, are a clock's (of a recorded broadcast), not places in a song. */
const LATEST_START = 600;

/** How the times that a file tells are to be read. */
export interface TimeRules {
  /** Time in the file, in seconds, at which the song begins. */
  readonly origin: number;
  /** Longest hole in the times that is silence, in seconds. */
  readonly longestHole: number;
}

/**
 * `names`: ffmpeg's names of a format, such as `mov,mp4,m4a`; `start`: the time that a file begins with, in seconds.
 * `undefined` for formats without times of their own, where what follows one another is heard so.
 */
export function timeRules(names: string, start: number): TimeRules | undefined {
  const [name] = names.split(',');
  if (!FROM_ZERO.has(name) && !FROM_FIRST.has(name)) return undefined;
  const origin = FROM_ZERO.has(name) && start <= LATEST_START ? Math.min(0, start) : start;
  return { origin, longestHole: LONGEST_JUMP[name] ?? Number.POSITIVE_INFINITY };
}
