import type { ContainerClient } from '@azure/storage-blob';
import { findBlob } from '../storage/container.ts';
import { isConflict } from '../storage/requests.ts';
import { sha256OfBlob } from './checksum.ts';
import type { NamedFile } from './document.ts';

/** Files whose checksums are remembered. */
const MAX_CHECKSUMS = 1000;

/** By container, name and ETag. */
const checksums = new Map<string, Promise<string>>();

/** A file as it is now. */
export interface Look {
  /** What has happened to it since it was published, if that is not the file any more. */
  readonly change?: 'replaced' | 'removed';
  /** The ETag that the published content has now. */
  readonly etag?: string;
}

/** Looks whether a file is the one that a result names. Other metadata give it another ETag, and leave it what it is. */
export async function lookAt(container: ContainerClient, { name, proof }: NamedFile): Promise<Look> {
  const blob = await findBlob(container, name);
  if (!blob) return { change: 'removed' };
  const { etag = '', contentLength: bytes = 0 } = blob;
  if (proof.etag === etag) return { etag };
  if (proof.file_size_bytes !== undefined && proof.file_size_bytes !== bytes) return { change: 'replaced' };
  if (proof.etag === undefined) return {}; // Published before there were proofs.
  if (proof.sha256 === undefined) return { change: 'replaced' };
  try {
    const checksum = await checksumOf(container, { name, etag, bytes });
    return checksum === proof.sha256 ? { etag } : { change: 'replaced' };
  } catch (error) {
    if (isConflict(error)) return await lookAt(container, { name, proof }); // Changed again while it was read.
    throw error;
  }
}

function checksumOf(
  container: ContainerClient,
  blob: { name: string; etag: string; bytes: number },
): Promise<string> {
  const key = `${container.url}/${blob.name} ${blob.etag}`;
  let checksum = checksums.get(key);
  if (!checksum) {
    checksum = sha256OfBlob(container, blob);
    checksum.catch(() => checksums.delete(key));
    checksums.set(key, checksum);
    const [oldest] = checksums.keys();
    if (checksums.size > MAX_CHECKSUMS) checksums.delete(oldest);
  }
  return checksum;
}
