/** Puts a new result in the place of an earlier one, so that nobody ever finds a mixture of both. */
import { allSettled } from '../all-settled.ts';
import type { ResultDocument } from '../contracts.ts';
import { asWorkerError, WorkerError } from '../errors.ts';
import { faultPoint } from '../fault-point.ts';
import type { StageContext } from '../stages/context.ts';
import { readVersion } from '../storage/container.ts';
import { resultBlob } from '../storage/names.ts';
import { isConflict } from '../storage/requests.ts';
import { StagedStem } from '../storage/staged-stem.ts';
import { isProven, isSameResult } from './document.ts';
import { prove } from './prove.ts';
import { type PublicationRecord, readRecord } from './record.ts';
import { secure } from './secure.ts';
import { settle } from './settle.ts';
import { swap } from './swap.ts';
import { findTargets, type NewStem, type Publication } from './targets.ts';

/** Another process that publishes the same run can cross it, or somebody who sets metadata. */
const MAX_TRIES = 5;

/**
 * Publishes stems, annotation and the result that names them. In order: all that is needed is there, and nothing is
 * locked; what is going to be replaced is kept in snapshots; the earlier result is taken away; the files are replaced, all
 * at once; the new result is written, then its files' checksums into it; what is left of the earlier one is removed.
 * Run again after it was broken off anywhere, it goes on from there.
 *
 * @throws WorkerError `work_lost` or `blob_leased`, before anything is replaced.
 */
export async function publish(publication: Publication, context: StageContext): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await publishOnce(publication, context);
    } catch (error) {
      if (!isConflict(error)) throw error;
      if (tries < MAX_TRIES) continue;
      throw new WorkerError(
        'internal',
        `Somebody else changed results of '${publication.result.audio_file_id}' while they were published, ${tries} times in a row: ${asWorkerError(error).message}`,
      );
    }
  }
}

async function publishOnce(publication: Publication, context: StageContext): Promise<void> {
  const { result, plan, frames } = publication;
  const { container, signal, log } = context;
  const id = result.audio_file_id;
  const record = await readRecord(container, id);
  let written = await readVersion<ResultDocument>(container, resultBlob(id));
  const stems = await allSettled(
    plan.stems.map(async (name): Promise<NewStem> => {
      const stem = new StagedStem(container, id, name, plan.run);
      return { stem, standing: await stem.prepare(plan, frames) };
    }),
  );
  const isWritten =
    written !== undefined &&
    isSameResult(written.document, result) &&
    stems.every(({ standing }) => standing.isCommitted);
  if (!written || !isWritten) {
    if (record && isOver(record.document, written?.document)) {
      await settle(id, context);
      return await publishOnce(publication, context);
    }
    const targets = await findTargets(stems, written?.document, publication, context);
    await secure(container, id, targets, written?.document, record);
    faultPoint('upload', 'secured');
    signal?.throwIfAborted();
    written = await swap(stems, targets, written, publication, context);
  }
  faultPoint('upload', 'written');
  await prove(
    written,
    stems.map(({ stem }) => stem),
    publication,
    context,
  );
  faultPoint('upload', 'proven');
  try {
    await settle(id, context);
  } catch (error) {
    log?.(`What was left of the earlier result of '${id}' is still to be removed: ${error}`);
  }
}

/** Whether an earlier run's publication has come to its end, and only what it kept is left. */
function isOver(record: PublicationRecord, standing: ResultDocument | undefined): boolean {
  if (record.isSettled) return true;
  const isEarlier = record.result && standing && isSameResult(record.result, standing);
  return standing !== undefined && !isEarlier && isProven(standing);
}
