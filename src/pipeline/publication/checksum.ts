import { createHash } from 'node:crypto';
import type { ContainerClient } from '@azure/storage-blob';
import { readBlob } from '../storage/container.ts';

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/**
 * SHA-256 of a blob in the version `etag`, in hex. It is read once, in pieces.
 *
 * @throws a conflict where that version is gone.
 */
export async function sha256OfBlob(
  container: ContainerClient,
  blob: { readonly name: string; readonly etag: string; readonly bytes: number },
  signal?: AbortSignal,
): Promise<string> {
  const hash = createHash('sha256');
  const version = { blob_name: blob.name, etag: blob.etag, size_bytes: blob.bytes };
  for await (const piece of readBlob(container, version)) {
    signal?.throwIfAborted();
    hash.update(piece);
  }
  return hash.digest('hex');
}
