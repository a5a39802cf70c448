import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ResultDocument } from '../../../src/pipeline/contracts.ts';
import { publishedResult } from '../../../src/pipeline/publication/published-result.ts';
import { cleanup } from '../../../src/pipeline/stages/cleanup.ts';
import { upload } from '../../../src/pipeline/stages/upload.ts';
import { readJson, writeJson } from '../../../src/pipeline/storage/container.ts';
import { contentOf, folderOf, stageRun, uploadOf, wholeResult } from '../../support/publication.ts';
import { A, B, C, type Publishing, SHA_A, SHA_B, startPublishing } from '../../support/publishing.ts';

let at: Publishing;
beforeAll(async () => {
  vi.stubEnv('STORAGE_TRIES', '1');
  at = await startPublishing();
  await at.publish('only-a', A);
  await at.publish('only-b', B);
});
afterEach(() => {
  at.watched.before = undefined;
  at.watched.start();
});
afterAll(async () => {
  vi.unstubAllEnvs();
  at.stop();
});

const blobOf = (name: string) => at.storage.container.getBlockBlobClient(name);
const whole = (id: string) => wholeResult(at.storage.container, id);

/** The folder of a song holds what that of an undisturbed one does, and nothing else. */
async function expectContent(id: string, like: 'only-a' | 'only-b'): Promise<void> {
  const folder = await folderOf(at.storage.container, id);
  expect(folder.leftovers).toEqual([]);
  expect(contentOf(folder, id)).toEqual(contentOf(await folderOf(at.storage.container, like), like));
  const sha256 = await wholeResult(at.storage.container, id, { isEnded: true });
  expect(sha256).toBe(like === 'only-a' ? SHA_A : SHA_B);
}

/** A finished run A, and a run B that is to replace it. */
async function secondRun(id: string) {
  await at.publish(id, A);
  const input = await at.stage(id, B);
  const giveUp = () => cleanup({ audio_file_id: id, discard: input.plan }, at.context);
  return { input, giveUp };
}

describe('a result', () => {
  it('proves its files by length, ETag and the checksum that sha256sum gives', async () => {
    const result = await readJson<ResultDocument>(at.storage.container, 'only-b/analysis/result.json');
    expect(result?.stems.map(({ stem_type }) => stem_type)).toEqual(B.stems);
    for (const { stem_type, blob_url, file_size_bytes, etag, sha256 } of result!.stems) {
      const blob = blobOf(`only-b/stems/${stem_type}.wav`);
      const bytes = await blob.downloadToBuffer();
      expect(blob_url).toBe(blob.url);
      expect({ file_size_bytes, etag, sha256 }).toEqual({
        file_size_bytes: bytes.length,
        etag: (await blob.getProperties()).etag,
        sha256: createHash('sha256').update(bytes).digest('hex'),
      });
    }
    const jams = blobOf('only-b/analysis/annotation.jams');
    const bytes = await jams.downloadToBuffer();
    expect(result?.jams).toEqual({
      file_size_bytes: bytes.length,
      etag: (await jams.getProperties()).etag,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    });
  });

  it('is published once: the same upload again changes nothing', async () => {
    const input = await at.stage('once', A);
    await upload(input, at.mortal);
    const result = () => blobOf('once/analysis/result.json').getProperties();
    const { etag } = await result();
    at.watched.start();
    await upload(input, at.mortal);
    expect(at.watched.writes).toEqual([]);
    expect((await result()).etag).toBe(etag);
  });

  it('is gone for three requests one after the other while it is replaced: the removal, the files, the result', async () => {
    const { input } = await secondRun('window');
    at.watched.start();
    await upload(input, at.mortal);
    const writes = at.watched.writes.map((write) => write.split('/window/').at(-1)?.split('?')[0]);
    const removed = writes.indexOf('analysis/result.json');
    expect(writes.slice(removed + 1, removed + 5).toSorted()).toEqual([
      'analysis/annotation.jams',
      'analysis/result.json',
      'stems/no_vocals.wav',
      'stems/vocals.wav',
    ]);
    expect(writes[removed + 4]).toBe('analysis/result.json');
  });
});

describe('an upload that replaces a result', { timeout: 30_000 }, () => {
  it('replaces nothing where a segment is missing', async () => {
    await at.publish('lost', A);
    const input = uploadOf('lost', B);
    await stageRun(at.storage.container, input, { omit: 'no_vocals' });
    const etags = async () =>
      (await readJson<ResultDocument>(at.storage.container, 'lost/analysis/result.json'))?.stems;
    const before = await etags();
    await expect(upload(input, at.context)).rejects.toMatchObject({
      code: 'work_lost',
      message: expect.stringContaining('no_vocals'),
    });
    expect(await etags()).toEqual(before);
    expect(await whole('lost')).toBe(SHA_A);
    await cleanup({ audio_file_id: 'lost', discard: input.plan }, at.context);
    await expectContent('lost', 'only-a');
  });

  it.each(['stems/vocals.wav', 'stems/drums.wav', 'analysis/annotation.jams', 'analysis/result.json'])(
    'replaces nothing where somebody holds a lease on %s, and goes through once that has ended',
    async (name) => {
      const id = `leased-${name.replaceAll(/\W/g, '-')}`;
      const { input } = await secondRun(id);
      const lease = blobOf(`${id}/${name}`).getBlobLeaseClient();
      await lease.acquireLease(-1);
      await expect(upload(input, at.context)).rejects.toMatchObject({
        code: 'blob_leased',
        message: expect.stringContaining(`${id}/${name}`),
      });
      expect(await whole(id)).toBe(SHA_A);
      await lease.releaseLease();
      await upload(input, at.context);
      await cleanup({ audio_file_id: id }, at.context);
      await expectContent(id, 'only-b');
    },
  );

  it('leaves the earlier one whole where somebody takes a lease on a stem in the midst of it', async () => {
    const { input, giveUp } = await secondRun('leased-midway');
    const lease = blobOf('leased-midway/stems/vocals.wav').getBlobLeaseClient();
    at.watched.before = async (write) => {
      if (/DELETE .*result\.json/.test(write)) await lease.acquireLease(-1);
    };
    await expect(upload(input, at.mortal)).rejects.toMatchObject({ code: 'blob_leased' });
    expect(await whole('leased-midway')).toBe('none');
    await cleanup({ audio_file_id: 'leased-midway', settleOnly: true }, at.context);
    expect(await whole('leased-midway')).toBe(SHA_A);
    await lease.releaseLease();
    await giveUp();
    await expectContent('leased-midway', 'only-a');
  });

  it('leaves the earlier one whole where the storage refuses a file for good after others were replaced', async () => {
    const { input, giveUp } = await secondRun('refused');
    at.watched.before = async (write) => {
      if (/no_vocals.*comp=blocklist/.test(write)) throw new Error('refused');
      // Still on its way when that has failed, and not to come after the putting back.
      if (/vocals.*comp=blocklist/.test(write)) await pause(300);
    };
    await expect(upload(input, at.mortal)).rejects.toMatchObject({ code: 'storage_unavailable' });
    expect(await whole('refused')).toBe('none');
    await cleanup({ audio_file_id: 'refused', settleOnly: true }, at.context);
    await pause(600);
    expect(await whole('refused')).toBe(SHA_A);
    await giveUp();
    await expectContent('refused', 'only-a');
  });

  it('leaves the earlier one whole, ETags and all, where it is called off before it begins', async () => {
    const { input, giveUp } = await secondRun('canceled');
    const signal = AbortSignal.abort(new Error('called off'));
    await expect(upload(input, { ...at.context, signal })).rejects.toThrow('called off');
    expect(await whole('canceled')).toBe(SHA_A);
    await giveUp();
    await expectContent('canceled', 'only-a');
  });

  it('ends in the same bytes where two processes do it at once', async () => {
    for (let n = 1; n <= 6; n++) {
      const id = `both-${n}`;
      const { input } = await secondRun(id);
      const later = async () => {
        await pause(n * 7);
        await upload(input, at.context);
      };
      await Promise.all([upload(input, at.context), later()]);
      expect(await publishedResult(at.storage.container, id)).toMatchObject({ source: { sha256: SHA_B } });
      await cleanup({ audio_file_id: id }, at.context);
      await expectContent(id, 'only-b');
    }
  });

  it('goes through where somebody sets metadata on a stem in the midst of it', async () => {
    const { input } = await secondRun('noted');
    const noted: string[] = [];
    at.watched.before = async (write) => {
      if (noted.length === 3 || !/publication\.json|result\.json/.test(write)) return;
      noted.push(write);
      await blobOf('noted/stems/vocals.wav').setMetadata({ note: `${noted.length}` });
    };
    await upload(input, at.mortal);
    expect(noted).toHaveLength(3);
    await cleanup({ audio_file_id: 'noted' }, at.context);
    await expectContent('noted', 'only-b');
  });

  it('takes over what an earlier upload has left that nobody ended', async () => {
    const { input } = await secondRun('left');
    at.watched.before = async (write) => {
      if (/no_vocals.*comp=blocklist/.test(write)) throw new Error('the end');
    };
    await expect(upload(input, at.mortal)).rejects.toThrow();
    await at.publish('only-c', C);
    await upload(await at.stage('left', C), at.context);
    await cleanup({ audio_file_id: 'left' }, at.context);
    const [left, undisturbed] = await Promise.all([
      folderOf(at.storage.container, 'left'),
      folderOf(at.storage.container, 'only-c'),
    ]);
    // What the one before has staged in a place of its own is nobody's any more; the storage drops it, some at once.
    expect(left.leftovers.filter((name) => name !== 'stems/no_vocals.wav (staged)')).toEqual([]);
    expect(contentOf(left, 'left')).toEqual(contentOf(undisturbed, 'only-c'));
  });

  it('puts back what stood there without a proof, and blobs that were written in one piece', async () => {
    const { container } = at.storage;
    const old: Record<string, string> = { 'stems/vocals.wav': 'old vocals', 'stems/drums.wav': 'old drums' };
    for (const [name, text] of Object.entries(old))
      await blobOf(`old/${name}`).upload(text, text.length, { metadata: { note: 'mine' } });
    const result = await readJson<ResultDocument>(container, 'only-a/analysis/result.json');
    const { jams: _, ...unproven } = result!;
    const stems = Object.keys(old).map((name) => ({
      stem_type: name.slice(6, -4),
      blob_url: blobOf(`old/${name}`).url,
      file_size_bytes: old[name].length,
    }));
    await writeJson(container, 'old/analysis/annotation.jams', { old: true });
    await writeJson(container, 'old/analysis/result.json', { ...unproven, audio_file_id: 'old', stems });
    const before = await folderOf(container, 'old');
    expect(await publishedResult(container, 'old')).toMatchObject({ stems });

    const input = await at.stage('old', B);
    at.watched.before = async (write) => {
      if (/PUT .*result\.json/.test(write)) throw new Error('the end');
    };
    await expect(upload(input, at.mortal)).rejects.toThrow();
    expect(String((await folderOf(container, 'old')).blobs['stems/vocals.wav'])).not.toBe('old vocals');
    await cleanup({ audio_file_id: 'old' }, at.context);
    const after = await folderOf(container, 'old');
    expect(after.blobs).toEqual(before.blobs);
    expect((await blobOf('old/stems/vocals.wav').getProperties()).metadata).toEqual({ note: 'mine' });
    expect(await publishedResult(container, 'old')).toMatchObject({ stems });
  });

  it('leaves snapshots of others alone', async () => {
    const { input } = await secondRun('others');
    const { snapshot } = await blobOf('others/stems/vocals.wav').createSnapshot();
    await upload(input, at.context);
    await cleanup({ audio_file_id: 'others' }, at.context);
    expect((await folderOf(at.storage.container, 'others')).leftovers).toEqual([
      'stems/vocals.wav (snapshot)',
    ]);
    expect(await blobOf('others/stems/vocals.wav').withSnapshot(snapshot!).exists()).toBe(true);
  });
});

describe('cleanup of what was staged', () => {
  it('leaves a blob as it is that was written in one piece', async () => {
    await blobOf('piece/stems/vocals.wav').upload('one piece', 9);
    const input = await at.stage('piece', B);
    await cleanup({ audio_file_id: 'piece', discard: input.plan }, at.context);
    expect(String(await blobOf('piece/stems/vocals.wav').downloadToBuffer())).toBe('one piece');
  });
});
