import { beforeAll, expect, it } from 'vitest';
import { MonoCopy } from '../../../src/pipeline/storage/mono-copy.ts';
import { newStorage, type TestStorage } from '../../support/storage.ts';

let storage: TestStorage;
beforeAll(async () => {
  storage = await newStorage();
});

const copy = (run: string) => new MonoCopy(storage.container, 'song', 'bass', run);

async function samples(run: string): Promise<number[]> {
  const pieces = [];
  for await (const piece of copy(run).read({ segments: 2 })) pieces.push(piece);
  const bytes = Buffer.concat(pieces);
  return Array.from({ length: bytes.length / 2 }, (_, i) => bytes.readInt16LE(2 * i));
}

it('a mono copy holds the mean of both channels, is read again and again, and counts as staged after that', async () => {
  await copy('0123456789abcdef').stage(0, Int16Array.of(9, 9));
  await copy('fedcba9876543210').stage(1, Int16Array.of(-32_768, -32_768));
  await expect(samples('fedcba9876543210')).rejects.toMatchObject({ code: 'work_lost' });
  expect(await copy('fedcba9876543210').stagedSegments()).toEqual(new Set([1]));

  await copy('fedcba9876543210').stage(0, Int16Array.of(1, 3, 32_767, 32_767));
  expect(await samples('fedcba9876543210')).toEqual([2, 32_767, -32_768]);
  expect(await samples('fedcba9876543210')).toEqual([2, 32_767, -32_768]);
  expect(await copy('fedcba9876543210').stagedSegments()).toEqual(new Set([0, 1]));

  await copy('fedcba9876543210').stage(0, Int16Array.of(1, 3, 32_767, 32_767));
  expect(await samples('fedcba9876543210')).toEqual([2, 32_767, -32_768]);
});
