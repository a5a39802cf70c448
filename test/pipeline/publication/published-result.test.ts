import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publishedResult } from '../../../src/pipeline/publication/published-result.ts';
import { upload } from '../../../src/pipeline/stages/upload.ts';
import { A, B, type Publishing, SHA_A, SHA_B, startPublishing } from '../../support/publishing.ts';
import { countRequests } from '../../support/storage-proxy.ts';

let at: Publishing;
beforeAll(async () => {
  at = await startPublishing();
});
afterAll(() => at.stop());

const blobOf = (name: string) => at.storage.container.getBlockBlobClient(name);
const shown = (id: string) => publishedResult(at.storage.container, id);

describe('a published result', () => {
  it('is shown after a look at each file and no reading of any', async () => {
    await at.publish('whole', A);
    const counted = await countRequests(at.storage.container, 'r');
    expect((await publishedResult(counted.container, 'whole'))?.source.sha256).toBe(SHA_A);
    counted.stop();
    expect(counted.requests.filter((request) => request.startsWith('GET'))).toEqual([
      'GET whole/analysis/result.json',
    ]);
    expect(counted.requests).toHaveLength(1 + A.stems.length + 1 + 1);
  });

  it('is shown where somebody has set metadata: the file is read once for each version', async () => {
    await at.publish('noted', A);
    await blobOf('noted/stems/drums.wav').setMetadata({ note: 'heard' });
    await blobOf('noted/analysis/annotation.jams').setMetadata({ note: 'read' });
    const counted = await countRequests(at.storage.container, 'r');
    for (let n = 0; n < 3; n++) expect(await publishedResult(counted.container, 'noted')).toBeDefined();
    counted.stop();
    expect(counted.requests.filter((request) => /GET .*(wav|jams)/.test(request)).toSorted()).toEqual([
      'GET noted/analysis/annotation.jams',
      'GET noted/stems/drums.wav',
    ]);
  });

  it.each([
    ['stems/vocals.wav', 'replaced by another of the same length', (bytes: Buffer) => bytes.fill(7, 50)],
    ['stems/vocals.wav', 'replaced by a shorter one', (bytes: Buffer) => bytes.subarray(0, 100)],
    ['analysis/annotation.jams', 'replaced by another of the same length', (bytes: Buffer) => bytes.fill(7)],
    ['stems/bass.wav', 'removed', undefined],
  ])('is a problem that names %s where that was %s', async (name, how, change) => {
    const id = `changed-${how}-${name}`.replaceAll(/\W/g, '-');
    await at.publish(id, A);
    const blob = blobOf(`${id}/${name}`);
    const bytes = await blob.downloadToBuffer();
    if (change) await blob.uploadData(change(bytes));
    else await blob.delete();
    await expect(shown(id)).rejects.toMatchObject({
      code: 'result_changed',
      message: expect.stringMatching(`'${id}/${name}' was ${how.split(' ')[0]}`),
    });
    if (!change) return;
    // As it was: whole again, though the blob is another.
    await blob.uploadData(await blobOf(`whole/${name}`).downloadToBuffer());
    expect((await shown(id))?.source.sha256).toBe(SHA_A);
  });

  it('is never a mixture, however often it is asked for while it is replaced', async () => {
    for (let n = 1; n <= 3; n++) {
      const id = `polled-${n}`;
      await at.publish(id, A);
      const input = await at.stage(id, B);
      const seen: string[] = [];
      let isOver = false;
      const poll = async () => {
        while (!isOver) seen.push((await shown(id))?.source.sha256 ?? 'none');
      };
      const polls = [poll(), poll(), poll()];
      await upload(input, at.context);
      isOver = true;
      await Promise.all(polls);
      expect(seen[0]).toBe(SHA_A);
      expect((await shown(id))?.source.sha256).toBe(SHA_B);
      expect(seen.every((sha256) => [SHA_A, SHA_B, 'none'].includes(sha256))).toBe(true);
    }
  });
});
