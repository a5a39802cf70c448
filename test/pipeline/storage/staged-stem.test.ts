import { beforeAll, describe, expect, it } from 'vitest';
import type { SeparationPlan } from '../../../src/pipeline/contracts.ts';
import { readBlob, readJson, writeJson } from '../../../src/pipeline/storage/container.ts';
import { StagedStem } from '../../../src/pipeline/storage/staged-stem.ts';
import { newStorage, type TestStorage } from '../../support/storage.ts';

const PLAN: SeparationPlan = {
  model: 'spectral',
  requested: 'spectral',
  precision: null,
  overlap: null,
  weights: [],
  stems: ['vocals'],
  passes: [['vocals']],
  chord_stems: [],
  stride_frames: 2,
  segments: 2,
  part_segments: 1,
  run: '0123456789abcdef',
};
let storage: TestStorage;
beforeAll(async () => {
  storage = await newStorage();
});

const stem = (run = PLAN.run) => new StagedStem(storage.container, 'song', 'vocals', run);
const vocals = () => storage.container.getBlobClient('song/stems/vocals.wav');

describe('a staged stem', () => {
  it('is unseen until it is committed, resumes where it was left, and commits once and again', async () => {
    expect(await stem().stagedSegments()).toEqual(new Set());
    await stem('fedcba9876543210').stage(0, Int16Array.of(9, 9, 9, 9));
    await stem().stage(1, Int16Array.of(5, 6));
    expect(await stem().stagedSegments()).toEqual(new Set([1]));
    expect(await vocals().exists()).toBe(false);

    await stem().stage(0, Int16Array.of(1, 2, 3, 4));
    const first = await stem().commit(PLAN, 3);
    const again = await stem().commit(PLAN, 3);
    expect(again).toEqual(first);
    expect(first.blob_url).toBe(vocals().url);

    const bytes = await vocals().downloadToBuffer();
    expect(bytes.length).toBe(first.file_size_bytes);
    expect([...new Int16Array(bytes.buffer, bytes.byteOffset + 44, 6)]).toEqual([1, 2, 3, 4, 5, 6]);
    expect((await vocals().getProperties()).contentType).toBe('audio/wav');
  });
});

describe('the container', () => {
  it('reads exactly the version that was asked for', async () => {
    const blob = storage.container.getBlockBlobClient('song/song.mp3');
    const { etag } = await blob.uploadData(Buffer.from('one'));
    await blob.uploadData(Buffer.from('two'));
    const source = { blob_name: 'song/song.mp3', etag: etag!, size_bytes: 3 };
    await expect(readBlob(storage.container, source).next()).rejects.toMatchObject({ code: 'blob_changed' });
  });

  it('gives nothing for a document that is not there', async () => {
    expect(await readJson(storage.container, 'none.json')).toBeUndefined();
    await writeJson(storage.container, 'some.json', { a: 1 });
    expect(await readJson(storage.container, 'some.json')).toEqual({ a: 1 });
  });
});
