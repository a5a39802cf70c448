import { type BlockBlobClient, type ContainerClient, RestError } from '@azure/storage-blob';
import { wavBytes, wavHeader } from '../audio/wav.ts';
import type { SeparationPlan, StemResult } from '../contracts.ts';
import { WorkerError } from '../errors.ts';
import { stemBlob } from './names.ts';
import { storageCall, storageCallIfThere } from './requests.ts';

/** Width of the index in a block id; all ids of a blob must be equally long. */
const INDEX_DIGITS = 6;

/**
 * A stem's blob while it grows: the WAV header and each segment's samples are staged blocks. Readers see nothing until
 * `commit`. Ids carry the run's identity, so blocks of another run are never taken for this one's.
 */
export class StagedStem {
  readonly #blob: BlockBlobClient;
  readonly #name: string;
  readonly #stem: string;
  readonly #run: string;

  constructor(container: ContainerClient, audioFileId: string, stem: string, run: string) {
    this.#name = stemBlob(audioFileId, stem);
    this.#blob = container.getBlockBlobClient(this.#name);
    this.#stem = stem;
    this.#run = run;
  }

  /** Stages the samples of one segment. */
  async stage(segment: number, samples: Int16Array): Promise<void> {
    const bytes = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
    await this.#stageBlock(this.#segmentId(segment), bytes);
  }

  /** Segments that are staged and not yet committed. */
  async stagedSegments(): Promise<Set<number>> {
    const prefix = `${this.#run}-`;
    const { uncommittedBlocks } = await this.#blocks();
    const ids = uncommittedBlocks.map(({ name }) => Buffer.from(name, 'base64').toString('latin1'));
    return new Set(ids.filter((id) => id.startsWith(prefix)).map((id) => Number(id.slice(prefix.length))));
  }

  /** Makes the complete stem appear. Run again after it has, it finds that it has. */
  async commit(plan: SeparationPlan, frames: number): Promise<StemResult> {
    if (!(await this.#isCommitted())) {
      const headerId = blockId(this.#run, 'header');
      await this.#stageBlock(headerId, wavHeader(frames));
      const ids = [
        headerId,
        ...Array.from({ length: plan.segments }, (_, segment) => this.#segmentId(segment)),
      ];
      const options = {
        blobHTTPHeaders: { blobContentType: 'audio/wav' },
        metadata: { run: this.#run, model: plan.model },
      };
      await storageCall(this.#name, (bounds) =>
        this.#blob.commitBlockList(ids, { ...bounds, ...options }).catch(this.#lost),
      );
    }
    return { stem_type: this.#stem, blob_url: plainUrl(this.#blob.url), file_size_bytes: wavBytes(frames) };
  }

  /** Removes what is staged and not committed; a stem that an earlier run has published stays as it is. */
  async discard(): Promise<void> {
    if ((await this.#blocks()).uncommittedBlocks.length === 0) return;
    const published = await this.#published();
    const { committedBlocks } = await this.#blocks();
    // A commit drops all staged blocks that it doesn't name.
    const ids = committedBlocks.map(({ name }) => name);
    const headers = { blobContentType: published?.contentType };
    await storageCall(this.#name, (bounds) =>
      this.#blob.commitBlockList(ids, { ...bounds, blobHTTPHeaders: headers, metadata: published?.metadata }),
    );
    if (!published) await storageCall(this.#name, (bounds) => this.#blob.deleteIfExists(bounds));
  }

  async #stageBlock(id: string, bytes: Buffer): Promise<void> {
    await storageCall(this.#name, (bounds) => this.#blob.stageBlock(id, bytes, bytes.length, bounds));
  }

  async #blocks(): Promise<Record<'committedBlocks' | 'uncommittedBlocks', { name: string }[]>> {
    const list = await storageCallIfThere(this.#name, (bounds) => this.#blob.getBlockList('all', bounds));
    const { committedBlocks = [], uncommittedBlocks = [] } = list ?? {};
    return { committedBlocks, uncommittedBlocks };
  }

  /** The properties of the stem, if one has been committed. */
  async #published() {
    return await storageCallIfThere(this.#name, (bounds) => this.#blob.getProperties(bounds));
  }

  async #isCommitted(): Promise<boolean> {
    const published = await this.#published();
    return published?.metadata?.run === this.#run && (await this.#blocks()).uncommittedBlocks.length === 0;
  }

  /** Storage drops staged blocks after a week; what else may lose them is no reason to give up either. */
  readonly #lost = (error: unknown): never => {
    if (!(error instanceof RestError) || error.code !== 'InvalidBlockList') throw error;
    throw new WorkerError('work_lost', `Staged segments of the stem '${this.#name}' are gone.`, {
      cause: error,
    });
  };

  #segmentId(segment: number): string {
    return blockId(this.#run, String(segment).padStart(INDEX_DIGITS, '0'));
  }
}

const blockId = (run: string, part: string) => Buffer.from(`${run}-${part}`, 'latin1').toString('base64');

/** An address without its query, where a SAS token may stand. */
export const plainUrl = (url: string) => url.split('?')[0];
