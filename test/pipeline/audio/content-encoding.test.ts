import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { undoEncoding } from '../../../src/pipeline/audio/content-encoding.ts';

const SONG = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * i) % 251));

async function* pieces(bytes: Buffer): AsyncGenerator<Buffer> {
  // A network's first piece may be short.
  yield bytes.subarray(0, 1);
  for (let at = 1; at < bytes.length; at += 10_000) yield bytes.subarray(at, at + 10_000);
}
async function undone(bytes: Buffer, encoding: string | undefined, maxBytes = 1e6): Promise<Buffer> {
  const out: Buffer[] = [];
  for await (const piece of undoEncoding(pieces(bytes), encoding, maxBytes)) out.push(piece);
  return Buffer.concat(out);
}

describe("a blob's Content-Encoding", () => {
  it.each<[string | undefined, Buffer]>([
    [undefined, SONG],
    ['identity', SONG],
    ['gzip', gzipSync(SONG)],
    ['GZIP', gzipSync(SONG)],
    ['x-gzip', Buffer.concat([gzipSync(SONG.subarray(0, 9)), gzipSync(SONG.subarray(9))])],
    ['deflate', deflateSync(SONG)],
    ['deflate', deflateRawSync(SONG)],
    ['br', brotliCompressSync(SONG)],
    ['gzip, br', brotliCompressSync(gzipSync(SONG))],
    ['gzip', SONG],
  ])('%s is undone', async (encoding, bytes) => {
    expect((await undone(bytes, encoding)).equals(SONG)).toBe(true);
  });

  it('gives what a truncated blob holds', async () => {
    const whole = gzipSync(SONG);
    const half = await undone(whole.subarray(0, whole.length >> 1), 'gzip');
    expect(half.length).toBeGreaterThan(0);
    expect(half.equals(SONG.subarray(0, half.length))).toBe(true);
  });

  it('stops at the limit of a file', async () => {
    await expect(undone(gzipSync(Buffer.alloc(5e6)), 'gzip')).rejects.toMatchObject({
      code: 'too_large',
      message: expect.stringContaining('MAX_FILE_MB'),
    });
  });

  it.each([
    ['compress', SONG, /'compress'; expected one of gzip/],
    ['constructor', SONG, /'constructor'; expected one of/],
    ['deflate', SONG, /'deflate', and its content is not/],
    ['br', SONG, /'br', and its content is not/],
  ])('%s that is unknown or not true is refused', async (encoding, bytes, message) => {
    await expect(undone(bytes, encoding)).rejects.toMatchObject({
      code: 'unsupported_media',
      message: expect.stringMatching(message),
    });
  });

  it('passes a failure of the storage on', async () => {
    async function* failing(): AsyncGenerator<Buffer> {
      yield gzipSync(SONG).subarray(0, 100);
      throw new Error('reset');
    }
    await expect(Array.fromAsync(undoEncoding(failing(), 'gzip', 1e6))).rejects.toThrow('reset');
  });
});
