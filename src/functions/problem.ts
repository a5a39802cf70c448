import type { HttpHandler, HttpResponseInit, InvocationContext } from '@azure/functions';
import { asWorkerError, type ErrorCode } from '../pipeline/errors.ts';

const STATUS: Partial<Record<ErrorCode, number>> = {
  invalid_request: 400,
  request_too_large: 413,
  request_timeout: 408,
  not_found: 404,
  blob_not_found: 404,
  already_finished: 409,
  blob_changed: 409,
  blob_leased: 409,
  id_in_use: 409,
  result_changed: 409,
  storage_unavailable: 503,
};

/** An error as `application/problem+json` (RFC 9457) with the worker's stable `code`. */
function problem(error: unknown, context: InvocationContext): HttpResponseInit {
  const { code, message } = asWorkerError(error);
  const status = STATUS[code] ?? 500;
  // Only what nobody expected needs its stack.
  if (status >= 500)
    context.error(`${context.functionName}: ${message} [${code}]`, ...(code === 'internal' ? [error] : []));
  const detail = code === 'internal' ? 'The worker failed; its log says why.' : message;
  const title = code.replaceAll('_', ' ');
  return {
    status,
    headers: { 'content-type': 'application/problem+json' },
    body: JSON.stringify({ type: 'about:blank', title, status, detail, code }),
  };
}

/** A handler whose errors are answered as problems. */
export function withProblems(handler: HttpHandler): HttpHandler {
  return async (request, context) => {
    try {
      return await handler(request, context);
    } catch (error) {
      return problem(error, context);
    }
  };
}
