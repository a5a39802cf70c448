import type { HttpHandler } from '@azure/functions';
import { asWorkerError } from '../pipeline/errors.ts';

/**
 * Looks again where the result of a run is gone or changed: another run may have begun after the status was read, and is
 * replacing it.
 */
export function withSecondLook(handler: HttpHandler): HttpHandler {
  return async (request, context) => {
    try {
      return await handler(request, context);
    } catch (error) {
      const { code } = asWorkerError(error);
      if (code !== 'result_changed' && code !== 'not_found') throw error;
      return await handler(request, context);
    }
  };
}
