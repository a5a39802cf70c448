import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readConfig } from '../../src/pipeline/config.ts';
import { WorkerError } from '../../src/pipeline/errors.ts';
import { download } from '../../src/pipeline/stages/download.ts';
import { wavOf } from '../support/frames.ts';
import { newStorage, type TestStorage } from '../support/storage.ts';
import { countRequests } from '../support/storage-proxy.ts';

const MEGABYTE = 1_000_000;

let storage: TestStorage;
let workDir: string;
beforeAll(async () => {
  storage = await newStorage();
  workDir = mkdtempSync(join(tmpdir(), 'blobs-'));
  for (const [name, bytes] of [
    ['song.mp3', 10],
    ['empty.mp3', 0],
    ['large.mp3', MEGABYTE + 1],
  ] as const)
    await storage.container.getBlockBlobClient(`a/${name}`).uploadData(Buffer.alloc(bytes));
});
afterAll(async () => {
  rmSync(workDir, { recursive: true });
});

describe('7. Blob missing, forbidden, empty, over the size cap -> failed with its code, no retry storm', () => {
  it.each([
    ['missing', 'none.mp3', 'r', { code: 'blob_not_found', retryable: false }, /no blob 'a\/none\.mp3'/],
    ['forbidden', 'song.mp3', 'l', { code: 'storage_unavailable' }, /status 403/],
    ['empty', 'empty.mp3', 'r', { code: 'unsupported_media', retryable: false }, /is empty/],
    [
      'over the size cap',
      'large.mp3',
      'r',
      { code: 'too_large', retryable: false },
      /1000001 .* 1000000 .*MAX_FILE_MB/,
    ],
  ])('a blob that is %s: one request, no file', async (_, name, permissions, error, message) => {
    const counted = await countRequests(storage.container, permissions);
    const config = { ...readConfig({ DEMUCS_MODEL: 'spectral', MAX_FILE_MB: '1' }), workDir };
    const context = { container: counted.container, config };
    const job = { audio_file_id: 'a', blob_name: `a/${name}` };
    await expect(download(job, context)).rejects.toMatchObject({
      ...error,
      message: expect.stringMatching(message),
    });
    counted.stop();
    expect(counted.requests).toEqual([`HEAD a/${name}`]);
    expect(readdirSync(workDir)).toEqual([]);
  });
});

describe('Content-Encoding is undone', () => {
  const song = wavOf(Buffer.alloc(4 * 44_100, 1), 2);
  const upload = async (name: string, bytes: Buffer, blobContentEncoding?: string) => {
    const blobHTTPHeaders = { blobContentEncoding };
    await storage.container.getBlockBlobClient(name).uploadData(bytes, { blobHTTPHeaders });
    const config = { ...readConfig({ DEMUCS_MODEL: 'spectral', MAX_FILE_MB: '1' }), workDir };
    return (signal?: AbortSignal) =>
      download({ audio_file_id: name, blob_name: name }, { container: storage.container, config, signal });
  };

  it('of a song that lies there as gzip', async () => {
    const packed = gzipSync(song);
    const run = await upload('packed.wav', packed, 'gzip');
    const { source } = await run();
    expect(source).toMatchObject({ frames: 44_100, damaged: false, size_bytes: packed.length });
  });

  it('and what comes out is bounded like any song', async () => {
    const run = await upload('bomb.wav', gzipSync(Buffer.alloc(5 * MEGABYTE)), 'gzip');
    await expect(run()).rejects.toMatchObject({ code: 'too_large' });
  });

  it.skipIf(process.platform === 'win32')(
    'a signal leaves nothing of a song that is being decoded',
    async () => {
      const run = await upload('slow.wav', song);
      const started = join(workDir, 'started');
      const program = join(workDir, 'ffmpeg');
      writeFileSync(
        program,
        `#!/bin/sh\n[ "$1" = -version ] && echo "ffmpeg version 9.0" && exit\ntouch '${started}'\nexec sleep 60\n`,
      );
      chmodSync(program, 0o755);
      vi.stubEnv('FFMPEG_PATH', program);
      const before = readdirSync(workDir).length;
      const abort = new AbortController();
      const outcome = expect(run(abort.signal)).rejects.toMatchObject({ code: 'canceled' });
      await vi.waitFor(() => expect(existsSync(started)).toBe(true), { timeout: 10_000 });
      const at = performance.now();
      abort.abort(new WorkerError('canceled', 'The run was canceled.'));
      await outcome;
      expect(performance.now() - at).toBeLessThan(1000);
      expect(readdirSync(workDir)).toHaveLength(before + 1);
      vi.unstubAllEnvs();
    },
  );
});
