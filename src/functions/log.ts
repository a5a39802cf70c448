/** Whatever a function logs or throws, and the host writes down, goes through here. */
import { format } from 'node:util';
import { app, type InvocationContext } from '@azure/functions';
import { told } from '../text/told.ts';

const LEVELS = ['log', 'trace', 'debug', 'info', 'warn', 'error'] as const;

app.hook.preInvocation(({ invocationContext }) => tellAll(invocationContext as InvocationContext));

app.hook.postInvocation((context) => {
  const { error, invocationContext } = context;
  // An orchestrator's error carries its state, as JSON, and of other errors nothing but their told messages.
  if (error && invocationContext.options.trigger.type !== 'orchestrationTrigger')
    context.error = toldError(error);
});

/** Has a function's log tell its lines. */
function tellAll(context: InvocationContext): void {
  for (const level of LEVELS) {
    const write = context[level].bind(context);
    context[level] = (...words) => write('%s', told(format(...words)));
  }
}

/** An error as the host may keep it: without the properties and causes of the original, which hold whole requests. */
function toldError(error: unknown): Error {
  const { name, message, stack = '' } = error instanceof Error ? error : new Error(String(error));
  return Object.assign(new Error(told(message)), { name, stack: told(stack) });
}
