import { createRequire } from 'node:module';
import { InvocationContext } from '@azure/functions';
import { expect, it } from 'vitest';
import { analyzeSong } from '../../src/functions/orchestrator.ts';
import { EventType } from '../../src/local/durable/protocol.ts';

// The SDK's means for tests; its types are not published.
const { createOrchestrator, DurableOrchestrationInput } = createRequire(import.meta.url)(
  'durable-functions/lib/src/util/testingUtils.js',
);

const PLAN = {
  passes: [['drums']],
  segments: 4,
  part_segments: 2,
  run: 'r',
  stems: ['drums'],
  chord_stems: [],
};
/** The schema in which actions carry the compounds around them. */
const SCHEMA_V2 = 1;

const TIMES = { Timestamp: new Date().toISOString(), IsPlayed: false };
const event = (type: number, more: object) => ({ EventType: type, EventId: -1, ...TIMES, ...more });
const completed = (TaskScheduledId: number, value?: unknown) =>
  event(EventType.TaskCompleted, { TaskScheduledId, Result: JSON.stringify({ seconds: 1, value }) });
const failed = (TaskScheduledId: number) =>
  event(EventType.TaskFailed, { TaskScheduledId, Reason: 'the process ended', Details: '' });
const fired = (TimerId: number) => event(EventType.TimerFired, { TimerId, FireAt: TIMES.Timestamp });

/** Names of what the real SDK schedules by this history. */
async function scheduled(history: object[]): Promise<string[]> {
  const orchestrator = createOrchestrator(analyzeSong as never);
  const events = [
    event(EventType.OrchestratorStarted, {}),
    event(EventType.ExecutionStarted, {}),
    ...history,
  ];
  const input = { audio_file_id: 'a', blob_name: 'a.mp3', attempts: 3 };
  const binding = new DurableOrchestrationInput('a', events, input);
  Object.assign(binding, { upperSchemaVersion: SCHEMA_V2, upperSchemaVersionNew: SCHEMA_V2 });
  const context = new InvocationContext({ functionName: 'analyzeSong', logHandler: () => {} }) as never;
  const state = await orchestrator(binding as never, context).catch((error: Error) =>
    JSON.parse(error.message.split('$OutOfProcData$:')[1]),
  );
  const names = (actions: { functionName?: string; compoundActions?: never[] }[]): string[] =>
    actions.flatMap((action) =>
      action.compoundActions ? [names(action.compoundActions).join('+')] : [action.functionName ?? 'timer'],
    );
  return [...names((state as { actions: never[][] }).actions.flat()), ...(state.error ? [state.error] : [])];
}

it('an analysis that is given up leaves its siblings the numbers that the extension gives them', async () => {
  // Download is 0, analysis 1, the parts 2 and 3; each retry takes a number for its timer and one for its task.
  const given = [completed(0, { source: { audio_file_id: 'a' }, plan: PLAN }), failed(1)];
  for (const timer of [4, 6, 8, 10]) given.push(fired(timer), failed(timer + 1));
  const givenUp = [...given, fired(12)];
  const fannedOut = ['download', 'analyze+separate+separate'];
  expect(await scheduled(givenUp)).toEqual(fannedOut);

  // A sibling fails once only then: timer 13 and task 14 are its own.
  const sibling = [...givenUp, failed(2), fired(13), completed(14)];
  expect(await scheduled(sibling)).toEqual(fannedOut);
  const whole = [...sibling, completed(3)];
  expect(await scheduled(whole)).toEqual([...fannedOut, 'callback']);
  expect(await scheduled([...whole, completed(15, true)])).toEqual([...fannedOut, 'callback', 'cleanup']);
  const end = await scheduled([...whole, completed(15, true), completed(16, {})]);
  expect(end.at(-1)).toMatch(/^analyze: The stage analyze was begun 5 times/);
});
