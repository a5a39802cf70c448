import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decode } from '../../src/pipeline/audio/decode.ts';
import { ffmpegPath } from '../../src/pipeline/audio/ffmpeg.ts';
import { WorkerError } from '../../src/pipeline/errors.ts';
import { AudioFolder, flipBits } from '../support/audio.ts';

const LIMITS = { maxDurationSeconds: 60, timeoutMs: 30_000 };
/** What ffmpeg says and nobody else: addresses in memory, its options, its file names. */
const RAW_WORDS = /0x[0-9a-f]|Stream|moov|map|whitelist|Invalid|Input|file:|output/;
const SENTENCE =
  '9. Not audio, header only, text renamed .mp3, a playlist, video without sound -> `unsupported_media`';

const folder = new AudioFolder();
const asked: string[] = [];
let server: Server;
let address: string;
beforeAll(async () => {
  server = createServer((request, answer) => {
    asked.push(request.url!);
    answer.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  folder.remove();
});

async function refusal(source: string): Promise<string> {
  const error = await decode(source, `${source}.f32`, LIMITS).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(WorkerError);
  expect(error).toMatchObject({ code: 'unsupported_media', retryable: false });
  expect(error.message).not.toMatch(RAW_WORDS);
  expect(error.message).not.toContain(folder.path);
  return error.message;
}

describe(SENTENCE, () => {
  const tone = (name: string, output: string[] = []) => folder.make(name, 'sine=duration=2', output);
  const random = () => {
    const bytes = Buffer.alloc(300_000);
    flipBits(bytes, 2_000_000, 9);
    return bytes;
  };

  it.each<[string, () => string, RegExp]>([
    ['random bytes', () => folder.write('random', random()), /not audio/],
    ['zeros', () => folder.write('zeros', Buffer.alloc(100_000)), /not audio/],
    [
      'text renamed .mp3',
      () => folder.write('text.mp3', 'These are words, not audio. '.repeat(500)),
      /no sound|not audio/,
    ],
    ['a picture', () => folder.make('picture.jpg', 'testsrc=s=64x48', ['-frames:v', '1']), /picture/],
    [
      'a video without sound',
      () => folder.make('silent.mp4', 'testsrc=s=64x48:d=1', ['-c:v', 'mpeg4']),
      /pictures and no sound/,
    ],
    [
      'a header of a wav file',
      () => folder.changed('header.wav', tone('a.wav'), (b) => b.subarray(0, 44)),
      /no sound|not audio/,
    ],
    [
      'a header of a flac file',
      () => folder.changed('header.flac', tone('a.flac'), (b) => b.subarray(0, 60)),
      /no sound|not audio/,
    ],
    [
      'a header of an mp3 file',
      () => folder.changed('header.mp3', tone('a.mp3'), (b) => b.subarray(0, 44)),
      /no sound|not audio/,
    ],
    [
      'a header of an ogg file',
      () => folder.changed('header.ogg', tone('a.ogg'), (b) => b.subarray(0, 400)),
      /no sound|not audio/,
    ],
    [
      'an m4a file without its end',
      () => folder.changed('cut.m4a', tone('a.m4a'), (b) => b.subarray(0, b.length >> 1)),
      /cut short/,
    ],
  ])('%s, in words for people', async (_, make, reason) => {
    expect(await refusal(make())).toMatch(reason);
    expect(readdirSync(folder.path).filter((name) => name.includes('.f32'))).toEqual([]);
  });
});

describe('what is known to be something else is no music, though sound is found in it', () => {
  it.each<[string, Buffer]>([
    ['a program of Linux', Buffer.from('\x7fELF\x02\x01\x01', 'latin1')],
    ['a program of Windows', Buffer.from('MZ\x90\0', 'latin1')],
    ['a zip archive', Buffer.from('PK\x03\x04\x14\0', 'latin1')],
    ['a PDF', Buffer.from('%PDF-1.7\n')],
    ['a database', Buffer.from('SQLite format 3\0')],
  ])('%s that is named .mp3', async (_, head) => {
    const sound = readFileSync(folder.make('sound.mp3', 'sine=duration=2'));
    const file = folder.write('other.mp3', Buffer.concat([head, Buffer.alloc(1000), sound]));
    expect(await refusal(file)).toMatch(/it is another kind of file/);
  });
});

describe('9. The decoder opens no network address and no other file', () => {
  const lists: Record<string, (entry: string) => string> = {
    m3u: (entry) => `#EXTM3U\n#EXTINF:9,Song\n${entry}\n`,
    hls: (entry) => `#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n${entry}\n#EXT-X-ENDLIST\n`,
    concat: (entry) => `ffconcat version 1.0\nfile '${entry}'\n`,
  };

  it.each(Object.keys(lists))('for a playlist (%s)', async (kind) => {
    const song = folder.make('other.ts', 'sine=duration=2', ['-c:a', 'aac', '-f', 'mpegts']);
    for (const entry of [`${address}/song.ts`, song, 'other.ts'])
      for (const name of [`list.${kind}`, 'list.mp3']) await refusal(folder.write(name, lists[kind](entry)));
    expect(asked).toEqual([]);
  });

  it('which an ffmpeg left to itself does', async () => {
    for (const kind of ['hls', 'concat']) {
      const list = folder.write(`list.${kind}`, lists[kind](`${address}/${kind}.ts`));
      const options = [
        ...(kind === 'concat' ? ['-f', kind, '-safe', '0'] : []),
        '-protocol_whitelist',
        'file,http,tcp,crypto',
      ];
      const ffmpeg = spawn(ffmpegPath(), ['-nostdin', ...options, '-i', list, '-f', 'null', '-'], {
        stdio: 'ignore',
      });
      await once(ffmpeg, 'close');
    }
    expect(asked).toEqual(expect.arrayContaining(['/hls.ts', '/concat.ts']));
  });
});
