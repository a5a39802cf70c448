import type { ContainerClient } from '@azure/storage-blob';
import { allSettled } from '../all-settled.ts';
import type { ResultDocument } from '../contracts.ts';
import { faultPoint } from '../fault-point.ts';
import type { StageContext } from '../stages/context.ts';
import { readJson, removeBlob, writeJson } from '../storage/container.ts';
import { publicationWorkBlob, resultBlob } from '../storage/names.ts';
import { filesOf, isProven, isSameResult } from './document.ts';
import { type PublicationRecord, readRecord } from './record.ts';
import { rollBack } from './roll-back.ts';
import { removeSnapshots } from './snapshots.ts';

/**
 * Brings a song's publication to an end: where the new result stands with all its proofs, what is left of the earlier one
 * is removed; where it does not, the earlier one is put back. Then nothing but one whole result is there, or none where
 * there was none. Can be run at any time, and again.
 */
export async function settle(audioFileId: string, { container }: StageContext): Promise<void> {
  const record = await readRecord(container, audioFileId);
  if (record && !record.document.isSettled) {
    const standing = await readJson<ResultDocument>(container, resultBlob(audioFileId));
    const { result } = record.document;
    const isEarlier = result && standing && isSameResult(result, standing);
    if (!isEarlier) {
      if (standing && isProven(standing)) await removeOthers(container, standing, record.document);
      else await rollBack(container, audioFileId, record.document);
    }
    faultPoint('upload', 'settled');
    // From here on the record's snapshots can't be relied on any more.
    const settled: PublicationRecord = { ...record.document, isSettled: true };
    await writeJson(container, publicationWorkBlob(audioFileId), settled);
  }
  await removeSnapshots(container, audioFileId);
  if (record) await removeBlob(container, publicationWorkBlob(audioFileId));
}

/** Removes files of an earlier result, and of publications that were broken off, which the new result does not name. */
async function removeOthers(
  container: ContainerClient,
  result: ResultDocument,
  { files }: PublicationRecord,
): Promise<void> {
  const named = new Set(filesOf(result).map(({ name }) => name));
  await allSettled(
    files.filter(({ name }) => !named.has(name)).map(({ name }) => removeBlob(container, name)),
  );
}
