import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/pipeline/config.ts';
import { download } from '../../src/pipeline/stages/download.ts';
import { startStorage, type TestStorage } from '../support/storage.ts';
import { countRequests } from '../support/storage-proxy.ts';

const MEGABYTE = 1_000_000;

let storage: TestStorage;
let workDir: string;
beforeAll(async () => {
  storage = await startStorage();
  workDir = mkdtempSync(join(tmpdir(), 'blobs-'));
  for (const [name, bytes] of [
    ['song.mp3', 10],
    ['empty.mp3', 0],
    ['large.mp3', MEGABYTE + 1],
  ] as const)
    await storage.container.getBlockBlobClient(`a/${name}`).uploadData(Buffer.alloc(bytes));
});
afterAll(async () => {
  await storage.stop();
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
