import type { ContainerClient } from '@azure/storage-blob';
import { wavBytes, wavHeader } from '../audio/wav.ts';
import type { SeparationPlan, StemResult } from '../contracts.ts';
import { stemBlob } from './names.ts';
import { type Commitment, StagedBlob, type Standing } from './staged-blob.ts';

export type UnprovenStem = Omit<StemResult, 'etag' | 'sha256'>;

/** A stem's blob while it grows. */
export class StagedStem extends StagedBlob {
  readonly #stem: string;

  constructor(container: ContainerClient, audioFileId: string, stem: string, run: string) {
    super(container, stemBlob(audioFileId, stem), run);
    this.#stem = stem;
  }

  /**
   * Sees to it that the stem is complete, and tells what its commit is going to replace.
   *
   * @throws WorkerError `work_lost` where segments are missing.
   */
  async prepare(plan: SeparationPlan, frames: number): Promise<Standing> {
    return await this.prepareCommit(commitmentOf(plan, frames));
  }

  /** The stem as a result names it, but for what proves it. */
  describe(frames: number): UnprovenStem {
    return { stem_type: this.#stem, blob_url: plainUrl(this.blob.url), file_size_bytes: wavBytes(frames) };
  }

  /** Makes the complete stem appear. Run again after it has, it finds that it has. */
  async commit(plan: SeparationPlan, frames: number, standing?: Standing): Promise<StemResult> {
    const etag = await this.commitSegments(commitmentOf(plan, frames), standing);
    return { ...this.describe(frames), etag };
  }
}

const commitmentOf = ({ segments, model }: SeparationPlan, frames: number): Commitment => ({
  segments,
  header: wavHeader(frames),
  bytes: wavBytes(frames),
  blobHTTPHeaders: { blobContentType: 'audio/wav' },
  metadata: { model },
});

/** An address without its query, where a SAS token may stand. */
export const plainUrl = (url: string) => url.split('?')[0];
