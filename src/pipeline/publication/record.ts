/** The work blob that tells how to bring an earlier result back while a new one takes its place. */
import type { ContainerClient } from '@azure/storage-blob';
import type { ResultDocument } from '../contracts.ts';
import { readVersion, type Versioned } from '../storage/container.ts';
import { publicationWorkBlob } from '../storage/names.ts';

/** A file as it was before it was replaced. */
export interface SecuredFile {
  readonly name: string;
  /** Absent where there was none. */
  readonly etag?: string;
  /** The snapshot that holds its content. */
  readonly snapshot?: string;
}

export interface PublicationRecord {
  /** The earlier result; null where there was none. */
  readonly result: ResultDocument | null;
  /** All files that the earlier result names or the new one does. */
  readonly files: readonly SecuredFile[];
  /** One result or the other stands whole. Only snapshots and this record are still to be removed. */
  readonly isSettled: boolean;
}

export async function readRecord(
  container: ContainerClient,
  audioFileId: string,
): Promise<Versioned<PublicationRecord> | undefined> {
  return await readVersion<PublicationRecord>(container, publicationWorkBlob(audioFileId));
}
