import { createHash } from 'node:crypto';
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readBlob, readJson, writeJson } from '../../../src/pipeline/storage/container.ts';
import { newStorage, type TestStorage } from '../../support/storage.ts';
import { FAULTS, type Fault, type FaultyStorage, startFaultyStorage } from '../../support/storage-proxy.ts';

const TRY_SECONDS = 0.4;
const SONG = Buffer.alloc(5_000_000, 'a song in two pieces');

let storage: TestStorage;

beforeAll(async () => {
  vi.stubEnv('STORAGE_TRY_TIMEOUT_SECONDS', `${TRY_SECONDS}`);
  vi.stubEnv('STORAGE_RETRY_SECONDS', '0.02');
  vi.stubEnv('STORAGE_TRIES', '10'); // A busy machine may take all the time of a try.
  storage = await newStorage();
  await storage.container.getBlockBlobClient('song').uploadData(SONG);
});
afterAll(() => {
  vi.unstubAllEnvs();
});

/** The container through a storage that does such things with so many of the requests. */
class Behind implements Disposable {
  readonly proxy: FaultyStorage;
  readonly container: ContainerClient;

  private constructor(proxy: FaultyStorage, connection: string) {
    this.proxy = proxy;
    this.container = BlobServiceClient.fromConnectionString(connection, {
      retryOptions: { maxTries: 1 },
    }).getContainerClient('audio-files');
  }

  static async faults(
    kinds: readonly Fault[],
    rate: number,
    connection = storage.connectionString,
  ): Promise<Behind> {
    const port = new URL(storage.container.url).port;
    const proxy = await startFaultyStorage(Number(port), { seed: 1, kinds });
    proxy.rate = rate;
    return new Behind(proxy, connection.replaceAll(port, `${proxy.port}`));
  }

  [Symbol.dispose](): void {
    this.proxy.stop();
  }
}

async function hashOfSong(container: ContainerClient): Promise<string> {
  const { etag } = await storage.container.getBlobClient('song').getProperties();
  const hash = createHash('sha256');
  for await (const piece of readBlob(container, { blob_name: 'song', etag: etag!, size_bytes: SONG.length }))
    hash.update(piece);
  return hash.digest('hex');
}

describe('a request to the storage', () => {
  it.concurrent.each(FAULTS)(
    'is tried again where the answer is %s, and gets it in the end',
    async (fault) => {
      using behind = await Behind.faults([fault], 0.3);
      const { container, proxy } = behind;
      for (let i = 0; i < 2; i++) {
        await writeJson(container, `${fault}-${i}`, { i });
        expect(await readJson(container, `${fault}-${i}`)).toEqual({ i });
      }
      expect(await hashOfSong(container)).toBe(createHash('sha256').update(SONG).digest('hex'));
      expect(proxy.faults.length).toBeGreaterThan(0);
    },
  );

  it.each([
    ['unavailable', /each of the 2 tries that STORAGE_TRIES allows: status 503 \(ServerBusy\)/],
    ['stalled', /2 tries .*: no answer within the 0\.4 s that STORAGE_TRY_TIMEOUT_SECONDS allows/],
    ['half-stalled', /2 tries .*: no answer within the 0\.4 s/],
    ['reset', /2 tries/],
  ] as const)('ends where it is always %s, and says what was tried', async (fault, message) => {
    vi.stubEnv('STORAGE_TRIES', '2');
    using behind = await Behind.faults([fault], 1);
    const started = performance.now();
    await expect(readJson(behind.container, 'song')).rejects.toMatchObject({
      code: 'storage_unavailable',
      retryable: true,
      message: expect.stringMatching(message),
    });
    expect(behind.proxy.faults).toHaveLength(2);
    expect(performance.now() - started).toBeLessThan(3000);
  });

  it('that is refused is not asked again', async () => {
    const wrongKey = storage.connectionString.replace(/AccountKey=[^;]+/, `AccountKey=${btoa('wrong')}`);
    using behind = await Behind.faults([], 0, wrongKey);
    await expect(readJson(behind.container, 'song')).rejects.toMatchObject({
      code: 'storage_unavailable',
      message: expect.stringMatching(/answered status 403/),
    });
  });
});
