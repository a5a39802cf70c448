import type { ContainerClient } from '@azure/storage-blob';
import { CHANNELS } from '../audio/song.ts';
import type { SeparationPlan } from '../contracts.ts';
import { propertiesOf, readBlob } from './container.ts';
import { monoCopyWorkBlob } from './names.ts';
import { StagedBlob } from './staged-blob.ts';

/**
 * A stem's copy for the chords, in a work blob: 16 bits, mono, without a header. The stem itself can't be read before it
 * is published.
 */
export class MonoCopy extends StagedBlob {
  readonly #container: ContainerClient;

  constructor(container: ContainerClient, audioFileId: string, stem: string, run: string) {
    super(container, monoCopyWorkBlob(audioFileId, stem), run);
    this.#container = container;
  }

  override async stage(segment: number, samples: Int16Array): Promise<void> {
    await super.stage(segment, toMono(samples));
  }

  /** Segments that are staged, those included that an earlier try has committed. */
  override async stagedSegments(): Promise<Set<number>> {
    const { committedBlocks, uncommittedBlocks } = await this.blocks();
    return this.segmentsAmong([...committedBlocks, ...uncommittedBlocks]);
  }

  /**
   * Makes the copy readable, and gives its bytes piece by piece.
   *
   * @throws WorkerError `work_lost` where segments are missing.
   */
  async *read({ segments }: Pick<SeparationPlan, 'segments'>): AsyncGenerator<Buffer> {
    await this.commitSegments({ segments });
    const { etag = '', contentLength = 0 } = await propertiesOf(this.#container, this.name);
    yield* readBlob(this.#container, { blob_name: this.name, etag, size_bytes: contentLength });
  }
}

/** Mean of both channels. */
function toMono(samples: Int16Array): Int16Array {
  return Int16Array.from({ length: samples.length / CHANNELS }, (_, i) =>
    Math.round((samples[2 * i] + samples[2 * i + 1]) / CHANNELS),
  );
}
