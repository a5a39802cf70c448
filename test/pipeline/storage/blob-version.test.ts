import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { localSong, type SongVersion } from '../../../src/pipeline/audio/local-song.ts';
import { readConfig } from '../../../src/pipeline/config.ts';
import {
  contentHash,
  currentVersion,
  hasContentOf,
  haveSameContent,
  readContent,
} from '../../../src/pipeline/storage/blob-version.ts';
import { newStorage, type TestStorage } from '../../support/storage.ts';
import { writeTone } from '../../support/tone.ts';

/** More than one piece of what is read at once. */
const LONG = Buffer.alloc(9_000_000, 'a song in three pieces');
const OTHER = Buffer.alloc(9_000_000, 'another song, as long');

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

let storage: TestStorage;
beforeAll(async () => {
  storage = await newStorage();
});

const blob = (name: string) => storage.container.getBlockBlobClient(name);

/** Uploads in blocks, of which the storage makes no MD5. */
async function putBlocks(name: string, bytes: Buffer): Promise<void> {
  const id = Buffer.from(sha256(bytes).slice(0, 16)).toString('base64');
  await blob(name).stageBlock(id, bytes, bytes.length);
  await blob(name).commitBlockList([id]);
}

describe('a version that is being read', () => {
  /** Reads all, and has something happen to the blob after the first piece of each reading. */
  async function readWith(name: string, meanwhile: (reading: number) => Promise<unknown>): Promise<Buffer> {
    let reading = 0;
    return await readContent(
      storage.container,
      await currentVersion(storage.container, name),
      async (pieces) => {
        const read: Buffer[] = [];
        reading++;
        for await (const piece of pieces) {
          if (read.push(piece) === 1) await meanwhile(reading);
        }
        return Buffer.concat(read);
      },
    );
  }

  it('is read again from the start where its metadata or headers are set', async () => {
    await putBlocks('touched', LONG);
    const read = await readWith('touched', async (reading) => {
      if (reading === 1) await blob('touched').setMetadata({ note: 'x' });
      if (reading === 2) await blob('touched').setHTTPHeaders({ blobContentType: 'audio/mpeg' });
    });
    expect(sha256(read)).toBe(sha256(LONG));
  });

  it('never comes with pieces of another, which has a length or an MD5 of its own', async () => {
    await blob('replaced').uploadData(LONG);
    await expect(readWith('replaced', () => blob('replaced').uploadData(OTHER))).rejects.toMatchObject({
      code: 'blob_changed',
    });
    await putBlocks('shorter', LONG);
    await expect(
      readWith('shorter', () => putBlocks('shorter', OTHER.subarray(0, 8_000_000))),
    ).rejects.toMatchObject({ code: 'blob_changed' });
  });

  it('is whole also where the other one is as long and nothing tells of it before it is read', async () => {
    await putBlocks('alike', LONG);
    const read = await readWith('alike', async (reading) => {
      if (reading === 1) await putBlocks('alike', OTHER);
    });
    expect(sha256(read)).toBe(sha256(OTHER));
  });

  it('is given up where it does not come to rest, or is removed', async () => {
    await putBlocks('restless', LONG);
    const touch = (note: number) => blob('restless').setMetadata({ note: `${note}` });
    await expect(readWith('restless', touch)).rejects.toMatchObject({ code: 'blob_changed' });
    await expect(readWith('restless', () => blob('restless').delete())).rejects.toMatchObject({
      code: 'blob_not_found',
    });
  });
});

describe('two versions', () => {
  const known = { blob_name: 'a', etag: '1', size_bytes: 3, content_md5: 'x', sha256: 'y' };

  it.each([
    ['of one ETag are the same', { etag: '1', size_bytes: 3 }, true],
    ['of different lengths are not', { etag: '2', size_bytes: 4, content_md5: 'x' }, false],
    ['of one MD5 are', { etag: '2', size_bytes: 3, content_md5: 'x' }, true],
    ['of different MD5s are not', { etag: '2', size_bytes: 3, content_md5: 'z' }, false],
    ['of different SHA-256 are not', { etag: '2', size_bytes: 3, sha256: 'z' }, false],
    ['without any of that have to be read', { etag: '2', size_bytes: 3 }, undefined],
  ])('%s', (_, version, same) => expect(haveSameContent(known, { blob_name: 'a', ...version })).toBe(same));

  it('are read where only that tells', async () => {
    const { container } = storage;
    await putBlocks('read', LONG);
    const first = await currentVersion(container, 'read');
    const hash = await contentHash(container, first);
    await blob('read').setMetadata({ note: 'x' });
    const touched = await currentVersion(container, 'read');
    expect(touched.etag).not.toBe(first.etag);
    expect(await hasContentOf(container, { ...first, sha256: hash }, touched)).toBe(true);
    await putBlocks('read', OTHER);
    const other = await currentVersion(container, 'read');
    expect(await hasContentOf(container, { ...first, sha256: hash }, other)).toBe(false);
    expect(await hasContentOf(container, { blob_name: 'read' }, other)).toBe(false);
  });
});

describe('a stage on another machine', () => {
  it('goes on with a song whose metadata was set, and not with another one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'versions-'));
    const config = { ...readConfig({}), workDir: join(folder, 'work') };
    const file = join(folder, 'song.wav');
    writeTone(file, { seconds: 1 });
    await blob('v/song.wav').uploadFile(file);
    const version = { audio_file_id: 'v', ...(await currentVersion(storage.container, 'v/song.wav')) };
    const song = await localSong(storage.container, version, config);
    rmSync(config.workDir, { recursive: true });
    // As later stages have it: without the MD5.
    const source: SongVersion = { ...version, content_md5: undefined, sha256: song.sha256 };
    await blob('v/song.wav').setMetadata({ note: 'x' });
    expect((await localSong(storage.container, source, config)).sha256).toBe(song.sha256);
    rmSync(config.workDir, { recursive: true });
    const other = join(folder, 'other.wav');
    writeTone(other, { seconds: 1, frequency: 300 });
    await blob('v/song.wav').uploadFile(other);
    await expect(localSong(storage.container, source, config)).rejects.toMatchObject({
      code: 'blob_changed',
    });
    rmSync(folder, { recursive: true });
  });
});
