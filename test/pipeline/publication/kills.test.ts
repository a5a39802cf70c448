import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { publishedResult } from '../../../src/pipeline/publication/published-result.ts';
import { cleanup } from '../../../src/pipeline/stages/cleanup.ts';
import { upload } from '../../../src/pipeline/stages/upload.ts';
import { contentOf, folderOf, wholeResult } from '../../support/publication.ts';
import { A, B, C, type Publishing, SHA_A, SHA_B, startPublishing } from '../../support/publishing.ts';

let at: Publishing;
beforeAll(async () => {
  vi.stubEnv('STORAGE_TRIES', '1'); // What is dead does not try again.
  at = await startPublishing();
  await at.publish('only-a', A);
  await at.publish('only-b', B);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  at.stop();
});

/** The writing of a result: when its checksums are missing, the most that there can be to put back. */
const RESULT = /PUT .*result\.json/;

/** Does the work of a process that dies with its n-th write, or one like `last`. Returns whether it came to its end. */
async function untilDeath(last: number | RegExp, work: () => Promise<unknown>): Promise<boolean> {
  at.watched.start(last);
  await work().catch(() => {});
  const { writes } = at.watched;
  const ended = typeof last === 'number' ? writes.length < last : !writes.some((write) => last.test(write));
  at.watched.start();
  return ended;
}

async function expectContent(id: string, like: 'only-a' | 'only-b'): Promise<void> {
  const folder = await folderOf(at.storage.container, id);
  expect(folder.leftovers, id).toEqual([]);
  await wholeResult(at.storage.container, id, { isEnded: true });
  expect(contentOf(folder, id), id).toEqual(contentOf(await folderOf(at.storage.container, like), like));
}

/** What readers find: raw blobs, and the status. Returns the song of it. */
async function readers(id: string): Promise<string> {
  const raw = await wholeResult(at.storage.container, id);
  const shown = await publishedResult(at.storage.container, id);
  expect(shown?.source.sha256 ?? 'none', id).toBe(raw);
  return raw;
}

/** `npm run test:chaos` leaves out no point where a run is given up as well. */
const STEP = process.env.CHAOS === 'full' ? 1 : 3;

/** Calls `check` for one point of death after the other, until the work ends before it comes to the point. */
async function atEveryWrite(check: (writes: number) => Promise<boolean>, step = STEP): Promise<number> {
  let writes = 1;
  while (!(await check(writes))) writes += step;
  return writes - 1;
}

describe('an upload that replaces a result and is killed at any of its writes', { timeout: 120_000 }, () => {
  it('leaves one whole result or none, and when it is run again the new one, as if nothing had happened', async () => {
    const seen: string[] = [];
    const points = await atEveryWrite(async (writes) => {
      const id = `resumed-${writes}`;
      await at.publish(id, A);
      const input = await at.stage(id, B);
      const ended = await untilDeath(writes, () => upload(input, at.mortal));
      seen.push(await readers(id));
      await upload(input, at.context);
      await cleanup({ audio_file_id: id }, at.context);
      expect(await readers(id)).toBe(SHA_B);
      await expectContent(id, 'only-b');
      return ended;
    }, 1);
    // Headers, snapshots, record, removal, files, result, checksums, what was left, snapshots, record.
    expect(points).toBeGreaterThan(15);
    // The earlier one, then none, then the new one: never anything else, and never back.
    const order = [SHA_A, 'none', SHA_B];
    expect(seen).toEqual(seen.toSorted((a, b) => order.indexOf(a) - order.indexOf(b)));
    expect(new Set(seen)).toEqual(new Set(order));
  });

  it('leaves the earlier result whole where the run is then given up, unless the new one was complete', async () => {
    const seen: string[] = [];
    await atEveryWrite(async (writes) => {
      const id = `given-up-${writes}`;
      await at.publish(id, A);
      const input = await at.stage(id, B);
      const ended = await untilDeath(writes, () => upload(input, at.mortal));
      await cleanup({ audio_file_id: id, discard: input.plan }, at.context);
      const whole = await readers(id);
      await expectContent(id, whole === SHA_A ? 'only-a' : 'only-b');
      seen.push(whole);
      return ended;
    });
    const order = [SHA_A, SHA_B];
    expect(seen).toEqual(seen.toSorted((a, b) => order.indexOf(a) - order.indexOf(b)));
    expect(new Set(seen)).toEqual(new Set(order));
  });

  it.each([
    ['put back again', false],
    ['another run comes upon it, and is killed and given up as well', true],
  ])(
    'leaves the earlier result whole where the putting back is killed at any of its writes too, and then %s',
    async (_, another) => {
      const points = await atEveryWrite(async (writes) => {
        const id = `put-back-${another}-${writes}`;
        await at.publish(id, A);
        const input = await at.stage(id, B);
        const giveUp = (context = at.context) => cleanup({ audio_file_id: id, discard: input.plan }, context);
        expect(await untilDeath(RESULT, () => upload(input, at.mortal))).toBe(false);
        const ended = await untilDeath(writes, () => giveUp(at.mortal));
        expect(await readers(id)).not.toBe(SHA_B);
        if (another) {
          const third = await at.stage(id, C);
          expect(await untilDeath(RESULT, () => upload(third, at.mortal))).toBe(false);
          await cleanup({ audio_file_id: id, discard: third.plan }, at.context);
        }
        await giveUp();
        expect(await readers(id)).toBe(SHA_A);
        await expectContent(id, 'only-a');
        return ended;
      }, STEP);
      expect(points).toBeGreaterThan(8);
    },
  );

  it('leaves nothing of a first result where that is given up', async () => {
    await atEveryWrite(async (writes) => {
      const id = `first-${writes}`;
      const input = await at.stage(id, B);
      const ended = await untilDeath(writes, () => upload(input, at.mortal));
      await cleanup({ audio_file_id: id, discard: input.plan }, at.context);
      const whole = await readers(id);
      const { blobs, leftovers } = await folderOf(at.storage.container, id);
      expect(leftovers).toEqual([]);
      if (whole === 'none') expect(Object.keys(blobs)).toEqual([]);
      else await expectContent(id, 'only-b');
      return ended;
    });
  });
});
