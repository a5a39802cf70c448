/**
 * What the activity that completes a fan-out leaves of the stages that it goes on with. A claim in a work blob makes it the
 * only one, and tells how far it is. Cleanup removes the claim; what was reached before that is then told by the result
 * document's metadata, for whoever takes over from an activity that was killed in the midst of it.
 */
import {
  type BlobItem,
  type BlobRequestConditions,
  type ContainerClient,
  RestError,
} from '@azure/storage-blob';
import type { SeparationPlan, SourceInfo, Stage } from '../contracts.ts';
import { propertiesOf } from '../storage/container.ts';
import { MonoCopy } from '../storage/mono-copy.ts';
import { analysisWorkBlob, lateWorkBlob, resultBlob } from '../storage/names.ts';
import { storageCall } from '../storage/requests.ts';
import { StagedStem } from '../storage/staged-stem.ts';

interface Song {
  readonly source: SourceInfo;
  readonly plan: SeparationPlan;
}

/** How far the late stages of a fan-out are. */
export interface LateRecord {
  readonly fan_out: string;
  readonly stage: Stage;
  /** Seconds that the analysis took. */
  readonly analyze_seconds: number;
}

/** Somebody else's blob is in the way of a conditional write. */
const TAKEN: ReadonlySet<number | undefined> = new Set([409, 412]);

/** Notes that the analysis of this fan-out is there, and how long it took. */
export async function noteAnalyzed(
  container: ContainerClient,
  { source, plan }: Song,
  fan_out: string,
  seconds: number,
): Promise<void> {
  await addMetadata(container, analysisWorkBlob(source.audio_file_id, plan.run), {
    fan_out,
    seconds: String(seconds),
  });
}

/** Seconds that the analysis took where everything that a fan-out is to leave is there; undefined where it is not. */
export async function completedFanOut(
  container: ContainerClient,
  { source, plan }: Song,
  fan_out: string,
): Promise<number | undefined> {
  const { audio_file_id: id } = source;
  const analysis = (await lookAt(container, analysisWorkBlob(id, plan.run)))?.metadata;
  if (analysis?.fan_out !== fan_out) return undefined;
  const blobs = [
    ...plan.stems.map((stem) => new StagedStem(container, id, stem, plan.run)),
    ...plan.chord_stems.map((stem) => new MonoCopy(container, id, stem, plan.run)),
  ];
  const staged = await Promise.all(blobs.map((blob) => blob.stagedSegments()));
  return staged.every(({ size }) => size === plan.segments) ? Number(analysis.seconds) : undefined;
}

/** Claims the late stages. False where they have been claimed for this fan-out; what another one has left is no claim. */
export async function claimLateStages(
  container: ContainerClient,
  song: Song,
  record: LateRecord,
): Promise<boolean> {
  const left = await lookAt(container, nameOf(song));
  if (left?.metadata?.fan_out === record.fan_out) return false;
  return await write(
    container,
    song,
    record,
    left ? { ifMatch: left.properties.etag } : { ifNoneMatch: '*' },
  );
}

/** Tells how far the claimed stages are. */
export async function noteLateStage(
  container: ContainerClient,
  song: Song,
  record: LateRecord,
): Promise<void> {
  await write(container, song, record, {});
}

/** How far the late stages of a fan-out are; undefined where nobody has claimed them, or they are behind cleanup. */
export async function readLateRecord(
  container: ContainerClient,
  audioFileId: string,
  { run }: Pick<SeparationPlan, 'run'>,
  fan_out: string,
): Promise<LateRecord | undefined> {
  const metadata = (await lookAt(container, lateWorkBlob(audioFileId, run)))?.metadata;
  if (metadata?.fan_out !== fan_out) return undefined;
  return { fan_out, stage: metadata.stage as Stage, analyze_seconds: Number(metadata.analyze_seconds) };
}

/** The record is the blob's metadata, so that it is found by listing. False where a condition does not hold. */
async function write(
  container: ContainerClient,
  song: Song,
  { fan_out, stage, analyze_seconds }: LateRecord,
  conditions: BlobRequestConditions,
): Promise<boolean> {
  const metadata = { fan_out, stage, analyze_seconds: String(analyze_seconds) };
  return await storageCall(nameOf(song), async (options) => {
    try {
      await container.getBlockBlobClient(nameOf(song)).upload('', 0, { ...options, conditions, metadata });
      return true;
    } catch (error) {
      if (error instanceof RestError && TAKEN.has(error.statusCode)) return false;
      throw error;
    }
  });
}

const nameOf = ({ source, plan }: Song) => lateWorkBlob(source.audio_file_id, plan.run);

/** Leaves with the published result what cleanup is about to remove the traces of. */
export async function sealLateStages(
  container: ContainerClient,
  audioFileId: string,
  fan_out: string,
  reached: unknown,
): Promise<void> {
  const late = Buffer.from(JSON.stringify(reached)).toString('base64url');
  await addMetadata(container, resultBlob(audioFileId), { fan_out, late });
}

/** What was sealed of a fan-out; undefined where it is not that far. */
export async function readSeal<T extends object>(
  container: ContainerClient,
  audioFileId: string,
  fan_out: string,
): Promise<T | undefined> {
  const metadata = (await lookAt(container, resultBlob(audioFileId)))?.metadata;
  if (metadata?.fan_out !== fan_out || !metadata.late) return undefined;
  return JSON.parse(Buffer.from(metadata.late, 'base64url').toString()) as T;
}

/** A blob with its metadata. Listed: a blob that is not there would be told as a failure each time that it is asked for. */
async function lookAt(container: ContainerClient, name: string): Promise<BlobItem | undefined> {
  return await storageCall(name, async (options) => {
    for await (const blob of container.listBlobsFlat({ ...options, prefix: name, includeMetadata: true }))
      if (blob.name === name) return blob;
    return undefined;
  });
}

async function addMetadata(container: ContainerClient, name: string, more: Record<string, string>) {
  const { metadata } = await propertiesOf(container, name);
  await storageCall(name, (options) =>
    container.getBlobClient(name).setMetadata({ ...metadata, ...more }, options),
  );
}
