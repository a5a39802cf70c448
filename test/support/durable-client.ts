import { type DurableClient, OrchestrationRuntimeStatus } from 'durable-functions';
import type { JobInput, Progress } from '../../src/pipeline/contracts.ts';

interface FakeInstance {
  runtimeStatus: OrchestrationRuntimeStatus;
  input: JobInput;
  customStatus: Progress | null;
}

/** A Durable client whose instances run only as a test says. */
export class FakeDurable {
  readonly instances = new Map<string, FakeInstance>();
  /** Inputs of all runs that began, in order. */
  readonly started: JobInput[] = [];
  /** Is called before each start: what comes between a look and the start. */
  onStart: () => void = () => {};

  readonly client = {
    getStatus: async (id: string) => {
      const instance = this.instances.get(id);
      if (!instance) throw new Error(`404: there is no instance '${id}'`);
      return structuredClone(instance);
    },
    startNew: async (_: string, { instanceId, input }: { instanceId: string; input: JobInput }) => {
      this.onStart();
      if (this.isUnderWay(instanceId)) throw new Error(`409: the instance '${instanceId}' is under way`);
      this.run(instanceId, input);
      return instanceId;
    },
  } as unknown as DurableClient;

  isUnderWay(id: string): boolean {
    return this.instances.get(id)?.runtimeStatus === OrchestrationRuntimeStatus.Running;
  }

  run(id: string, input: JobInput): void {
    // Durable passes JSON.
    const job = JSON.parse(JSON.stringify(input)) as JobInput;
    this.started.push(job);
    this.instances.set(id, {
      runtimeStatus: OrchestrationRuntimeStatus.Running,
      input: job,
      customStatus: { stage: 'download', progress: 0 },
    });
  }

  at(id: string, customStatus: Progress): void {
    this.instances.get(id)!.customStatus = customStatus;
  }

  end(id: string, customStatus: Progress, runtimeStatus = OrchestrationRuntimeStatus.Completed): void {
    Object.assign(this.instances.get(id)!, { runtimeStatus, customStatus });
  }
}
