import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decode } from '../../../src/pipeline/audio/decode.ts';
import { ffmpegPath } from '../../../src/pipeline/audio/ffmpeg.ts';
import { SAMPLE_RATE, SongFile } from '../../../src/pipeline/audio/song.ts';
import { writeTone } from '../../support/tone.ts';

const LIMITS = { maxDurationSeconds: 60, timeoutMs: 30_000 };
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'decode-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const decodeTone = async (name: string, output: string[] = []) => {
  const source = join(folder, name);
  writeTone(source, { output });
  const target = `${source}.f32`;
  return { target, ...(await decode(source, target, LIMITS)) };
};

describe('decoding', () => {
  it.each([
    ['a.mp3', []],
    ['a.wav', []],
    ['a-24bit.wav', ['-c:a', 'pcm_s24le']],
    ['a-float.wav', ['-c:a', 'pcm_f32le']],
    ['a.flac', []],
    ['a.ogg', ['-c:a', 'libvorbis']],
    ['a.opus', ['-c:a', 'libopus']],
    ['a.m4a', ['-c:a', 'aac']],
    ['a.aiff', []],
    ['a.wma', []],
    ['a-8k.wav', ['-ar', '8000']],
    ['a-192k.wav', ['-ar', '192000']],
    ['a-surround.flac', ['-ac', '6']],
  ])('reads %s as 44.1 kHz stereo', async (name, output) => {
    const { frames, damaged } = await decodeTone(name, output);
    expect(Math.abs(frames / SAMPLE_RATE - 1)).toBeLessThan(0.08);
    expect(damaged).toBe(false);
  });

  it('doubles mono at its own level', async () => {
    const { target } = await decodeTone('mono.wav', ['-ac', '1']);
    using song = new SongFile(target);
    const [left, right] = song.read(0, song.frames);
    expect(right).toEqual(left);
    expect(Math.max(...left)).toBeCloseTo(0.125, 2);
  });

  it('takes what can be decoded of a truncated file and says so', async () => {
    const source = join(folder, 'whole.flac');
    writeTone(source, { seconds: 4 });
    const bytes = readFileSync(source);
    const cut = join(folder, 'cut.flac');
    writeFileSync(cut, bytes.subarray(0, bytes.length >> 1));
    const { frames, damaged } = await decode(cut, `${cut}.f32`, LIMITS);
    expect(frames / SAMPLE_RATE).toBeGreaterThan(1);
    expect(frames / SAMPLE_RATE).toBeLessThan(3.5);
    expect(damaged).toBe(true);
  });

  it('refuses text renamed to .mp3, an empty header and video without sound', async () => {
    const text = join(folder, 'text.mp3');
    writeFileSync(text, 'These are words, not audio. '.repeat(500));
    const header = join(folder, 'header.wav');
    writeFileSync(header, Buffer.concat([Buffer.from('RIFF\x24\0\0\0WAVEfmt '), Buffer.alloc(20)]));
    const video = join(folder, 'silent.mp4');
    const picture = ['-f', 'lavfi', '-i', 'color=size=32x32:duration=1', '-c:v', 'mpeg4'];
    execFileSync(ffmpegPath(), ['-v', 'error', ...picture, video]);
    for (const source of [text, header, video]) {
      await expect(decode(source, `${source}.f32`, LIMITS)).rejects.toMatchObject({
        code: 'unsupported_media',
      });
    }
  });

  it('opens no network address and no other file for a playlist', async () => {
    let asked = false;
    const server = createServer((_, answer) => {
      asked = true;
      answer.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    writeTone(join(folder, 'other.wav'));
    for (const entry of [`http://127.0.0.1:${port}/a.ts`, join(folder, 'other.wav')]) {
      const playlist = join(folder, 'list.mp3');
      writeFileSync(playlist, `#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n${entry}\n#EXT-X-ENDLIST\n`);
      await expect(decode(playlist, `${playlist}.f32`, LIMITS)).rejects.toMatchObject({
        code: 'unsupported_media',
      });
      writeFileSync(playlist, `ffconcat version 1.0\nfile '${entry}'\n`);
      await expect(decode(playlist, `${playlist}.f32`, LIMITS)).rejects.toMatchObject({
        code: 'unsupported_media',
      });
    }
    server.close();
    expect(asked).toBe(false);
  });

  it('stops at the duration cap and leaves no file behind', async () => {
    const source = join(folder, 'long.flac');
    writeTone(source, { seconds: 120 });
    await expect(decode(source, join(folder, 'long.f32'), LIMITS)).rejects.toMatchObject({
      code: 'too_long',
    });
    expect(readdirSync(folder).filter((name) => name.startsWith('long.f32'))).toEqual([]);
  });
});
