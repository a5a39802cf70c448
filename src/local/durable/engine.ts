import { randomUUID } from 'node:crypto';
import { describe, type Log } from '../log.ts';
import type { App } from '../worker/app.ts';
import { Episode } from './episode.ts';
import { EventType, type HistoryEvent, jsonOf, type NewEvent } from './protocol.ts';
import { type Instance, type RuntimeStatus, Store, type Work } from './store.ts';

export interface EngineOptions {
  readonly app: App;
  /** File of the history. */
  readonly database: string;
  readonly hubName: string;
  readonly maxConcurrentActivities: number;
  readonly log: Log;
}

export const FINISHED: ReadonlySet<RuntimeStatus> = new Set(['Completed', 'Failed', 'Terminated']);
/** Longest time that Node's timers can wait. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/** A request that the engine can't fulfil, with the status that the real extension answers with. */
export class EngineError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * A Durable Functions engine for one process: orchestrations by replay, activities, timers, events, with every step on
 * disk before the next one begins. An activity that was running when the process ended runs again.
 */
export class DurableEngine {
  readonly #app: App;
  readonly #store: Store;
  readonly #hubName: string;
  readonly #maxActivities: number;
  readonly #log: Log;
  readonly #running = new Map<number, Promise<void>>();
  readonly #turning = new Map<string, Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = true;
  #closed = false;

  constructor({ app, database, hubName, maxConcurrentActivities, log }: EngineOptions) {
    this.#app = app;
    this.#store = new Store(database);
    this.#hubName = hubName;
    this.#maxActivities = maxConcurrentActivities;
    this.#log = log;
  }

  /** Goes on with everything that is not finished. */
  async start(baseUrl: string): Promise<void> {
    this.#app.setDurableClient(clientOf(baseUrl, this.#hubName));
    this.#stopped = false;
    for (const id of this.#store.waiting()) this.#turn(id);
    this.#pump();
  }

  /** Ends what is under way, for at most `graceMs`. What has not ended by then runs again at the next start. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, graceMs);
    await Promise.race([Promise.all([...this.#running.values(), ...this.#turning.values()]), late.promise]);
    clearTimeout(timer);
    this.#closed = true;
    this.#store.close();
  }

  /** Starts an orchestration. @throws EngineError 404 for an unknown one, 409 where the id is under way. */
  startNew(
    name: string,
    id: string = randomUUID().replaceAll('-', ''),
    input = 'null',
    parent: Instance['parent'] = null,
  ): string {
    if (this.#app.functions.get(name)?.trigger.type !== 'orchestrationTrigger') {
      throw new EngineError(404, `There is no orchestration named '${name}'.`);
    }
    this.#store.transaction(() => {
      const known = this.#store.instance(id);
      if (known && !FINISHED.has(known.status))
        throw new EngineError(409, `The instance '${id}' is under way.`);
      this.#store.clear(id);
      const now = new Date().toISOString();
      this.#store.save({
        id,
        name,
        execution: randomUUID(),
        status: 'Pending',
        input,
        output: null,
        customStatus: null,
        created: now,
        updated: now,
        parent,
        progress: { nextId: 0, actions: [], retries: {} },
      });
      this.#store.deliver(id, { EventType: EventType.ExecutionStarted, Name: name, Input: input });
    });
    this.#turn(id);
    return id;
  }

  instance(id: string): Instance | undefined {
    return this.#store.instance(id);
  }

  instances(): Instance[] {
    return this.#store.instances();
  }

  /** What has happened to an instance, in order. */
  history(id: string): HistoryEvent[] {
    return this.#store.history(id);
  }

  raiseEvent(id: string, name: string, input: string): void {
    this.#expectUnderWay(id);
    this.#store.deliver(id, { EventType: EventType.EventRaised, Name: name, Input: input });
    this.#turn(id);
  }

  terminate(id: string, reason: string): void {
    const instance = this.#expectUnderWay(id);
    this.#store.transaction(() => {
      this.#store.settle(id);
      this.#update(instance, 'Terminated', JSON.stringify(reason));
      this.#tellParent(instance, {
        EventType: EventType.SubOrchestrationInstanceFailed,
        Reason: reason,
        Details: 'Terminated',
      });
    });
  }

  suspend(id: string): void {
    this.#update(this.#expectUnderWay(id), 'Suspended');
  }

  resume(id: string): void {
    this.#update(this.#expectUnderWay(id), 'Running');
    this.#turn(id);
  }

  /** Forgets a finished instance. Returns whether there was one. */
  purge(id: string): boolean {
    const instance = this.#store.instance(id);
    if (!instance || !FINISHED.has(instance.status)) return false;
    this.#store.transaction(() => this.#store.purge(id));
    return true;
  }

  #expectUnderWay(id: string): Instance {
    const instance = this.#store.instance(id);
    if (!instance) throw new EngineError(404, `There is no instance '${id}'.`);
    if (FINISHED.has(instance.status)) throw new EngineError(410, `The instance '${id}' has ended.`);
    return instance;
  }

  #update(instance: Instance, status: RuntimeStatus, output: string | null = instance.output): void {
    this.#store.save({ ...instance, status, output, updated: new Date().toISOString() });
  }

  /** Works off the events that wait for an instance, one after the other. */
  #turn(id: string): void {
    if (this.#stopped) return;
    const before = this.#turning.get(id) ?? Promise.resolve();
    const turn = before
      .then(() => this.#workOff(id))
      .catch((error) => this.#log('error', 'durable', `${id}: ${describe(error)}`))
      .finally(() => {
        if (this.#turning.get(id) === turn) this.#turning.delete(id);
      });
    this.#turning.set(id, turn);
  }

  async #workOff(id: string): Promise<void> {
    for (;;) {
      if (this.#stopped) return;
      const instance = this.#store.instance(id);
      const first = this.#store.firstWaiting(id);
      if (!instance || !first || instance.status === 'Suspended') return;
      if (FINISHED.has(instance.status)) {
        this.#store.taken(first.row);
        continue;
      }
      const episode = new Episode(instance, this.#store.history(id), first.event);
      await episode.run(this.#app);
      this.#commit(instance, first.row, episode);
    }
  }

  #commit(before: Instance, row: number, episode: Episode): void {
    const { instance, outcome } = episode;
    const current = this.#store.instance(before.id);
    // Terminated or replaced while its orchestrator ran: nothing of this episode happened.
    if (current?.execution !== before.execution || FINISHED.has(current.status)) return;
    this.#store.transaction(() => {
      this.#store.taken(row);
      if (outcome === 'continued') this.#store.clear(before.id, true);
      else this.#store.append(before.id, episode.recorded);
      for (const task of episode.cancelled) this.#store.cancelTimer(before.id, task);
      for (const work of episode.work) this.#store.schedule(work);
      if (outcome === 'finished') this.#store.settle(before.id);
      if (outcome === 'continued') {
        this.#store.deliver(before.id, {
          EventType: EventType.ExecutionStarted,
          Name: instance.name,
          Input: instance.input,
        });
      }
      const status = current.status === 'Suspended' && outcome === 'waiting' ? 'Suspended' : instance.status;
      this.#store.save({ ...instance, status });
      // In the same transaction: a process that ends between would leave the other instance waiting for ever.
      for (const child of episode.children) this.#startChild(instance, child);
      if (outcome === 'finished') this.#tellParent(instance, endOf(instance));
    });
    if (outcome === 'finished') {
      const level = instance.status === 'Failed' ? 'error' : 'information';
      this.#log(level, 'durable', `${instance.name} '${instance.id}': ${instance.status}`);
    }
    this.#pump();
  }

  #startChild(parent: Instance, child: { name: string; id: string; input: string; task: number }): void {
    try {
      const link = { id: parent.id, execution: parent.execution, task: child.task };
      this.startNew(child.name, child.id, child.input, link);
    } catch (error) {
      const event = { EventType: EventType.SubOrchestrationInstanceFailed, TaskScheduledId: child.task };
      this.#store.deliver(parent.id, { ...event, Reason: (error as Error).message, Details: '' });
    }
  }

  #tellParent({ parent }: Instance, event: NewEvent): void {
    if (!parent || this.#store.instance(parent.id)?.execution !== parent.execution) return;
    this.#store.deliver(parent.id, { ...event, TaskScheduledId: parent.task });
    this.#turn(parent.id);
  }

  /** Fires timers that are due and starts activities while there is room. */
  #pump(): void {
    if (this.#stopped) return;
    for (const timer of this.#store.work('timer')) {
      const wait = timer.due - Date.now();
      if (wait > 0) {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#pump(), Math.min(wait, LONGEST_WAIT_MS));
        break;
      }
      this.#complete(timer, {
        EventType: EventType.TimerFired,
        TimerId: timer.task,
        FireAt: new Date(timer.due).toISOString(),
      });
    }
    for (const work of this.#store.work('activity')) {
      if (this.#running.size >= this.#maxActivities) break;
      if (this.#running.has(work.row)) continue;
      const run = this.#runActivity(work).finally(() => {
        this.#running.delete(work.row);
        this.#pump();
      });
      this.#running.set(work.row, run);
    }
  }

  async #runActivity(work: Work): Promise<void> {
    const { name, input, task } = work;
    let event: NewEvent;
    try {
      const trigger = this.#app.functions.get(name)?.trigger;
      if (trigger?.type !== 'activityTrigger') throw new Error(`There is no activity named '${name}'.`);
      const { returnValue } = await this.#app.invoke(name, [{ name: trigger.name, data: { json: input } }]);
      const result = jsonOf(returnValue);
      event = { EventType: EventType.TaskCompleted, TaskScheduledId: task, Result: result };
    } catch (error) {
      if (this.#stopped) return; // It was broken off; it runs again at the next start.
      const { message, stack } = error instanceof Error ? error : { message: String(error), stack: '' };
      const Reason = `Activity function '${name}' failed: ${message}`;
      event = { EventType: EventType.TaskFailed, TaskScheduledId: task, Reason, Details: stack ?? '' };
    }
    if (!this.#closed) this.#complete(work, event);
  }

  /** Work is ended and its event delivered in one step; work that is gone (a terminated instance's) has no event. */
  #complete(work: Work, event: NewEvent): void {
    this.#store.transaction(() => {
      if (this.#store.end(work.row)) this.#store.deliver(work.instance, event);
    });
    this.#turn(work.instance);
  }
}

/** How a finished instance's end is told to its parent. */
function endOf({ status, output }: Instance): NewEvent {
  return status === 'Completed'
    ? { EventType: EventType.SubOrchestrationInstanceCompleted, Result: output ?? 'null' }
    : {
        EventType: EventType.SubOrchestrationInstanceFailed,
        Reason: JSON.parse(output ?? '""'),
        Details: '',
      };
}

/** What a durable client gets: where to call, and addresses for people. */
function clientOf(baseUrl: string, taskHubName: string): object {
  const rpcBaseUrl = `${baseUrl}/runtime/webhooks/durabletask/`;
  const instance = `${rpcBaseUrl}instances/INSTANCEID`;
  return {
    taskHubName,
    rpcBaseUrl,
    baseUrl: rpcBaseUrl,
    requiredQueryStringParameters: '',
    creationUrls: {
      createNewInstancePostUri: `${rpcBaseUrl}orchestrators/{functionName}[/{instanceId}]`,
      createAndWaitOnNewInstancePostUri: `${rpcBaseUrl}orchestrators/{functionName}[/{instanceId}]`,
    },
    managementUrls: {
      id: 'INSTANCEID',
      statusQueryGetUri: instance,
      sendEventPostUri: `${instance}/raiseEvent/{eventName}`,
      terminatePostUri: `${instance}/terminate?reason={text}`,
      suspendPostUri: `${instance}/suspend?reason={text}`,
      resumePostUri: `${instance}/resume?reason={text}`,
      rewindPostUri: `${instance}/rewind?reason={text}`,
      purgeHistoryDeleteUri: instance,
      restartPostUri: `${instance}/restart`,
    },
  };
}
