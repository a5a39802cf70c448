import type { BlobGetPropertiesResponse, ContainerClient } from '@azure/storage-blob';
import type { FileProof } from '../contracts.ts';
import { jsonBytes } from '../storage/container.ts';
import { jamsBlob } from '../storage/names.ts';
import { storageCall } from '../storage/requests.ts';
import { sha256 } from './checksum.ts';

/** Writes the annotation in the place of what stands there, unless that is the same. */
export async function writeAnnotation(
  container: ContainerClient,
  audioFileId: string,
  jams: unknown,
  standing: BlobGetPropertiesResponse | undefined,
): Promise<FileProof> {
  const body = jsonBytes(jams);
  const proof = { file_size_bytes: body.length, sha256: sha256(body) };
  // The blob says what it holds, so that a second try need not read it.
  if (standing?.metadata?.sha256 === proof.sha256 && standing.contentLength === body.length)
    return { ...proof, etag: standing.etag ?? '' };
  const name = jamsBlob(audioFileId);
  const described = {
    blobHTTPHeaders: { blobContentType: 'application/json' },
    metadata: { sha256: proof.sha256 },
    conditions: standing ? { ifMatch: standing.etag } : { ifNoneMatch: '*' },
  };
  const { etag } = await storageCall(name, (options) =>
    container.getBlockBlobClient(name).uploadData(body, { ...options, ...described }),
  );
  return { ...proof, etag: etag ?? '' };
}
