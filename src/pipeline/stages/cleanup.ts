import { removeLocalSong } from '../audio/local-song.ts';
import type { JobInput, SeparationPlan, SourceInfo } from '../contracts.ts';
import { faultPoint } from '../fault-point.ts';
import { renewEtags } from '../publication/renew.ts';
import { settle } from '../publication/settle.ts';
import { blobNames, removeBlob } from '../storage/container.ts';
import { MonoCopy } from '../storage/mono-copy.ts';
import { nextWorkBlob, publicationWorkBlob, workPrefix } from '../storage/names.ts';
import { StagedStem } from '../storage/staged-stem.ts';
import { takeNext } from './cancel.ts';
import type { StageContext } from './context.ts';

export interface CleanupInput {
  readonly audio_file_id: string;
  /** The song, if it has been decoded. */
  readonly source?: SourceInfo;
  /** Only the publication is to be brought to its end; the rest follows later. */
  readonly settleOnly?: boolean;
  /** The plan of a run whose staged stems are not wanted any more. */
  readonly discard?: SeparationPlan;
}

export interface CleanupResult {
  /** What came in for the same song meanwhile and is to be run now. */
  readonly next?: JobInput;
}

/**
 * Removes a run's work blobs and this machine's decoded copy. Where the run has begun to replace an earlier result and could
 * not end it, that is put back.
 */
export async function cleanup(
  { audio_file_id, settleOnly, source, discard }: CleanupInput,
  context: StageContext,
): Promise<CleanupResult> {
  const { container, config } = context;
  if (settleOnly) {
    await settle(audio_file_id, context);
    return {};
  }
  if (source) await removeLocalSong(source, config);
  const unsettled = await settle(audio_file_id, context).then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  faultPoint('cleanup', 'middle');
  const discarded = [];
  for (const stem of discard?.stems ?? [])
    discarded.push(await new StagedStem(container, audio_file_id, stem, discard!.run).discard());
  await renewEtags(
    container,
    audio_file_id,
    discarded.filter((change) => change !== undefined),
  );
  for (const stem of discard?.chord_stems ?? [])
    await new MonoCopy(container, audio_file_id, stem, discard!.run).discard();
  const kept = [nextWorkBlob(audio_file_id), ...(unsettled ? [publicationWorkBlob(audio_file_id)] : [])];
  for (const name of await blobNames(container, workPrefix(audio_file_id)))
    if (!kept.includes(name)) await removeBlob(container, name);
  // Last of all, and nothing else removes it: what comes after this is started by the one who noted it.
  const next = await takeNext(audio_file_id, context);
  // The next run finds what is unsettled.
  if (unsettled && !next) throw unsettled.error;
  return { next };
}
