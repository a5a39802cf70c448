import type { ContainerClient } from '@azure/storage-blob';
import { allSettled } from '../all-settled.ts';
import { faultPoint } from '../fault-point.ts';
import { findBlob, removeBlob, writeJson } from '../storage/container.ts';
import { resultBlob } from '../storage/names.ts';
import { withEtags } from './document.ts';
import type { PublicationRecord, SecuredFile } from './record.ts';
import { restore } from './snapshots.ts';

/**
 * Puts an earlier result back: first its files, then the document itself with their new ETags. What only the new result
 * would have had is removed.
 */
export async function rollBack(
  container: ContainerClient,
  audioFileId: string,
  { result, files }: PublicationRecord,
): Promise<void> {
  await removeBlob(container, resultBlob(audioFileId));
  const etags = new Map(
    await allSettled(files.map(async (file) => [file.name, await putBack(container, file)] as const)),
  );
  faultPoint('cleanup', 'restored');
  if (!result) return;
  await writeJson(
    container,
    resultBlob(audioFileId),
    withEtags(result, ({ name }) => etags.get(name)),
  );
  faultPoint('cleanup', 'reinstated');
}

/** Returns the file's ETag. One that was not replaced stays as it is, with what a run has staged for it. */
async function putBack(container: ContainerClient, file: SecuredFile): Promise<string | undefined> {
  const { name, etag, snapshot } = file;
  const standing = await findBlob(container, name);
  if (snapshot && standing?.etag !== etag) return await restore(container, { ...file, snapshot });
  if (!snapshot && standing) await removeBlob(container, name);
  return etag;
}
