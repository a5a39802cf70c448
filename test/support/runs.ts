import { setTimeout as pause } from 'node:timers/promises';
import type { ResultDocument } from '../../src/pipeline/contracts.ts';
import type { Place } from './commands.ts';

/** What a worker answers about a run. */
export interface RunStatus {
  readonly status: string;
  readonly stage?: string;
  readonly progress: number;
  readonly callback?: string;
  readonly callback_delivery?: object;
  readonly error?: { code: string; stage: string; message: string; attempt: number };
  readonly result?: ResultDocument;
}

/** How often a run's status is asked for, in ms. */
const POLL_MS = 200;

export async function statusOf(url: string, id: string): Promise<RunStatus | undefined> {
  const answer = await fetch(`${url}/analyze/${id}`).catch(() => undefined);
  return answer?.ok ? ((await answer.json()) as RunStatus) : undefined;
}

/** Asks until the status is as wanted. @throws Error where the run fails and that is not what is waited for */
export async function until(
  url: string,
  id: string,
  reached: (status: RunStatus) => boolean,
): Promise<RunStatus> {
  for (;;) {
    const now = await statusOf(url, id);
    if (now && reached(now)) return now;
    if (now?.status === 'failed') throw new Error(JSON.stringify(now));
    await pause(POLL_MS);
  }
}

export const completed = ({ status }: RunStatus): boolean => status === 'completed';

/** The stems' bytes and the analysis of a song: what must be the same however often its run was disturbed. */
export async function outputsOf(place: Place, id: string): Promise<Record<string, unknown>> {
  const outputs: Record<string, unknown> = {};
  for await (const { name } of place.container.listBlobsFlat({ prefix: `${id}/` })) {
    const bytes = await place.container.getBlobClient(name).downloadToBuffer();
    const own = name.slice(id.length + 1);
    if (own.startsWith('stems/')) outputs[own] = bytes.toString('base64');
    else if (own === 'analysis/result.json') outputs[own] = JSON.parse(String(bytes)).analysis;
    else if (own === 'analysis/annotation.jams') outputs[own] = JSON.parse(String(bytes)).annotations;
  }
  return outputs;
}

/** Blobs of a song that nobody asked for: work files, snapshots, and staged blocks that were never committed. */
export async function leftoversOf(place: Place, id: string): Promise<string[]> {
  const names = [];
  const options = { prefix: `${id}/`, includeUncommitedBlobs: true, includeSnapshots: true };
  for await (const { name, snapshot } of place.container.listBlobsFlat(options)) {
    if (snapshot) names.push(`${name} (snapshot)`);
    else if (name.startsWith(`${id}/work/`)) names.push(name);
    else if (name.startsWith(`${id}/stems/`)) {
      const { uncommittedBlocks } = await place.container
        .getBlockBlobClient(name)
        .getBlockList('uncommitted');
      if (uncommittedBlocks?.length) names.push(`${name} (staged)`);
    }
  }
  return names;
}
