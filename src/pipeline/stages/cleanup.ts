import { removeLocalSong } from '../audio/local-song.ts';
import type { BlobVersion, JobInput, SeparationPlan, SourceInfo } from '../contracts.ts';
import { faultPoint } from '../fault-point.ts';
import { renewEtags } from '../publication/renew.ts';
import { settle } from '../publication/settle.ts';
import { blobNames, removeBlob } from '../storage/container.ts';
import { MonoCopy } from '../storage/mono-copy.ts';
import { isWorkBlob, workPrefix } from '../storage/names.ts';
import type { EtagChange } from '../storage/staged-blob.ts';
import { StagedStem } from '../storage/staged-stem.ts';
import type { StageContext } from './context.ts';
import { leaveQueue, nextRun } from './queue.ts';
import { notedVersion } from './song-version.ts';

export interface CleanupInput extends Pick<JobInput, 'audio_file_id' | 'queued'> {
  /** The song, if it has been decoded. */
  readonly source?: SourceInfo;
  /** Only the publication is to be brought to its end; the rest follows later. */
  readonly settleOnly?: boolean;
  /** The plan of a run whose staged stems are not wanted any more. */
  readonly discard?: SeparationPlan;
}

export interface CleanupResult {
  /** What waits for the same id and is to be run now. */
  readonly next?: JobInput;
  /** What the run worked on, as far as it came to know. */
  readonly version?: BlobVersion;
}

/**
 * Removes what a run has made for itself, and nothing else, and this machine's decoded copy. Where the run has begun to
 * replace an earlier result and could not end it, that is put back.
 */
export async function cleanup(
  { audio_file_id, queued, settleOnly, source, discard }: CleanupInput,
  context: StageContext,
): Promise<CleanupResult> {
  const { container, config } = context;
  if (settleOnly) {
    await settle(audio_file_id, context);
    return {};
  }
  if (source) await removeLocalSong(source, config);
  const version = await notedVersion(audio_file_id, context);
  const unsettled = await settle(audio_file_id, context).then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  faultPoint('cleanup', 'middle');
  const changes: EtagChange[] = [];
  for (const stem of discard?.stems ?? []) {
    const change = await new StagedStem(container, audio_file_id, stem, discard!.run).discard();
    if (change) changes.push(change);
  }
  if (discard) await renewEtags(container, audio_file_id, changes);
  for (const stem of discard?.chord_stems ?? [])
    await new MonoCopy(container, audio_file_id, stem, discard!.run).discard();
  for (const name of await blobNames(container, workPrefix(audio_file_id)))
    if (isWorkBlob(audio_file_id, name)) await removeBlob(container, name);
  // A run that was called off before it began may stand there still.
  await leaveQueue({ audio_file_id, queued }, context);
  // Last of all: what comes after this is started by whoever let it wait.
  const next = await nextRun(audio_file_id, context);
  // The next run finds what is unsettled.
  if (unsettled && !next) throw unsettled.error;
  return { next, version };
}
