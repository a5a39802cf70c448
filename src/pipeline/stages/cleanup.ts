import { removeLocalSong } from '../audio/local-song.ts';
import type { JobInput, SeparationPlan, SourceInfo } from '../contracts.ts';
import { faultPoint } from '../fault-point.ts';
import { blobNames, removeBlob } from '../storage/container.ts';
import { MonoCopy } from '../storage/mono-copy.ts';
import { nextWorkBlob, workPrefix } from '../storage/names.ts';
import { StagedStem } from '../storage/staged-stem.ts';
import { takeNext } from './cancel.ts';
import type { StageContext } from './context.ts';

export interface CleanupInput {
  readonly audio_file_id: string;
  /** The song, if it has been decoded. */
  readonly source?: SourceInfo;
  /** The plan of a run whose staged stems are not wanted any more. */
  readonly discard?: SeparationPlan;
}

export interface CleanupResult {
  /** What came in for the same song meanwhile and is to be run now. */
  readonly next?: JobInput;
}

/** Removes a run's work blobs and this machine's decoded copy. */
export async function cleanup(
  { audio_file_id, source, discard }: CleanupInput,
  context: StageContext,
): Promise<CleanupResult> {
  const { container, config } = context;
  if (source) await removeLocalSong(source, config);
  faultPoint('cleanup', 'middle');
  for (const stem of discard?.stems ?? [])
    await new StagedStem(container, audio_file_id, stem, discard!.run).discard();
  for (const stem of discard?.chord_stems ?? [])
    await new MonoCopy(container, audio_file_id, stem, discard!.run).discard();
  for (const name of await blobNames(container, workPrefix(audio_file_id)))
    if (name !== nextWorkBlob(audio_file_id)) await removeBlob(container, name);
  // Last of all, and nothing else removes it: what comes after this is started by the one who noted it.
  return { next: await takeNext(audio_file_id, context) };
}
