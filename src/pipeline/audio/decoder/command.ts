import { FORMAT_WHITELIST } from '../formats.ts';
import { SAMPLE_RATE } from '../song.ts';
import type { Decoder } from './choose.ts';

/** A file to decode, or the bytes `start` to `end` of one. */
export interface Input {
  readonly path: string;
  readonly range?: { readonly start: number; readonly end: number };
}

/** What a decoder is to do: describe the input in words, or, with the filter that makes stereo of it, decode it. */
export interface Task {
  readonly input: Input;
  readonly mix?: string;
  /** Which of the file's streams of sound, from 0, which it is unless given. */
  readonly track?: number;
}

/** What the child writes to, by file descriptor: samples, words, and the stretches that the samples consist of. */
export const STDOUT = 1;
export const STRETCHES = 3;

/** The decoder may open the file that it is given and its own pipes: no network, no playlist's entries elsewhere. */
export const PROTOCOLS = 'file,pipe,subfile';
/** Damage that checksums tell is to be heard of. */
export const ERROR_DETECTION = 'crccheck';

/** Behind the mix, everything is as `SongFile` has it. */
export const filtersOf = (mix: string): string =>
  `aformat=sample_fmts=flt|fltp,${mix},aresample=${SAMPLE_RATE},aformat=sample_fmts=flt:channel_layouts=stereo`;

export function addressOf({ path, range }: Input): string {
  return range ? `subfile,,start,${range.start},end,${range.end},,:file:${path}` : `file:${path}`;
}

/** The command line that has a decoder do a task. */
export function commandOf(
  { kind, path }: Decoder,
  task: Task,
): readonly [program: string, ...args: string[]] {
  if (kind === 'libav') return [process.execPath, path, JSON.stringify(task)];
  const input = [
    ...['-protocol_whitelist', PROTOCOLS, '-format_whitelist', FORMAT_WHITELIST],
    ...['-err_detect', ERROR_DETECTION, '-guess_layout_max', '0', '-i', addressOf(task.input)],
  ];
  const options = ['-nostdin', '-hide_banner'];
  if (!task.mix) return [path, ...options, ...input];
  // Times are the file's own, and written as soon as they are known, or the two pipes would wait for each other.
  const timed = [...options, '-v', 'error', '-copyts', ...input];
  // Raw samples have no times: those of joined streams would be complained of.
  const split = [
    '-filter_complex',
    `[0:a:${task.track ?? 0}]${filtersOf(task.mix)},asplit=2[times][timed];[timed]asetpts=N[samples]`,
  ];
  const times = [
    '-map',
    '[times]',
    '-c:a',
    'pcm_u8',
    '-flush_packets',
    '1',
    '-f',
    'framecrc',
    `pipe:${STRETCHES}`,
  ];
  return [path, ...timed, ...split, ...times, '-map', '[samples]', '-f', 'f32le', `pipe:${STDOUT}`];
}
