import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { WorkerError } from '../errors.ts';
import { ffmpegPath } from './ffmpeg.ts';
import { CHANNELS, FRAME_BYTES, SAMPLE_RATE } from './song.ts';

export interface DecodeLimits {
  /** Longest song in seconds; decoding stops as soon as it is passed. */
  readonly maxDurationSeconds: number;
  /** Longest time that decoding may take, in milliseconds. */
  readonly timeoutMs: number;
}

export interface DecodedFile {
  /** Length in frames at 44.1 kHz. */
  readonly frames: number;
  /** ffmpeg met errors; what it could read was taken. */
  readonly damaged: boolean;
}

/** The decoder may open the file it is given and its own pipes: no network, no playlist's entries elsewhere. */
const INPUT = ['-nostdin', '-hide_banner', '-protocol_whitelist', 'file,pipe'];
/** Playlists and scripts are text that makes ffmpeg open other files: audio comes in these containers only. */
const FORMATS = 'mp3,wav,w64,flac,ogg,mov,mp4,m4a,aac,aiff,asf,matroska,webm,caf,ac3,eac3,amr,au,wv,ape,mpc';
/** ffmpeg's last words that go into an error message. */
const REASON_CHARACTERS = 300;

/**
 * Decodes any audio file to raw stereo float32 at 44.1 kHz. More than two channels are mixed down; mono is doubled.
 * `target` appears only when it is complete.
 *
 * @throws WorkerError `unsupported_media`, `too_long` or `timed_out`.
 */
export async function decode(source: string, target: string, limits: DecodeLimits): Promise<DecodedFile> {
  const channels = await probeChannels(source, limits.timeoutMs);
  const layout = channels === 1 ? ['-af', 'pan=stereo|c0=c0|c1=c0'] : ['-ac', String(CHANNELS)];
  const output = [
    '-map',
    '0:a:0',
    '-vn',
    '-sn',
    '-dn',
    ...layout,
    '-ar',
    String(SAMPLE_RATE),
    '-f',
    'f32le',
    'pipe:1',
  ];
  const partial = `${target}.${process.pid}.partial`;
  const ffmpeg = run(['-v', 'error', ...inputArguments(source), ...output], limits.timeoutMs);
  const maxBytes = Math.ceil(limits.maxDurationSeconds * SAMPLE_RATE) * FRAME_BYTES;
  let bytes = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      done(bytes > maxBytes ? tooLong(limits.maxDurationSeconds) : null, chunk);
    },
  });
  try {
    await pipeline(ffmpeg.child.stdout, counter, createWriteStream(partial));
    const { code, reason, timedOut } = await ffmpeg.ended;
    if (timedOut) throw decodeTimedOut(limits.timeoutMs);
    const frames = Math.floor(bytes / FRAME_BYTES);
    if (frames === 0) throw unsupported(reason);
    await rename(partial, target);
    return { frames, damaged: code !== 0 || reason !== '' };
  } catch (error) {
    ffmpeg.child.kill('SIGKILL');
    await rm(partial, { force: true });
    throw error;
  }
}

/** Channels of the first audio stream, read from ffmpeg's own description of the file. */
async function probeChannels(source: string, timeoutMs: number): Promise<number> {
  const { child, ended } = run(inputArguments(source), timeoutMs);
  child.stdout.resume();
  const { reason, timedOut } = await ended;
  if (timedOut) throw decodeTimedOut(timeoutMs);
  const audio = /Stream #\d+:\d+.*?: Audio: .*?, \d+ Hz, ([^,]+)/.exec(reason);
  if (!audio) throw unsupported(reason.split('\n').at(-1) ?? '');
  if (audio[1] === 'mono' || audio[1] === '1 channels') return 1;
  return CHANNELS;
}

function inputArguments(source: string): string[] {
  return [...INPUT, '-format_whitelist', FORMATS, '-i', `file:${source}`];
}

function run(args: string[], timeoutMs: number) {
  const child = spawn(ffmpegPath(), args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let reason = '';
  let timedOut = false;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (reason.length < 20_000) reason += text;
  });
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill('SIGKILL');
  }, timeoutMs);
  const ended = new Promise<{ code: number | null; reason: string; timedOut: boolean }>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code, reason: reason.trim(), timedOut });
    });
  });
  return { child, ended };
}

function unsupported(reason: string): WorkerError {
  const detail = reason
    .replaceAll(/\[.*? @ 0x[0-9a-f]+\] /g, '')
    .replaceAll(/file:\S+: /g, '')
    .slice(-REASON_CHARACTERS);
  return new WorkerError(
    'unsupported_media',
    `The file holds no audio that can be decoded${detail ? ` (${detail})` : ''}. Send an mp3, wav, flac, ogg, opus, m4a, aiff or wma file.`,
  );
}

function tooLong(maxSeconds: number): WorkerError {
  return new WorkerError(
    'too_long',
    `The song is longer than ${maxSeconds} s, the limit that MAX_DURATION_SECONDS sets. Shorten it or raise the limit.`,
  );
}

function decodeTimedOut(timeoutMs: number): WorkerError {
  return new WorkerError(
    'timed_out',
    `Decoding took longer than ${timeoutMs / 1000} s, the limit that DECODE_TIMEOUT_SECONDS sets.`,
  );
}
