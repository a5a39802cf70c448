import { HttpRequest, InvocationContext } from '@azure/functions';
import { expect, it } from 'vitest';
import { withSecondLook } from '../../src/functions/second-look.ts';
import { type ErrorCode, WorkerError } from '../../src/pipeline/errors.ts';

const request = new HttpRequest({ method: 'GET', url: 'http://127.0.0.1/analyze/a' });

/** A look at a run, of which the first `failures` times give an error. */
async function look(code: ErrorCode, failures: number) {
  let looks = 0;
  const answer = withSecondLook(async () => {
    if (++looks <= failures) throw new WorkerError(code, 'So it is.');
    return { jsonBody: looks };
  });
  return await answer(request, new InvocationContext());
}

it.each(['result_changed', 'not_found'] as const)(
  'where a run began after its status was read, and the result is %s by then, the status is read again',
  async (code) => {
    expect(await look(code, 1)).toEqual({ jsonBody: 2 });
    await expect(look(code, 2)).rejects.toMatchObject({ code });
  },
);

it('other errors are what they are', async () => {
  await expect(look('storage_unavailable', 1)).rejects.toMatchObject({ code: 'storage_unavailable' });
});
