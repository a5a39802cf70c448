import { setTimeout as sleep } from 'node:timers/promises';
import { type DurableClient, OrchestrationRuntimeStatus } from 'durable-functions';
import type { JobInput, Progress, Stage } from '../pipeline/contracts.ts';
import {
  cancelRequest,
  noteNext,
  requestCancel,
  takeNext,
  withdrawCancel,
} from '../pipeline/stages/cancel.ts';
import type { StageContext } from '../pipeline/stages/context.ts';
import { ORCHESTRATION } from './names.ts';

/** How often a run that is about to end is looked at, in ms. */
const ENDING_POLL_MS = 200;

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

/**
 * Starts the run of a song unless it is under way: the instance's id is the `audio_file_id`, so that one song has one
 * job. A run of another version of the blob, or one that is being cancelled, leaves off and this one follows it.
 */
export async function startRun(
  client: DurableClient,
  request: Omit<JobInput, 'attempts' | 'retry_ms'>,
  stage: StageContext,
): Promise<Start> {
  const { stageAttempts: attempts, stageRetryMs: retry_ms } = stage.config;
  const job: JobInput = { ...request, attempts, retry_ms };
  const running = await runUnderWay(client, job.audio_file_id);
  if (!running) return await begin(client, job, stage);
  if (isReplacedBy(running.input as JobInput, job)) {
    await noteNext(job, stage);
    await requestCancel(
      job.audio_file_id,
      {
        code: 'blob_changed',
        message: `The blob '${job.blob_name}' was replaced while it was being analysed.`,
      },
      stage,
    );
  } else if (await cancelRequest(job.audio_file_id, stage)) await noteNext(job, stage);
  else return 'joined';
  return await beginAfter(client, job, stage);
}

const isReplacedBy = (running: JobInput, job: JobInput): boolean =>
  running.blob_name === job.blob_name &&
  running.etag !== undefined &&
  job.etag !== undefined &&
  running.etag !== job.etag;

async function begin(client: DurableClient, job: JobInput, stage: StageContext): Promise<Start> {
  const { audio_file_id } = job;
  await withdrawCancel(audio_file_id, stage);
  await takeNext(audio_file_id, stage);
  try {
    await client.startNew(ORCHESTRATION, { instanceId: audio_file_id, input: job });
    return 'started';
  } catch (error) {
    if (await runUnderWay(client, audio_file_id)) return 'joined'; // Another starter came between.
    throw error;
  }
}

/** Sees to it that a noted job is begun also where the run before it was about to end and didn't find it any more. */
async function beginAfter(client: DurableClient, job: JobInput, stage: StageContext): Promise<Start> {
  for (;;) {
    const running = await runUnderWay(client, job.audio_file_id);
    if (!running)
      return (await takeNext(job.audio_file_id, stage)) ? await begin(client, job, stage) : 'queued';
    if (!(running.customStatus as Progress | null)?.ending) return 'queued';
    await sleep(ENDING_POLL_MS);
  }
}

async function runUnderWay(client: DurableClient, instanceId: string) {
  const status = await instanceStatus(client, instanceId);
  return status && UNDER_WAY.has(status.runtimeStatus) ? status : undefined;
}

/** An instance's status; `undefined` where there is none of that id. */
export async function instanceStatus(client: DurableClient, instanceId: string) {
  try {
    return (await client.getStatus(instanceId)) ?? undefined;
  } catch (error) {
    if (error instanceof Error && /404|not found/i.test(error.message)) return undefined;
    throw error;
  }
}
