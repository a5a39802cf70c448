import type { ContainerClient } from '@azure/storage-blob';
import { allSettled } from '../all-settled.ts';
import type { ResultDocument } from '../contracts.ts';
import { readVersion, writeJson } from '../storage/container.ts';
import { resultBlob } from '../storage/names.ts';
import type { EtagChange } from '../storage/staged-blob.ts';
import { filesOf, withEtags } from './document.ts';
import { lookAt } from './named-file.ts';

/**
 * Has a result name the ETags that its files have now, where their content is what it was. Of the changes in `known` that
 * is certain; after others a file is read.
 */
export async function renewEtags(
  container: ContainerClient,
  audioFileId: string,
  known: readonly EtagChange[],
): Promise<void> {
  const name = resultBlob(audioFileId);
  const standing = await readVersion<ResultDocument>(container, name);
  if (!standing) return;
  const after = new Map(known);
  const files = filesOf(standing.document);
  const etags = new Map(
    await allSettled(
      files.map(async (file) => {
        const etag = after.get(file.proof.etag ?? '') ?? (await lookAt(container, file)).etag;
        return [file.name, etag] as const;
      }),
    ),
  );
  if (files.every((file) => [undefined, file.proof.etag].includes(etags.get(file.name)))) return;
  const renewed = withEtags(standing.document, (file) => etags.get(file.name));
  await writeJson(container, name, renewed, { ifMatch: standing.etag });
}
