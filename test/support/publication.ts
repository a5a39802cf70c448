/** Runs that have come as far as their upload, made by hand: small, and without a sound. */
import { createHash } from 'node:crypto';
import type { ContainerClient } from '@azure/storage-blob';
import type { ResultDocument, SeparationPlan } from '../../src/pipeline/contracts.ts';
import type { Analysis } from '../../src/pipeline/mir/analysis.ts';
import type { UploadInput } from '../../src/pipeline/stages/upload.ts';
import { readJson, writeJson } from '../../src/pipeline/storage/container.ts';
import {
  analysisWorkBlob,
  jamsBlob,
  jamsWorkBlob,
  resultBlob,
  stemBlob,
} from '../../src/pipeline/storage/names.ts';
import { StagedStem } from '../../src/pipeline/storage/staged-stem.ts';
import { random } from './random.ts';

const SEGMENT_FRAMES = 500;
const SEGMENTS = 3;

/** What a run is made of. */
export interface SmallRun {
  /** Tells one song from another. */
  readonly song: string;
  readonly stems: readonly string[];
}

/** What the upload of a run is given. */
export function uploadOf(id: string, { song, stems }: SmallRun): UploadInput {
  const sha256 = createHash('sha256').update(song).digest('hex');
  const plan: SeparationPlan = {
    model: 'spectral',
    requested: 'spectral',
    precision: null,
    overlap: null,
    weights: [],
    stems,
    passes: [stems],
    chord_stems: [],
    stride_frames: SEGMENT_FRAMES,
    segments: SEGMENTS,
    part_segments: 1,
    run: sha256.slice(0, 16),
  };
  const source = {
    audio_file_id: id,
    blob_name: `${id}/song.wav`,
    etag: `"${song}"`,
    size_bytes: 1,
    sha256,
    frames: SEGMENTS * SEGMENT_FRAMES,
    damaged: false,
  };
  return { source, plan, elapsedSeconds: song.length, stageSeconds: {} };
}

/** Leaves what the stages before the upload leave. `omit` is a stem that lacks its last segment. */
export async function stageRun(
  container: ContainerClient,
  { source, plan }: UploadInput,
  { omit }: { omit?: string } = {},
): Promise<void> {
  const id = source.audio_file_id;
  const draw = random(Number.parseInt(plan.run.slice(0, 8), 16));
  for (const stem of plan.stems) {
    const blob = new StagedStem(container, id, stem, plan.run);
    for (let segment = 0; segment < (stem === omit ? SEGMENTS - 1 : SEGMENTS); segment++)
      await blob.stage(
        segment,
        Int16Array.from({ length: 2 * SEGMENT_FRAMES }, () => draw() * 60_000 - 30_000),
      );
  }
  const analysis: Analysis = {
    duration: 1,
    tempo: { bpm: 60 + draw() * 100, confidence: 1 },
    key: null,
    keys: [],
    tuning: null,
    beats: [],
    meter: null,
    sections: [],
    chords: [],
  };
  await writeJson(container, analysisWorkBlob(id, plan.run), analysis);
  await writeJson(container, jamsWorkBlob(id, plan.run), { of: source.sha256 });
}

/** All that lies in a song's folder at rest: bytes of blobs, and what nobody asked for. */
export interface Folder {
  readonly blobs: Record<string, Buffer>;
  /** Work blobs, snapshots and staged blocks. */
  readonly leftovers: string[];
}

export async function folderOf(container: ContainerClient, id: string): Promise<Folder> {
  const blobs: Record<string, Buffer> = {};
  const leftovers: string[] = [];
  const listing = { prefix: `${id}/`, includeSnapshots: true, includeUncommitedBlobs: true };
  for await (const { name, snapshot } of container.listBlobsFlat(listing)) {
    const own = name.slice(id.length + 1);
    if (snapshot) leftovers.push(`${own} (snapshot)`);
    else if (own.startsWith('work/')) leftovers.push(own);
    else {
      const blob = container.getBlockBlobClient(name);
      const { uncommittedBlocks } = await blob.getBlockList('uncommitted');
      if (uncommittedBlocks?.length) leftovers.push(`${own} (staged)`);
      if (await blob.exists()) blobs[own] = await blob.downloadToBuffer();
    }
  }
  return { blobs, leftovers };
}

/** What a folder holds whatever its name: the result without versions and addresses, everything else byte for byte. */
export function contentOf({ blobs }: Folder, id: string): Record<string, unknown> {
  const comparable = (key: string, value: unknown) =>
    /^(etag|\w+_url|blob_name)$/.test(key) ? undefined : value;
  return Object.fromEntries(
    Object.entries(blobs).map(([name, bytes]) =>
      name === 'analysis/result.json'
        ? [name, JSON.parse(bytes.toString().replaceAll(`"${id}"`, '"ID"'), comparable)]
        : [name, sha256Of(bytes)],
    ),
  );
}

const sha256Of = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/**
 * The SHA-256 of the song that a song's result is of, or `none` where there is no result. Files are proven by their
 * checksums, or by their ETags where there are none yet; at the end of a run by both.
 *
 * @throws Error where a file is not the one that the result names
 */
export async function wholeResult(
  container: ContainerClient,
  id: string,
  { isEnded = false } = {},
): Promise<string> {
  const result = await readJson<ResultDocument>(container, resultBlob(id));
  if (!result) return 'none';
  const files = result.stems.map((stem) => ({ name: stemBlob(id, stem.stem_type), proof: stem }));
  for (const { name, proof } of [...files, { name: jamsBlob(id), proof: result.jams }]) {
    const blob = container.getBlobClient(name);
    const bytes = await blob.downloadToBuffer();
    const { etag } = await blob.getProperties();
    const isProven =
      bytes.length === proof.file_size_bytes &&
      (proof.sha256 === sha256Of(bytes) || (proof.sha256 === undefined && !isEnded)) &&
      (proof.etag === etag || (proof.sha256 !== undefined && !isEnded));
    if (!isProven) throw new Error(`${name} (${etag}) is not what the result says: ${JSON.stringify(proof)}`);
  }
  return result.source.sha256;
}
