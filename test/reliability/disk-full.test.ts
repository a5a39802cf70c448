import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { FRAME_BYTES, SAMPLE_RATE } from '../../src/pipeline/audio/song.ts';
import { readConfig } from '../../src/pipeline/config.ts';
import { download } from '../../src/pipeline/stages/download.ts';
import { AudioFolder, LONG_SILENCE } from '../support/audio.ts';
import { DiskWatch, noSpace } from '../support/disk.ts';
import { newStorage, type TestStorage } from '../support/storage.ts';
import { type CountedStorage, countRequests } from '../support/storage-proxy.ts';

const MEGABYTE = 1_000_000;
const SECONDS = 20;
const ENCODED = SECONDS * SAMPLE_RATE * 2;
const DECODED = SECONDS * SAMPLE_RATE * FRAME_BYTES;

const folder = new AudioFolder();
const workDir = folder.folder('work');
let storage: TestStorage;
let counted: CountedStorage;
beforeAll(async () => {
  storage = await newStorage();
  counted = await countRequests(storage.container, 'r');
  const song = folder.make('song.wav', `sine=duration=${SECONDS}`);
  await storage.container.getBlockBlobClient('a/song.wav').uploadFile(song);
  const long = folder.make('long.flac', LONG_SILENCE.source, LONG_SILENCE.output(3000));
  await storage.container.getBlockBlobClient('a/long.flac').uploadFile(long);
});
afterEach(() => {
  expect(readdirSync(workDir)).toEqual([]);
});
afterAll(async () => {
  counted.stop();
  folder.remove();
});

const settings = { DEMUCS_MODEL: 'spectral', WORK_DIR: workDir };
const downloaded = (blob_name: string, minFreeMb = 0) => {
  const config = readConfig({ ...settings, MIN_FREE_DISK_MB: `${minFreeMb}` });
  return download({ audio_file_id: 'a', blob_name }, { container: counted.container, config });
};
const freeMb = async () => {
  const { bavail, bsize } = await statfs(workDir);
  return Math.floor((bavail * bsize) / MEGABYTE);
};

describe('20. Disk full -> typed failure, temporary files removed', () => {
  it('before the download: nothing is fetched, and the message names folder, setting and both numbers', async () => {
    counted.requests.length = 0;
    const tooMuch = (await freeMb()) + 1000;
    await expect(downloaded('a/song.wav', tooMuch)).rejects.toMatchObject({
      code: 'disk_full',
      retryable: true,
      message: expect.stringMatching(
        new RegExp(
          `MB are free for '${workDir}.*WORK_DIR; .*takes 2 MB.*MIN_FREE_DISK_MB keeps ${tooMuch} MB`,
        ),
      ),
    });
    expect(counted.requests).toEqual(['HEAD a/song.wav']);
  });

  it('before the decoding: a small file that needs a gigabyte is not begun', async () => {
    let written = 0;
    using _disk = new DiskWatch((bytes) => {
      written += bytes;
      return undefined;
    });
    await expect(downloaded('a/long.flac', Math.max(0, (await freeMb()) - 500))).rejects.toMatchObject({
      code: 'disk_full',
      message: expect.stringContaining('takes 1059 MB'),
    });
    expect(written).toBeLessThan(MEGABYTE);
  });

  it.each([
    ['the download', ENCODED / 2],
    ['the decoding', ENCODED + DECODED / 2],
  ])('in the middle of %s', async (_, room) => {
    let written = 0;
    using _disk = new DiskWatch((bytes) => {
      written += bytes;
      return written > room ? noSpace() : undefined;
    });
    await expect(downloaded('a/song.wav')).rejects.toMatchObject({
      code: 'disk_full',
      retryable: true,
      message: expect.stringMatching(new RegExp(`no more room for '${workDir}.*WORK_DIR.*ENOSPC`)),
    });
    expect(written).toBeGreaterThan(room);
  });
});

describe.skipIf(process.platform === 'win32')('20. A system that refuses to write on -> the same', () => {
  // In 512-byte blocks, as POSIX has it; what the shell takes for kilobytes lies in between as well.
  it.each([
    ['the download', ENCODED / 4 / 512],
    ['the decoding', (ENCODED * 1.5) / 512],
  ])('in the middle of %s', (_, blocks) => {
    const module = (path: string) => pathToFileURL(`dist/pipeline/${path}.js`).href;
    const script = `
      import { readdirSync } from 'node:fs';
      import { readConfig } from '${module('config')}';
      import { download } from '${module('stages/download')}';
      import { openContainer } from '${module('storage/container')}';
      const config = readConfig();
      const job = { audio_file_id: 'a', blob_name: 'a/song.wav' };
      const { code, retryable, message } = await download(job, { container: openContainer(config), config }).catch((e) => e);
      console.log(JSON.stringify({ code, retryable, message, left: readdirSync(config.workDir) }));`;
    const command = [process.execPath, '--input-type=module', '-e', script];
    const output = execFileSync(
      'sh',
      ['-c', `ulimit -f ${Math.floor(blocks)} && exec "$@"`, 'sh', ...command],
      {
        env: { ...process.env, ...settings, AZURE_STORAGE_CONNECTION_STRING: storage.connectionString },
        encoding: 'utf8',
      },
    );
    expect(JSON.parse(output)).toEqual({
      code: 'disk_full',
      retryable: true,
      message: expect.stringMatching(/WORK_DIR \(EFBIG\)/),
      left: [],
    });
  });
});
