import type { ContainerClient } from '@azure/storage-blob';
import { wavBytes, wavHeader } from '../audio/wav.ts';
import type { SeparationPlan, StemResult } from '../contracts.ts';
import { stemBlob } from './names.ts';
import { StagedBlob } from './staged-blob.ts';

/** A stem's blob while it grows. */
export class StagedStem extends StagedBlob {
  readonly #stem: string;

  constructor(container: ContainerClient, audioFileId: string, stem: string, run: string) {
    super(container, stemBlob(audioFileId, stem), run);
    this.#stem = stem;
  }

  /** Makes the complete stem appear. Run again after it has, it finds that it has. */
  async commit(plan: SeparationPlan, frames: number): Promise<StemResult> {
    await this.commitSegments({
      segments: plan.segments,
      header: wavHeader(frames),
      blobHTTPHeaders: { blobContentType: 'audio/wav' },
      metadata: { model: plan.model },
    });
    return { stem_type: this.#stem, blob_url: plainUrl(this.blob.url), file_size_bytes: wavBytes(frames) };
  }
}

/** An address without its query, where a SAS token may stand. */
export const plainUrl = (url: string) => url.split('?')[0];
