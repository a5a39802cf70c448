import { allSettled } from '../all-settled.ts';
import type { ResultDocument, SeparationPlan } from '../contracts.ts';
import type { StageContext } from '../stages/context.ts';
import { type Versioned, writeJson } from '../storage/container.ts';
import { resultBlob } from '../storage/names.ts';
import type { StagedStem } from '../storage/staged-stem.ts';
import { sha256OfBlob } from './checksum.ts';
import { isProven } from './document.ts';

/**
 * Adds the stems' checksums to a result that has been written. They can be had only now: a file's parts are staged on
 * several machines, and staged blocks can't be read.
 *
 * @throws a conflict where a stem or the result changes meanwhile.
 */
export async function prove(
  { document, etag }: Versioned<ResultDocument>,
  stems: readonly StagedStem[],
  song: { readonly plan: SeparationPlan; readonly frames: number },
  { container, signal }: StageContext,
): Promise<void> {
  if (isProven(document)) return;
  const proven = await allSettled(
    stems.map(async (stem) => {
      // It is committed; committed again, if somebody has set its metadata since.
      const result = await stem.commit(song.plan, song.frames);
      const version = { name: stem.name, etag: result.etag, bytes: result.file_size_bytes };
      return { ...result, sha256: await sha256OfBlob(container, version, signal) };
    }),
  );
  const name = resultBlob(document.audio_file_id);
  await writeJson(container, name, { ...document, stems: proven }, { ifMatch: etag });
}
