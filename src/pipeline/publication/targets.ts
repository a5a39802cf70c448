/** What a publication writes, and what stands there before. */
import type { BlobGetPropertiesResponse } from '@azure/storage-blob';
import { allSettled } from '../all-settled.ts';
import type { ResultDocument, SeparationPlan } from '../contracts.ts';
import { WorkerError } from '../errors.ts';
import type { StageContext } from '../stages/context.ts';
import { findBlob } from '../storage/container.ts';
import { jamsBlob, resultBlob } from '../storage/names.ts';
import type { Standing } from '../storage/staged-blob.ts';
import type { StagedStem } from '../storage/staged-stem.ts';
import { filesOf, type UnprovenResult } from './document.ts';

/** What is to be published. */
export interface Publication {
  readonly result: UnprovenResult;
  readonly jams: unknown;
  readonly plan: SeparationPlan;
  /** Length of the song. */
  readonly frames: number;
}

/** A stem that is to be published, and what stands in its place. */
export interface NewStem {
  readonly stem: StagedStem;
  readonly standing: Standing;
}

/** A file that is going to be written, replaced or removed. */
export interface Target {
  readonly name: string;
  /** Absent where there is none. */
  readonly properties?: BlobGetPropertiesResponse;
}

/**
 * All files that the new result names or the one before it.
 *
 * @throws WorkerError `blob_leased` that names the file which can't be replaced.
 */
export async function findTargets(
  stems: readonly NewStem[],
  earlier: ResultDocument | undefined,
  { result }: Publication,
  { container }: StageContext,
): Promise<Target[]> {
  const id = result.audio_file_id;
  const prepared = stems.map(({ stem: { name }, standing: { properties } }) => ({ name, properties }));
  const names = new Set([jamsBlob(id), ...(earlier ? filesOf(earlier) : []).map(({ name }) => name)]);
  for (const { name } of prepared) names.delete(name);
  const find = async (name: string): Promise<Target> => ({
    name,
    properties: await findBlob(container, name),
  });
  const [document, ...others] = await allSettled([resultBlob(id), ...names].map(find));
  requireUnleased([document, ...prepared, ...others]);
  return [...prepared, ...others];
}

function requireUnleased(targets: readonly Target[]): void {
  const leased = targets.find(({ properties }) => properties?.leaseStatus === 'locked');
  if (!leased) return;
  throw new WorkerError(
    'blob_leased',
    `Somebody holds a lease on '${leased.name}', so that it can't be replaced. Release the lease or let it end.`,
  );
}
