/** A storage beside one that can be made to fail, with runs that publish into it. */
import { BlobServiceClient } from '@azure/storage-blob';
import { readConfig } from '../../src/pipeline/config.ts';
import { cleanup } from '../../src/pipeline/stages/cleanup.ts';
import type { StageContext } from '../../src/pipeline/stages/context.ts';
import { upload } from '../../src/pipeline/stages/upload.ts';
import { type SmallRun, stageRun, uploadOf } from './publication.ts';
import { newStorage, type TestStorage } from './storage.ts';
import { type WatchedStorage, watchStorage } from './storage-proxy.ts';

/** The first run of a song, and a second one: of another song, with one stem in common. */
export const A: SmallRun = { song: 'A', stems: ['vocals', 'drums', 'bass'] };
export const B: SmallRun = { song: 'BB', stems: ['vocals', 'no_vocals'] };
/** A third one, with as many stems as the second. */
export const C: SmallRun = { song: 'CCC', stems: ['drums', 'other'] };
export const [SHA_A, SHA_B] = [A, B].map((run) => uploadOf('', run).source.sha256);

export interface Publishing {
  readonly storage: TestStorage;
  readonly watched: WatchedStorage;
  /** Reaches the storage itself. */
  readonly context: StageContext;
  /** Goes by the watched address. */
  readonly mortal: StageContext;
  /** Stages a run. Returns its upload's input. */
  stage(id: string, run: SmallRun): Promise<ReturnType<typeof uploadOf>>;
  /** Runs it to its end. */
  publish(id: string, run: SmallRun): Promise<void>;
  stop(): void;
}

export async function startPublishing(): Promise<Publishing> {
  const storage = await newStorage();
  const port = Number(new URL(storage.container.url).port);
  const watched = await watchStorage(port);
  const config = readConfig({});
  const watchedAddress = storage.connectionString.replaceAll(`:${port}`, `:${watched.port}`);
  const context = { config, container: storage.container };
  const stage = async (id: string, run: SmallRun) => {
    const input = uploadOf(id, run);
    await stageRun(storage.container, input);
    return input;
  };
  return {
    storage,
    watched,
    context,
    mortal: {
      config,
      container: BlobServiceClient.fromConnectionString(watchedAddress, {
        retryOptions: { maxTries: 1 },
      }).getContainerClient(storage.container.containerName),
    },
    stage,
    publish: async (id, run) => {
      await upload(await stage(id, run), context);
      await cleanup({ audio_file_id: id }, context);
    },
    stop: () => watched.stop(),
  };
}
