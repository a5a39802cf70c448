import { type DurableClient, OrchestrationRuntimeStatus } from 'durable-functions';
import type { JobInput } from '../pipeline/contracts.ts';
import { ORCHESTRATION } from './names.ts';

const UNDER_WAY = new Set<OrchestrationRuntimeStatus>([
  OrchestrationRuntimeStatus.Pending,
  OrchestrationRuntimeStatus.Running,
  OrchestrationRuntimeStatus.ContinuedAsNew,
  OrchestrationRuntimeStatus.Suspended,
]);

/**
 * Starts the run of a song unless it is under way: the instance's id is the `audio_file_id`, so that one song has one
 * job. Returns whether this call started it.
 */
export async function startRun(client: DurableClient, job: JobInput): Promise<boolean> {
  if (await isUnderWay(client, job.audio_file_id)) return false;
  try {
    await client.startNew(ORCHESTRATION, { instanceId: job.audio_file_id, input: job });
    return true;
  } catch (error) {
    if (await isUnderWay(client, job.audio_file_id)) return false; // Another starter came between.
    throw error;
  }
}

async function isUnderWay(client: DurableClient, instanceId: string): Promise<boolean> {
  const status = await instanceStatus(client, instanceId);
  return status !== undefined && UNDER_WAY.has(status.runtimeStatus);
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
