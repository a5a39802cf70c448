/** Keeps what a publication is about to replace. */
import type { ContainerClient } from '@azure/storage-blob';
import { allSettled } from '../all-settled.ts';
import type { ResultDocument } from '../contracts.ts';
import { type Versioned, writeJson } from '../storage/container.ts';
import { publicationWorkBlob } from '../storage/names.ts';
import { storageCall } from '../storage/requests.ts';
import type { PublicationRecord, SecuredFile } from './record.ts';
import { SNAPSHOT_MARK } from './snapshots.ts';
import type { Target } from './targets.ts';

/**
 * Makes snapshots of the targets, and a record of them. Where a record stands already, what it holds is what was there
 * before anything was replaced, and stays as it is.
 *
 * @throws a conflict where a target or the record changes meanwhile.
 */
export async function secure(
  container: ContainerClient,
  audioFileId: string,
  targets: readonly Target[],
  earlier: ResultDocument | undefined,
  found: Versioned<PublicationRecord> | undefined,
): Promise<void> {
  const secured = found?.document.files ?? [];
  const known = new Set(secured.map(({ name }) => name));
  const unknown = targets.filter(({ name }) => !known.has(name));
  if (found && unknown.length === 0) return;
  const added = await allSettled(unknown.map((target) => takeSnapshot(container, target)));
  const record: PublicationRecord = {
    result: found ? found.document.result : (earlier ?? null),
    files: [...secured, ...added],
    isSettled: false,
  };
  const conditions = found ? { ifMatch: found.etag } : { ifNoneMatch: '*' };
  await writeJson(container, publicationWorkBlob(audioFileId), record, conditions);
}

async function takeSnapshot(container: ContainerClient, { name, properties }: Target): Promise<SecuredFile> {
  if (!properties) return { name };
  const { etag = '' } = properties;
  const metadata = { ...properties.metadata, [SNAPSHOT_MARK]: 'true' };
  const { snapshot } = await storageCall(name, (options) =>
    container.getBlobClient(name).createSnapshot({ ...options, metadata, conditions: { ifMatch: etag } }),
  );
  return { name, etag, snapshot };
}
