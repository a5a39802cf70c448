import type { ContainerClient } from '@azure/storage-blob';
import type { ResultDocument } from '../contracts.ts';
import { readVersion, writeJson } from '../storage/container.ts';
import { resultBlob } from '../storage/names.ts';
import type { EtagChange } from '../storage/staged-blob.ts';
import { withEtags } from './document.ts';

/** Has a result name the new ETags of files that were written again as they were. */
export async function renewEtags(
  container: ContainerClient,
  audioFileId: string,
  changes: readonly EtagChange[],
): Promise<void> {
  if (changes.length === 0) return;
  const name = resultBlob(audioFileId);
  const standing = await readVersion<ResultDocument>(container, name);
  if (!standing) return;
  const after = new Map(changes);
  const renewed = withEtags(standing.document, ({ proof }) => after.get(proof.etag ?? ''));
  await writeJson(container, name, renewed, { ifMatch: standing.etag });
}
