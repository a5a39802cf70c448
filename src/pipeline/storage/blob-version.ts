import { createHash } from 'node:crypto';
import type { BlobGetPropertiesResponse, ContainerClient } from '@azure/storage-blob';
import type { BlobVersion } from '../contracts.ts';
import { WorkerError } from '../errors.ts';
import { propertiesOf, readBlob } from './container.ts';

/** How often a blob is read from its start because somebody touched it meanwhile. */
const MAX_READS = 5;

/** A version of which all is known that the storage tells. */
export type ToldVersion = BlobVersion &
  Required<Pick<BlobVersion, 'etag' | 'size_bytes'>> & { readonly content_encoding?: string };

/** What a blob's properties tell of its version. */
export function toldVersion(blob_name: string, properties: BlobGetPropertiesResponse): ToldVersion {
  const { etag = '', contentLength = 0, contentMD5, contentEncoding: content_encoding } = properties;
  const content_md5 = contentMD5 && Buffer.from(contentMD5).toString('base64');
  return {
    blob_name,
    etag,
    size_bytes: contentLength,
    ...(content_md5 && { content_md5 }),
    ...(content_encoding && { content_encoding }),
  };
}

/** The version that a blob has now. @throws WorkerError `blob_not_found` */
export async function currentVersion(container: ContainerClient, blobName: string): Promise<ToldVersion> {
  return toldVersion(blobName, await propertiesOf(container, blobName));
}

/** Whether two versions of a blob have the same content; undefined where that takes reading them. */
export function haveSameContent(a: BlobVersion, b: BlobVersion): boolean | undefined {
  if (a.etag !== undefined && a.etag === b.etag) return true;
  if (a.size_bytes !== undefined && b.size_bytes !== undefined && a.size_bytes !== b.size_bytes) return false;
  if (a.sha256 && b.sha256) return a.sha256 === b.sha256;
  if (a.content_md5 && b.content_md5) return a.content_md5 === b.content_md5;
  return undefined;
}

/**
 * Whether the blob as it is now, `current`, has the content of a version known from before. It is read where nothing else
 * tells; of a version that nobody has read, an equal length has to do.
 */
export async function hasContentOf(
  container: ContainerClient,
  known: BlobVersion,
  current: ToldVersion,
): Promise<boolean> {
  const told = haveSameContent(known, current);
  if (told !== undefined) return told;
  if (!known.sha256) return known.size_bytes !== undefined;
  return (await contentHash(container, current)) === known.sha256;
}

/** SHA-256 of a version's content, hexadecimal. @throws WorkerError `blob_changed` where that is gone. */
export async function contentHash(container: ContainerClient, version: ToldVersion): Promise<string> {
  return await readContent(container, version, async (pieces) => {
    const hash = createHash('sha256');
    for await (const piece of pieces) hash.update(piece);
    return hash.digest('hex');
  });
}

/**
 * Has `read` read a version's content, piece by piece. Where somebody touches the blob meanwhile, and it has the same
 * length and MD5 as before, all is read again from the start: pieces of two versions never come together. Whoever knows
 * the content's SHA-256 compares.
 *
 * @throws WorkerError `blob_changed` where another content is there, or the blob doesn't come to rest.
 */
export async function readContent<T>(
  container: ContainerClient,
  version: ToldVersion,
  read: (pieces: AsyncGenerator<Buffer>) => Promise<T>,
): Promise<T> {
  let { etag } = version;
  for (let reads = 1; ; reads++) {
    try {
      return await read(readBlob(container, { ...version, etag }));
    } catch (error) {
      if (!(error instanceof WorkerError) || error.code !== 'blob_changed' || reads === MAX_READS)
        throw error;
      const now = await currentVersion(container, version.blob_name);
      if (now.size_bytes !== version.size_bytes || haveSameContent(version, now) === false) throw error;
      etag = now.etag;
    }
  }
}
