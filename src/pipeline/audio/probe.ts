import { WorkerError } from '../errors.ts';
import { channelCount } from './channel-mix.ts';
import type { Decoder } from './decoder/choose.ts';
import type { Input } from './decoder/command.ts';
import { type DecoderLimits, runDecoder } from './decoder/process.ts';

/** What a file says of its sound before it is decoded. None of it need be true. */
export interface AudioDescription {
  /** ffmpeg's names of the format, such as `mov,mp4,m4a`. */
  readonly format: string;
  readonly codec: string;
  /** Which of the file's streams of sound this is, from 0: the first that is marked as the default, else the first. */
  readonly track: number;
  /** ffmpeg's names of what its other streams are in: pictures, subtitles. */
  readonly otherCodecs: readonly string[];
  /** ffmpeg's word for the channels, see `mixFilter`. */
  readonly layout: string;
  /** Time that the file begins with, in seconds. */
  readonly start: number;
  /** Seconds, where the file tells or its size suggests a length. */
  readonly duration?: number;
  /** Seconds of sound that the file promises; absent where the length is guessed, or may be that of another stream. */
  readonly promised?: number;
}

/** Rates of sound, in Hz: from below a telephone's to DSD, of which a byte counts as a sample. */
const MIN_RATE = 1000;
const MAX_RATE = 2_822_400;
const MAX_CHANNELS = 64;

// Tags may hold the same words, but never at the beginning of a line.
const FORMAT = /^Input #0, (\S+), from/m;
const STREAM = /^ +Stream #\d+:(\d+).*?: (Audio|Video|Subtitle|Data|Attachment): (.*)/gm;
const SOUND = /^([a-z\d_]+).*?, (\d+) Hz, ([^,\r\n]+)/;
const PICTURES = /^ +Stream #\d+:\d+.*?: Video: (?!.*\(attached pic\))/m;
const LENGTH = /^ +Duration: (?:(\d+):(\d+):([\d.]+)|N\/A)(?:, start: (-?[\d.]+))?/m;

/**
 * Reads the decoder's own description of a file.
 *
 * @throws WorkerError `unsupported_media`, or what `runDecoder` fails with.
 */
export async function probe(
  decoder: Decoder,
  input: Input,
  limits: DecoderLimits,
): Promise<AudioDescription> {
  const { samples, stretches, ended } = runDecoder(decoder, { input }, limits);
  samples.resume();
  stretches.resume();
  return describe((await ended).words);
}

/** What a decoder's words say. @throws WorkerError `unsupported_media` */
export function describe(words: string): AudioDescription {
  const [, format] = FORMAT.exec(words) ?? [];
  const streams = streamsIn(words);
  const tracks = streams.filter(({ kind }) => kind === 'Audio');
  const track = Math.max(0, tracks.findIndex(isDefaultSound));
  const [, codec, rate, layout] = SOUND.exec(tracks[track]?.text ?? '') ?? [];
  if (!format || !layout) throw unsupported(words, words.includes('Input #0'));
  checkRate(Number(rate), words);
  checkChannels(channelCount(layout), words);
  const [, hours, minutes, seconds, start = '0'] = LENGTH.exec(words) ?? [];
  const duration = hours ? Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds) : undefined;
  const others = streams.filter((stream) => stream !== tracks[track]);
  const isAlone = others.every(({ text }) => text.includes('(attached pic)'));
  const isGuess = words.includes('Estimating duration') || !isAlone;
  return {
    format,
    codec,
    track,
    otherCodecs: others
      .filter(({ kind }) => kind !== 'Audio')
      .map(({ text }) => /^\w*/.exec(text)?.[0] ?? ''),
    layout,
    start: Number(start),
    duration,
    promised: duration === undefined || isGuess ? undefined : duration - Math.max(0, Number(start)),
  };
}

interface StreamLine {
  readonly index: number;
  readonly kind: string;
  readonly text: string;
}

/** The streams in their order in the file: a description has those of each programme together. */
function streamsIn(words: string): readonly StreamLine[] {
  return [...words.matchAll(STREAM)]
    .map(([, index, kind, text]) => ({ index: Number(index), kind, text }))
    .sort((a, b) => a.index - b.index);
}

const isDefaultSound = ({ text }: StreamLine): boolean => SOUND.test(text) && text.includes('(default)');

function checkRate(rate: number, words: string): void {
  if (rate >= MIN_RATE && rate <= MAX_RATE) return;
  throw notMusic(`it claims ${rate} samples a second; expected ${MIN_RATE} to ${MAX_RATE}`, words);
}

function checkChannels(channels: number, words: string): void {
  if (channels <= MAX_CHANNELS) return;
  throw notMusic(`it claims ${channels} channels; expected at most ${MAX_CHANNELS}`, words);
}

/** What some of ffmpeg's words mean for the one who sent the file. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/Format not on whitelist/, 'it is a playlist, a picture or something else that is no audio file'],
  [
    /moov atom not found/,
    'its index is missing, which mostly stands at the end, so it may have been cut short',
  ],
  [PICTURES, 'it has pictures and no sound'],
];
const NOT_AUDIO = 'it is not audio, or its beginning is damaged';
const NO_SOUND = 'it begins like an audio file, but no sound follows';

/** `words`: what the decoder said, which becomes the error's cause; `begins`: that it knew the file's format. */
export function unsupported(words: string, begins: boolean): WorkerError {
  const reason = REASONS.find(([pattern]) => pattern.test(words))?.[1] ?? (begins ? NO_SOUND : NOT_AUDIO);
  return notMusic(reason, words);
}

/** `reason`: half a sentence for people. */
export function notMusic(reason: string, words = reason): WorkerError {
  return new WorkerError(
    'unsupported_media',
    `The file holds no audio that can be decoded: ${reason}. Send an mp3, wav, flac, ogg, opus, m4a, aiff or wma file.`,
    { cause: new Error(words) },
  );
}
