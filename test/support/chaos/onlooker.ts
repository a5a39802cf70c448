import { setTimeout as pause } from 'node:timers/promises';
import { ContainerClient, RestError } from '@azure/storage-blob';
import { type ResultDocument, STAGES, type Stage } from '../../../src/pipeline/contracts.ts';
import { filesOf } from '../../../src/pipeline/publication/document.ts';
import { resultBlob } from '../../../src/pipeline/storage/names.ts';
import type { Place } from '../commands.ts';
import type { RunStatus } from '../runs.ts';
import { isOneOf, type KnownResults } from './known-results.ts';

/** Between two looks, in ms: a publication takes little time. */
const LOOK_MS = { usually: 40, publishing: 2 };
/** What the storage answers where a blob is gone or another by now. */
const CHANGED: ReadonlySet<number | undefined> = new Set([404, 412]);
/** Statuses of a run that ends well. */
const STATUSES = ['queued', 'processing', 'completed'];

/** ETags and lengths of a song's blobs at one moment, and the result document of that moment. */
interface Sight {
  readonly files: ReadonlyMap<string, { readonly etag: string; readonly bytes: number }>;
  readonly resultEtag?: string;
}

/**
 * Asks for a song's status and looks at its blobs without a pause, as receivers and readers do, and notes whatever they
 * ought never to see: a result beside files of another, an answer that is not documented.
 */
export class Onlooker implements AsyncDisposable {
  readonly faults: string[] = [];
  /** The last answer. */
  status?: RunStatus;
  looks = 0;
  #kills = 0;
  #isOver = false;
  readonly #container: ContainerClient;
  readonly #id: string;
  readonly #url: () => string;
  readonly #known: KnownResults;
  readonly #looking: Promise<unknown>;
  /** The result document that was read last, by its ETag. */
  #read: { readonly etag?: string; readonly result?: ResultDocument } = {};

  constructor(container: Place['container'], id: string, url: () => string, known: KnownResults) {
    // What can't be seen at once is looked at the next time.
    this.#container = new ContainerClient(container.url, container.credential, {
      retryOptions: { maxTries: 1 },
    });
    this.#id = id;
    this.#url = url;
    this.#known = known;
    this.#looking = Promise.all([
      this.#repeat(() => this.#lookAtBlobs()),
      this.#repeat(() => this.#lookAtStatus()),
    ]);
  }

  /** A storage that is killed may come back as it was a moment ago: sights from before and after don't fit together. */
  noteKill(): void {
    this.#kills++;
  }

  /** Whether the run has come to a stage or behind it, or has ended. */
  hasReached(stage: Stage): boolean {
    return (
      this.hasEnded || STAGES.indexOf((this.status?.stage ?? 'download') as Stage) >= STAGES.indexOf(stage)
    );
  }

  get hasEnded(): boolean {
    return this.status !== undefined && !['queued', 'processing'].includes(this.status.status);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#looking;
  }

  async #repeat(look: () => Promise<void>): Promise<void> {
    while (!this.#isOver) {
      try {
        await look();
        this.looks++;
      } catch (error) {
        if (error instanceof RestError && error.statusCode && !CHANGED.has(error.statusCode))
          this.faults.push(`the storage answers ${error.statusCode} ${error.code}: ${error.message}`);
      }
      await pause(this.hasReached('assemble') ? LOOK_MS.publishing : LOOK_MS.usually);
    }
  }

  /** As somebody does who knows the blobs alone. */
  async #lookAtBlobs(): Promise<void> {
    const kills = this.#kills;
    const sight = await this.#sight();
    const etag = sight.resultEtag;
    if (etag === undefined) return;
    if (this.#read.etag !== etag) {
      const blob = this.#container.getBlobClient(resultBlob(this.#id));
      const bytes = await blob.downloadToBuffer(0, undefined, { conditions: { ifMatch: `"${etag}"` } });
      this.#read = { etag, result: JSON.parse(String(bytes)) };
    }
    const { result } = this.#read;
    if (this.#kills === kills && !fits(result!, sight))
      this.#note('a result stands beside other files', result!, sight);
  }

  async #lookAtStatus(): Promise<void> {
    const kills = this.#kills;
    const before = await this.#sight();
    const told = await this.#ask();
    const after = await this.#sight();
    if (!told) return;
    if (!isOneOf(this.#known, told)) this.#note('the status tells a mixed result', told, after);
    const isStill = before.resultEtag === after.resultEtag && this.#kills === kills;
    if (isStill && !fits(told, after)) this.#note('the status tells a result of other files', told, after);
  }

  async #ask(): Promise<ResultDocument | undefined> {
    const answer = await fetch(`${this.#url()}/analyze/${this.#id}`).catch(() => undefined);
    const body = await answer?.json().catch(() => undefined);
    if (!answer || body === undefined) return undefined; // Killed while it answered.
    const { status, code } = body as RunStatus & { code?: string };
    if (answer.status === 503 && code === 'storage_unavailable') return undefined;
    if (answer.status !== 200 || !STATUSES.includes(status))
      this.faults.push(`the status is ${answer.status} ${JSON.stringify(body)}`);
    else this.status = body as RunStatus;
    return (body as RunStatus).result;
  }

  /** One request: what it lists stood there at the same moment. */
  async #sight(): Promise<Sight> {
    const files = new Map<string, { etag: string; bytes: number }>();
    for await (const { name, properties } of this.#container.listBlobsFlat({ prefix: `${this.#id}/` }))
      files.set(name, { etag: bare(properties.etag), bytes: properties.contentLength ?? 0 });
    return { files, resultEtag: files.get(resultBlob(this.#id))?.etag };
  }

  #note(what: string, result: ResultDocument, { files }: Sight): void {
    this.faults.push(`${what}: ${JSON.stringify(filesOf(result))} beside ${JSON.stringify([...files])}`);
  }
}

const bare = (etag = '') => etag.replaceAll('"', '');

/** Whether all files that a result names stood there. */
function fits(result: ResultDocument, { files }: Sight): boolean {
  return filesOf(result).every(({ name, proof }) => {
    const file = files.get(name);
    return file?.bytes === proof.file_size_bytes && file?.etag === bare(proof.etag);
  });
}
