/**
 * The wire protocol between the Durable extension and an orchestrator function of `durable-functions` 3: history in,
 * actions out. Everything that knows its numbers and spellings is here.
 */

import type { RpcTypedData } from '../worker/app.ts';

/** Kinds of history events. */
export const EventType = {
  ExecutionStarted: 0,
  TaskScheduled: 4,
  TaskCompleted: 5,
  TaskFailed: 6,
  SubOrchestrationInstanceCreated: 7,
  SubOrchestrationInstanceCompleted: 8,
  SubOrchestrationInstanceFailed: 9,
  TimerCreated: 10,
  TimerFired: 11,
  OrchestratorStarted: 12,
  OrchestratorCompleted: 13,
  EventRaised: 15,
} as const;

export interface HistoryEvent {
  EventType: number;
  /** Number of a task or timer on the event that creates it, else -1. */
  EventId: number;
  IsPlayed: boolean;
  /** ISO 8601. */
  Timestamp: string;
  Name?: string;
  /** JSON text. */
  Input?: string;
  /** JSON text. */
  Result?: string;
  Reason?: string;
  Details?: string;
  TaskScheduledId?: number;
  TimerId?: number;
  FireAt?: string;
  InstanceId?: string;
}

/** An event as it arrives, before the history gives it its time. */
export type NewEvent = Omit<HistoryEvent, 'IsPlayed' | 'Timestamp' | 'EventId'> & { EventId?: number };

/** Kinds of actions. */
export const ActionType = {
  CallActivity: 0,
  CallActivityWithRetry: 1,
  CallSubOrchestrator: 2,
  CallSubOrchestratorWithRetry: 3,
  ContinueAsNew: 4,
  CreateTimer: 5,
  WaitForExternalEvent: 6,
  CallEntity: 7,
  CallHttp: 8,
  SignalEntity: 9,
  WhenAny: 11,
  WhenAll: 12,
  LockEntities: 13,
  ReleaseEntities: 14,
} as const;

export interface RetryOptions {
  readonly firstRetryIntervalInMilliseconds: number;
  readonly maxNumberOfAttempts: number;
  readonly backoffCoefficient?: number;
  readonly maxRetryIntervalInMilliseconds?: number;
}

export interface Action {
  readonly actionType: number;
  readonly functionName?: string;
  readonly instanceId?: string;
  readonly input?: unknown;
  readonly retryOptions?: RetryOptions;
  readonly fireAt?: string;
  readonly isCanceled?: boolean;
  readonly externalEventName?: string;
  readonly compoundActions?: readonly Action[];
}

/** What an orchestrator function answers, or throws inside of an error's text. */
export interface OrchestratorState {
  readonly isDone: boolean;
  /** All actions since the start, in the order in which they were taken. */
  readonly actions: readonly (readonly Action[])[];
  readonly output?: unknown;
  readonly error?: string;
  readonly customStatus?: unknown;
}

const OUT_OF_PROCESS_DATA = '$OutOfProcData$:';

/** The state inside of a failed orchestrator's error; undefined where the error is another one. */
export function stateOfFailure(error: Error): OrchestratorState | undefined {
  const at = error.message.indexOf(OUT_OF_PROCESS_DATA);
  return at < 0 ? undefined : JSON.parse(error.message.slice(at + OUT_OF_PROCESS_DATA.length));
}

/** Actions without the compounds around them, in the order in which the SDK numbers their tasks. */
export function flatten(actions: readonly Action[]): Action[] {
  return actions.flatMap((action) => (action.compoundActions ? flatten(action.compoundActions) : [action]));
}

/** Kind and name of an action, for comparing a replay with what was done. */
export function signature({ actionType, functionName, externalEventName }: Action): string {
  const kind =
    Object.entries(ActionType).find(([, value]) => value === actionType)?.[0] ?? `action ${actionType}`;
  return [kind, functionName ?? externalEventName].filter(Boolean).join(' ');
}

/** What a function returned, as JSON text. */
export function jsonOf(data: RpcTypedData | null | undefined): string {
  const { json, string, int, double } = data ?? {};
  return json ?? JSON.stringify(string ?? int ?? double ?? null);
}
