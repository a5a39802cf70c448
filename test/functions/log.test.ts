import type { InvocationContextInit, PostInvocationContext, PreInvocationContext } from '@azure/functions';
import { expect, it, vi } from 'vitest';
import '../../src/functions/log.ts';

type Hook<T> = (context: T) => void;
const hooks = vi.hoisted(
  () => ({}) as { before: Hook<PreInvocationContext>; after: Hook<PostInvocationContext> },
);
vi.mock('@azure/functions', () => ({
  app: {
    hook: {
      preInvocation: (hook: Hook<PreInvocationContext>) => Object.assign(hooks, { before: hook }),
      postInvocation: (hook: Hook<PostInvocationContext>) => Object.assign(hooks, { after: hook }),
    },
  },
}));
const {
  InvocationContext,
  PreInvocationContext: Before,
  PostInvocationContext: After,
} = await vi.importActual<typeof import('@azure/functions')>('@azure/functions');

const ADDRESS = 'https://me:S3cr3t@host.example/a?sig=S3cr3t';

const invocation = (type: string, logHandler?: InvocationContextInit['logHandler']) =>
  new InvocationContext({ logHandler, options: { trigger: { name: 'x', type } } as never });

it('functions log no secret, and one line for each entry, at every level', () => {
  const lines: string[] = [];
  const context = invocation(
    'httpTrigger',
    (level, ...words) => void lines.push(`${level} ${words.join('|')}`),
  );
  hooks.before(new Before({ invocationContext: context }));
  for (const level of ['log', 'trace', 'debug', 'info', 'warn', 'error'] as const)
    context[level](`got %s\n100 %s`, ADDRESS, { callback_url: ADDRESS });
  expect(lines).toHaveLength(6);
  for (const line of lines)
    expect(line).toMatch(
      /^\w+ %s\|got https:\/\/host\.example\/a\\n100 \{ callback_url: 'https:\/\/host\.example\/a' \}$/,
    );
});

it('functions throw errors that the host may keep', () => {
  const thrown = Object.assign(new TypeError(`a\nb ${ADDRESS}`, { cause: new Error(ADDRESS) }), {
    input: ADDRESS,
  });
  const context = new After({ invocationContext: invocation('blobTrigger'), error: thrown });
  hooks.after(context);
  const error = context.error as Error;
  expect(error).toMatchObject({ name: 'TypeError', message: 'a\\nb https://host.example/a' });
  expect(error.stack).toMatch(/^TypeError: a\\nb https:\/\/host\.example\/a\n {4}at /);
  expect(error).not.toHaveProperty('cause');
  expect(error).not.toHaveProperty('input');
});

it("an orchestrator's error keeps the state that it carries", () => {
  const error = new Error('$OutOfProcData$:{"isDone":false}');
  const context = new After({ invocationContext: invocation('orchestrationTrigger'), error });
  hooks.after(context);
  expect(context.error).toBe(error);
});
