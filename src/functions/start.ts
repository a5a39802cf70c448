import { setTimeout as sleep } from 'node:timers/promises';
import { type DurableClient, OrchestrationRuntimeStatus } from 'durable-functions';
import type { JobInput, Progress, Stage } from '../pipeline/contracts.ts';
import { WorkerError } from '../pipeline/errors.ts';
import { requestCallback } from '../pipeline/stages/callback.ts';
import { cancelRequest, requestCancel, withdrawCancel } from '../pipeline/stages/cancel.ts';
import type { StageContext } from '../pipeline/stages/context.ts';
import { currentProgress } from '../pipeline/stages/progress.ts';
import { enqueueRun, leaveQueue, queuedRun } from '../pipeline/stages/queue.ts';
import { earlierAfter, notedVersion, requestOf } from '../pipeline/stages/song-version.ts';
import { hasContentOf, type ToldVersion } from '../pipeline/storage/blob-version.ts';
import { ORCHESTRATION } from './names.ts';
import { asksOtherSettings } from './settings-asked.ts';

/** How often a run that is about to end is looked at, in ms, and how long: a balancer gives a request up after 230 s. */
const ENDING_POLL_MS = 200;
const ENDING_LIMIT_MS = 180_000;
/** How often a start is tried where others of the same id come between. */
const MAX_STARTS = 5;

export const UNDER_WAY: ReadonlySet<OrchestrationRuntimeStatus> = new Set([
  OrchestrationRuntimeStatus.Pending,
  OrchestrationRuntimeStatus.Running,
  OrchestrationRuntimeStatus.ContinuedAsNew,
  OrchestrationRuntimeStatus.Suspended,
]);

/** Stages that a run goes through when its results are there. */
export const PUBLISHED: ReadonlySet<Stage | undefined> = new Set<Stage>(['callback', 'cleanup']);

/** What came of a start: a run began, one is under way already, or this one comes after the one under way. */
export type Start = 'started' | 'joined' | 'queued';

/** What a start is asked for; `etag` and `size_bytes` are absent where there is no such blob. */
export type StartRequest = Omit<JobInput, 'attempts' | 'retry_ms' | 'queued' | 'earlier'>;

/**
 * Starts the run of a song unless it is under way: the instance's id is the `audio_file_id`, so that one id has one job.
 * A run of another content of the blob leaves off and this one follows it; so does this one where the run is ending, or is
 * another song's that was uploaded.
 *
 * @throws WorkerError `id_in_use` where a request asks for an id that another song's run has.
 */
export async function startRun(
  client: DurableClient,
  request: StartRequest,
  context: StageContext,
  callbackUrl?: string,
): Promise<Start> {
  const { stageAttempts: attempts, stageRetryMs: retry_ms } = context.config;
  const job: JobInput = { ...request, attempts, retry_ms };
  for (let starts = 1; ; starts++) {
    const last = await instanceStatus(client, job.audio_file_id);
    if (last && UNDER_WAY.has(last.runtimeStatus)) return await meet(client, last, job, context, callbackUrl);
    try {
      await begin(client, last, job, context, callbackUrl);
      return 'started';
    } catch (error) {
      // Another starter came between, or it is a failure.
      if (starts === MAX_STARTS || !(await runUnderWay(client, job.audio_file_id))) throw error;
    }
  }
}

type Instance = NonNullable<Awaited<ReturnType<typeof instanceStatus>>>;

/** Starts a job whose id has no run now. */
async function begin(
  client: DurableClient,
  last: Instance | undefined,
  job: JobInput,
  context: StageContext,
  callbackUrl?: string,
): Promise<void> {
  const { audio_file_id } = job;
  await withdrawCancel(audio_file_id, context);
  // Whom it is to tell goes by the queue: written at once, it could become that of a run which another starter begins.
  const waits = callbackUrl !== undefined || (await queuedRun(job, context)) !== undefined;
  const waiting = waits ? await enqueueRun(job, callbackUrl, context) : job;
  const lastJob = last?.input as JobInput | null | undefined;
  const earlier = lastJob ? earlierAfter(lastJob, endVersion(last!), job) : [];
  const input: JobInput = { ...waiting, earlier };
  try {
    await client.startNew(ORCHESTRATION, { instanceId: audio_file_id, input });
  } catch (error) {
    await leaveQueue(waiting, context);
    throw error;
  }
}

/** Lets a job join the run that its id has, follow it, or be refused. */
async function meet(
  client: DurableClient,
  running: Instance,
  job: JobInput,
  context: StageContext,
  callbackUrl?: string,
): Promise<Start> {
  const { audio_file_id, blob_name } = job;
  const current = running.input as JobInput;
  const isPublished = PUBLISHED.has((await progressOf(running, context))?.stage);
  const isLeaving = (await cancelRequest(audio_file_id, context)) !== undefined;
  if (current.blob_name !== blob_name) {
    if (job.origin === 'request' && !isLeaving && !isPublished)
      throw new WorkerError(
        'id_in_use',
        `The id '${audio_file_id}' is in use: its run analyses the blob '${current.blob_name}'. Take another audio_file_id, or wait until that run has ended.`,
      );
    await enqueueRun(job, callbackUrl, context);
  } else if (await isReplaced(current, job, context)) {
    await enqueueRun(job, callbackUrl, context);
    if (!isPublished && !isLeaving) await requestCancel(audio_file_id, replaced(blob_name), context);
  } else if (
    isLeaving ||
    isPublished ||
    (job.origin === 'upload' && asksOtherSettings(job, current, context.config))
  )
    await enqueueRun(job, callbackUrl, context);
  else {
    if (callbackUrl) await requestCallback(audio_file_id, callbackUrl, context);
    return 'joined';
  }
  return await followRun(client, job, context);
}

const replaced = (blobName: string) => ({
  code: 'blob_changed' as const,
  message: `The blob '${blobName}' was replaced while it was being analysed.`,
});

/** Whether the blob holds something else by now than the run works on. */
async function isReplaced(current: JobInput, job: JobInput, context: StageContext): Promise<boolean> {
  const known = requestOf(current, await notedVersion(current.audio_file_id, context));
  // A run that began without a blob takes whichever it finds.
  if (known.size_bytes === undefined || job.etag === undefined || job.size_bytes === undefined) return false;
  return !(await hasContentOf(context.container, known, job as ToldVersion));
}

/** Sees to it that a queued job is begun also where the run before it was about to end and didn't find it any more. */
async function followRun(client: DurableClient, job: JobInput, context: StageContext): Promise<Start> {
  for (const start = performance.now(); ; ) {
    const last = await instanceStatus(client, job.audio_file_id);
    const isRunning = last && UNDER_WAY.has(last.runtimeStatus);
    if (isRunning && !(await progressOf(last, context))?.ending) return 'queued';
    if (!isRunning) {
      const waiting = await queuedRun(job, context);
      if (waiting) await startRun(client, waiting, context);
      return 'queued';
    }
    if (performance.now() - start > ENDING_LIMIT_MS)
      throw new WorkerError(
        'timed_out',
        `The run of '${job.audio_file_id}' has not ended within ${ENDING_LIMIT_MS / 1000} s. Ask again later.`,
      );
    await sleep(ENDING_POLL_MS);
  }
}

async function runUnderWay(client: DurableClient, instanceId: string): Promise<Instance | undefined> {
  const status = await instanceStatus(client, instanceId);
  return status && UNDER_WAY.has(status.runtimeStatus) ? status : undefined;
}

/** How far the run of an id is. */
const progressOf = ({ instanceId, customStatus }: Instance, context: StageContext) =>
  currentProgress(instanceId, customStatus as Progress | null, context);

/** What a run that has ended worked on. */
export const endVersion = ({ customStatus }: Instance) => (customStatus as Progress | null)?.version;

/** An instance's status; `undefined` where there is none of that id. */
export async function instanceStatus(client: DurableClient, instanceId: string) {
  try {
    return (await client.getStatus(instanceId)) ?? undefined;
  } catch (error) {
    if (error instanceof Error && /404|not found/i.test(error.message)) return undefined;
    throw error;
  }
}
